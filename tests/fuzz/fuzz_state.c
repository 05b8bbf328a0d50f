/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_state.c - target "state": what a worker that was taken over leaves in the state
 * file (L cases, P18). Run by libFuzzer. Either one queue's log, put before inflight_load() and
 * then used as the rest of the worker would use it; or a whole file and its rings, put before
 * device_take_over().
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "proto/state_file.h"
#include "tests/fuzz/worker.h"

static struct state_queue log_file, before;
static struct inflight log_of, twice;

/* ---- a log ---- */

static uint16_t close_to(struct input *in, uint16_t num)
{
	uint8_t b = in8(in);

	if (b >= 0xf0)
		return in16(in);
	return (uint16_t)(b % (num + 1U));
}

static uint16_t size_of(uint8_t b)
{
	return (uint16_t)(1U << (b % 11));
}

/*
 * A log like one that a good worker writes: heads taken, some finished, the last batch perhaps not
 * settled.
 */
static void good_log(struct state_queue *q, uint16_t num, struct input *in)
{
	uint8_t taken = in8(in) % 48, done = in8(in), batch[256], n = 0;
	uint16_t settle[256];

	memset(q, 0, sizeof(*q));
	inflight_start(&log_of, q, num, in16(in));
	for (uint8_t i = 0; i < taken; i++)
		(void)inflight_take(&log_of, (uint16_t)(in8(in) % num));
	for (uint16_t h = 0; h < num && n < done % 16; h++)
		if (q->desc[h].inflight)
			batch[n++] = (uint8_t)h;
	for (uint8_t i = 0; i < n; i++) {
		inflight_done(&log_of, batch[i]);
		settle[i] = batch[i];
	}
	if (done & 0x80)
		inflight_settle(&log_of, settle, n, (uint16_t)(q->used_idx + n));
}

static void change_log(struct state_queue *q, struct input *in)
{
	uint16_t i = in8(in);

	switch (in8(in) % 10) {
	case 0:
		q->desc_num = close_to(in, q->desc_num);
		break;
	case 1:
		q->last_batch_head = close_to(in, q->desc_num);
		break;
	case 2:
		q->used_idx = (uint16_t)(q->used_idx + close_to(in, q->desc_num));
		break;
	case 3:
		q->failed = in8(in) % 3;
		break;
	case 4:
		q->next_counter = in8(in) & 1 ? in64(in) : in8(in);
		break;
	case 5:
		q->desc[i].inflight = in8(in) % 3;
		break;
	case 6:
		q->desc[i & 1 ? i : q->last_batch_head % VD_QUEUE_SIZE_MAX].next = close_to(in, q->desc_num);
		break;
	case 7:
		q->desc[i].counter = in8(in);
		break;
	case 8:
		q->desc[in16(in) % VD_QUEUE_SIZE_MAX].counter = in64(in);
		break;
	case 9:
		((uint8_t *)q)[in16(in) % sizeof(*q)] = in8(in);
		break;
	}
}

/* ---- what must hold after inflight_load() ---- */

static void check_replay(const struct inflight *f, uint16_t num)
{
	static bool seen[VD_QUEUE_SIZE_MAX];
	uint64_t last = 0;
	uint32_t marked = 0;

	memset(seen, 0, sizeof(seen));
	PROMISE(f->num == num && f->replay_len <= num && f->replay_pos == 0, "no more is replayed than fits");
	for (uint16_t i = 0; i < f->replay_len; i++) {
		uint16_t h = f->replay[i];

		PROMISE(h < num && !seen[h], "a replayed head is inside of the ring, and there once");
		PROMISE(f->q->desc[h].inflight == 1, "what is replayed is marked");
		PROMISE(i == 0 || f->q->desc[h].counter > last, "the order is that of the counters");
		PROMISE(f->q->desc[h].counter < f->next_counter, "new requests come later");
		seen[h] = true;
		last = f->q->desc[h].counter;
	}
	for (uint16_t h = 0; h < VD_QUEUE_SIZE_MAX; h++)
		marked += f->q->desc[h].inflight;
	PROMISE(marked == f->replay_len, "what is marked is replayed");
}

/* Only marks were cleared, and the used index moved on. */
static void check_untouched(const struct state_queue *now, uint16_t used_idx)
{
	PROMISE(now->used_idx == used_idx, "the log has the ring's used index");
	before.used_idx = used_idx;
	for (uint16_t h = 0; h < VD_QUEUE_SIZE_MAX; h++) {
		PROMISE(now->desc[h].inflight == before.desc[h].inflight || now->desc[h].inflight == 0,
			"nothing is marked by a recovery");
		before.desc[h].inflight = now->desc[h].inflight;
	}
	PROMISE(memcmp(&before, now, sizeof(before)) == 0, "nothing else in the log is changed");
}

/* The heads that are forgotten because they were published are distinct. */
static bool published_distinct(const struct state_queue *q, uint16_t published)
{
	static bool seen[VD_QUEUE_SIZE_MAX];
	uint16_t h = q->last_batch_head;

	memset(seen, 0, sizeof(seen));
	for (uint16_t i = 0; i < published; i++, h = q->desc[h].next) {
		if (seen[h])
			return false;
		seen[h] = true;
	}
	return true;
}

/*
 * The queue goes on: everything replayed is finished, a new head is taken, the worker dies again.
 */
static void go_on(uint16_t num, uint16_t used_idx, uint8_t done)
{
	uint16_t n = done < log_of.replay_len ? done : log_of.replay_len, left = (uint16_t)(log_of.replay_len - n);

	if (log_of.next_counter > UINT64_MAX / 2)
		return; /* no worker counts so far */
	for (uint16_t i = 0; i < n; i++)
		inflight_done(&log_of, log_of.replay[i]);
	if (n > 0)
		inflight_settle(&log_of, log_of.replay, n, (uint16_t)(used_idx + n));
	PROMISE(inflight_load(&twice, &log_file, num, (uint16_t)(used_idx + n)) == 0, "the next worker believes it");
	PROMISE(twice.replay_len == left && memcmp(twice.replay, log_of.replay + n, left * sizeof(uint16_t)) == 0,
		"and replays what is left");
}

static void one_log(struct input *in)
{
	uint16_t num = size_of(in8(in)), used_idx, published;
	int rc;

	good_log(&log_file, num, in);
	for (uint8_t n = in8(in) % 16; n > 0; n--)
		change_log(&log_file, in);
	published = close_to(in, num);
	used_idx = (uint16_t)(log_file.used_idx + published);
	if (in8(in) >= 0xf0)
		num = in16(in);
	before = log_file;
	rc = inflight_load(&log_of, &log_file, num, used_idx);
	PROMISE(rc == 0 || rc == -EBADMSG, "a log is believed or not");
	if (rc < 0) {
		PROMISE(memcmp(&before, &log_file, sizeof(before)) == 0,
			"a log that is not believed is left as it was");
		return;
	}
	PROMISE(num > 0 && num <= VD_QUEUE_SIZE_MAX && before.desc_num == num, "a believed log is of this ring");
	PROMISE(published_distinct(&before, published), "a batch names each head once");
	check_replay(&log_of, num);
	check_untouched(&log_file, used_idx);
	go_on(num, used_idx, in8(in));
}

/* ---- a whole file ---- */

static void good_file(struct input *in)
{
	struct state_file *s = &worker_state;

	s->magic = STATE_MAGIC;
	s->version = STATE_VERSION;
	s->size = sizeof(*s);
	s->name[0] = worker.setup.name[0];
	s->queues = worker.setup.queues;
	s->driver_status = 0xf;
	s->features = worker.setup.features;
	for (uint32_t i = 0; i < worker.setup.queues; i++)
		good_log(&s->queue[i], worker_guest[i].num, in);
}

static void change_file(struct input *in)
{
	struct state_file *s = &worker_state;

	switch (in8(in) % 9) {
	case 0:
		s->driver_status = in8(in);
		break;
	case 1:
		s->features = in8(in) & 1 ? in64(in) : 0;
		break;
	case 2:
		kernel.features = in8(in) & 1 ? in64(in) : s->features;
		break;
	case 3:
		s->queues = in8(in);
		break;
	case 4:
		s->driver_status = in32(in);
		break;
	case 5:
		((uint8_t *)s)[in8(in) % offsetof(struct state_file, queue)] = in8(in);
		break;
	case 6:
		kernel.info[in8(in) % worker.setup.queues].ready = in8(in) & 1;
		break;
	case 7:
		s->magic = in8(in) & 1 ? 0 : in64(in);
		break;
	case 8:
		change_log(&s->queue[in8(in) % worker.setup.queues], in);
		break;
	}
}

/*
 * The rings that the next worker finds: the used index may be ahead of the log, something may have
 * come in.
 */
static void make_rings(struct input *in)
{
	for (uint32_t i = 0; i < worker.setup.queues; i++) {
		const struct guest *g = &worker_guest[i];
		uint16_t used = (uint16_t)(worker_state.queue[i].used_idx + close_to(in, g->num));

		mem_put16(g->used + 2, used);
		mem_put16(g->avail + 2, (uint16_t)(used + close_to(in, g->num)));
		for (uint16_t h = 0; h < g->num; h++)
			mem_put16(g->avail + 4 + 2ULL * h, (uint16_t)(h + i));
	}
}

static void sum_counters(void)
{
	struct state_counters c[VD_QUEUES_MAX], sum;

	for (size_t i = 0; i < worker.setup.queues; i++)
		c[i] = worker_state.queue[i].counters;
	state_sum_counters(c, worker.setup.queues, &sum);
	PROMISE(worker.setup.queues > 1 || memcmp(&sum, c, sizeof(sum)) == 0, "one queue's counters are the sum");
}

static void one_file(struct input *in, uint8_t how)
{
	worker_new_device(1 + how % WORKER_QUEUES, how >> 4 & (WORK_F_READ_ONLY | WORK_F_FAIL));
	worker.setup.generation = 1; /* the one that left the file */
	good_file(in);
	for (uint8_t n = in8(in) % 12; n > 0; n--)
		change_file(in);
	make_rings(in);
	sum_counters();
	while (in->left > 0)
		guest_op(&worker_guest[0], in8(in) % G_OPS, in);
	worker_control.state_changed = true;
	worker_control.async = how & 0x80;
	if (!worker_start())
		return;
	(void)worker_do(worker_run_threads);
	worker_check();
	for (uint32_t i = 0; i < worker.setup.queues; i++)
		worker_kick(i);
	(void)worker_do(worker_run_threads);
	worker_end();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = in8(&in);

	if (how & 8)
		one_file(&in, how);
	else
		one_log(&in);
	return 0;
}

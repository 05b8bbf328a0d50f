/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/checked.c - see checked.h. Runs in the fuzz targets of the worker.
 */
#include "tests/fuzz/checked.h"

#include "worker/ring/virtq_split.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <string.h>

#define QUEUES 8U

static struct checked all[QUEUES];
static unsigned nall;

void checked_init(void)
{
	for (unsigned i = 0; i < nall; i++)
		all[i].vq = NULL;
	nall = 0;
}

struct checked *checked_add(struct virtq *vq)
{
	struct checked *c = &all[nall++];

	PROMISE(nall <= QUEUES, "the target has few queues");
	memset(c, 0, sizeof(*c));
	c->vq = vq;
	c->honest = true;
	return c;
}

void checked_follow(struct checked *c, struct virtq *vq, bool honest)
{
	c->vq = vq;
	c->started = c->failed = c->resuming = false;
	c->npushed = 0;
	c->honest = c->honest && honest;
}

static struct checked *find(const struct virtq *vq)
{
	for (unsigned i = 0; i < nall; i++)
		if (all[i].vq == vq)
			return &all[i];
	abort();
}

static void step(const struct checked *c)
{
	if (c->hook)
		c->hook();
}

static bool remove_head(uint16_t *list, uint16_t *n, uint16_t head)
{
	for (uint16_t i = 0; i < *n; i++) {
		if (list[i] != head)
			continue;
		memmove(&list[i], &list[i + 1], (size_t)(*n - i - 1) * sizeof(list[0]));
		--*n;
		return true;
	}
	return false;
}

static bool has_head(const uint16_t *list, uint16_t n, uint16_t head)
{
	for (uint16_t i = 0; i < n; i++)
		if (list[i] == head)
			return true;
	return false;
}

bool checked_is_pushed(const struct checked *c, uint16_t head)
{
	return has_head(c->pushed, c->npushed, head);
}

/* ---- promises ---- */

void checked_chain(const struct virtq *vq, const struct chain *c)
{
	uint64_t out = 0, in = 0;

	PROMISE(c->head < vq->conf.num, "a head is inside of the ring");
	PROMISE(c->nout <= VIRTQ_SEGS_MAX && c->nin <= VIRTQ_SEGS_MAX - c->nout,
		"a chain has no more segments than fit");
	if (c->bad)
		PROMISE(c->nout == 0 && c->nin == 0 && c->out_len == 0 && c->in_len == 0,
			"a bad chain has no segments");
	for (uint32_t i = 0; i < c->nout + c->nin; i++) {
		PROMISE(c->seg[i].len > 0, "no segment is empty");
		if (i < c->nout)
			out += c->seg[i].len;
		else
			in += c->seg[i].len;
	}
	PROMISE(out == c->out_len && in == c->in_len, "lengths are the sums of the segments");
}

/* Every log entry says what we counted. */
static void check_log(const struct checked *c)
{
	const struct inflight *log = &c->vq->log;
	uint32_t marked = 0;
	uint64_t last = 0;

	for (uint16_t h = 0; h < log->num; h++)
		marked += log->q->desc[h].inflight;
	PROMISE(marked == c->ntaken, "as many heads are marked in the log as are in flight");
	for (uint16_t i = 0; i < c->ntaken; i++) {
		const struct state_desc *d = &log->q->desc[c->taken[i]];

		PROMISE(d->inflight == 1, "a head in flight is marked in the log");
		PROMISE(!c->honest || i == 0 || d->counter > last, "the log keeps the order in which heads were taken");
		last = d->counter;
	}
}

static void check_replay(struct checked *c)
{
	const struct inflight *log = &c->vq->log;

	PROMISE(log->replay_len <= c->vq->conf.num && log->replay_pos == 0, "no more is replayed than fits");
	for (uint16_t i = 0; i < log->replay_len; i++) {
		PROMISE(log->replay[i] < c->vq->conf.num, "a replayed head is inside of the ring");
		PROMISE(!has_head(log->replay, i, log->replay[i]), "no head is replayed twice");
	}
	if (!c->honest)
		return;
	PROMISE(log->replay_len == c->ntaken || (c->popping && log->replay_len == c->ntaken + 1),
		"everything in flight is replayed, and nothing else");
	PROMISE(memcmp(log->replay, c->taken, c->ntaken * sizeof(c->taken[0])) == 0, "it is replayed in its order");
}

/* Where the driver looks for the result. */
static void note_status(struct checked *c, const struct chain *chain)
{
	const struct seg *end = &chain->seg[chain->nout + chain->nin];

	c->status[chain->head] = chain->nin > 0 ? end[-1].iova + end[-1].len - 1 : 0;
}

/*
 * It looks at nothing else. Where the kernel's answers were strange, what is mapped is not what the
 * driver has there.
 */
static void check_status(const struct checked *c, uint16_t head)
{
	uint8_t status;

	if (!c->answers)
		return;
	PROMISE(c->status[head] != 0, "nothing is completed without a place for its status");
	mem_get(c->status[head], &status, 1);
	PROMISE(mem_lies() > 0 || status <= 2, "the driver finds the status of what is completed");
}

/* ---- the wall ---- */

static int map(struct virtq *vq)
{
	int rc = virtq_split.map(vq);

	PROMISE(rc <= 0, "map() answers 0 or an error");
	if (rc == 0)
		PROMISE(mem_accessible(vq->desc, 16ULL * vq->conf.num, VDUSE_ACCESS_RO) &&
				mem_accessible(vq->driver, 6ULL + 2ULL * vq->conf.num, VDUSE_ACCESS_RO) &&
				mem_accessible(vq->device, 6ULL + 8ULL * vq->conf.num, VDUSE_ACCESS_RW),
			"mapped rings are wholly the driver's memory");
	if (rc == 0)
		PROMISE((uintptr_t)vq->desc % 16 == 0 && (uintptr_t)vq->driver % 2 == 0 &&
				(uintptr_t)vq->device % 4 == 0,
			"mapped rings are aligned");
	return rc;
}

/*
 * The device takes its place in the ring: with an empty log afresh, else where the last worker was.
 */
static void find_place(struct checked *c, uint16_t used)
{
	if (c->state->desc_num == 0) {
		c->ntaken = 0;
		c->published = used;
		c->honest = true;
	}
	/* The used index is in memory that the driver can write, too. */
	c->honest =
		c->honest && used == c->published && (c->state->desc_num == 0 || c->state->desc_num == c->vq->conf.num);
	c->resuming = c->honest && c->state->desc_num != 0;
}

static uint16_t used_idx(struct virtq *vq)
{
	struct checked *c = find(vq);
	uint16_t used = virtq_split.used_idx(vq);

	if (c->state)
		find_place(c, used);
	return used;
}

static int start(struct virtq *vq, uint16_t used)
{
	struct checked *c = find(vq);
	int rc;

	c->resuming = false;
	step(c);
	rc = virtq_split.start(vq, used);
	PROMISE(rc == 0 || (rc == -EPROTO && vq->error), "start() answers 0 or says what is wrong");
	check_replay(c);
	c->popping = false;
	memcpy(c->taken, vq->log.replay, vq->log.replay_len * sizeof(c->taken[0]));
	c->ntaken = vq->log.replay_len;
	c->npushed = 0;
	c->published = used;
	c->started = true;
	c->failed = rc < 0;
	check_log(c);
	/*
	 * From here on the log is this worker's, whatever it began with. (No worker counts so far.)
	 */
	c->honest = c->honest || vq->log.next_counter < UINT64_MAX / 2;
	return rc;
}

static int pop(struct virtq *vq, struct chain *chain)
{
	struct checked *c = find(vq);
	bool replay = vq->log.replay_pos < vq->log.replay_len;
	uint16_t next = replay ? vq->log.replay[vq->log.replay_pos] : 0;
	int rc;

	PROMISE(c->started && !c->failed, "nothing is taken from a ring that was found malformed");
	step(c);
	ASAN_UNPOISON_MEMORY_REGION(chain->seg, sizeof(chain->seg));
	c->popping = !replay;
	rc = virtq_split.pop(vq, chain);
	c->popping = false;
	PROMISE(rc == 1 || rc == 0 || (rc == -EPROTO && vq->error), "pop() answers 1, 0 or says what is wrong");
	PROMISE(!replay || (rc == 1 && chain->head == next), "what is replayed comes first");
	c->failed = rc < 0;
	if (rc <= 0)
		return rc;
	c->pops++;
	checked_chain(vq, chain);
	note_status(c, chain);
	/* What an earlier chain left there is nobody's business. */
	ASAN_POISON_MEMORY_REGION(&chain->seg[chain->nout + chain->nin],
				  (VIRTQ_SEGS_MAX - chain->nout - chain->nin) * sizeof(chain->seg[0]));
	if (!replay) {
		PROMISE(!has_head(c->taken, c->ntaken, chain->head), "no head is in flight twice");
		PROMISE(c->ntaken < vq->conf.num, "no more is in flight than the ring has entries");
		c->taken[c->ntaken++] = chain->head;
	}
	step(c);
	return rc;
}

static void push(struct virtq *vq, uint16_t head, uint32_t len)
{
	struct checked *c = find(vq);
	uint32_t elem[2];

	PROMISE(has_head(c->taken, c->ntaken, head) && !has_head(c->pushed, c->npushed, head),
		"a head is completed once, while it is in flight");
	check_status(c, head);
	step(c);
	virtq_split.push(vq, head, len);
	c->pushed[c->npushed++] = head;
	memcpy(elem, vq->device + 4 + 8U * ((uint16_t)(c->published + c->npushed - 1) % vq->conf.num), sizeof(elem));
	PROMISE(elem[0] == head && elem[1] == len, "the used ring says what was completed");
	step(c);
}

static bool publish(struct virtq *vq)
{
	struct checked *c = find(vq);
	bool irq;
	uint16_t idx;

	PROMISE(c->npushed > 0, "something is published");
	step(c);
	irq = virtq_split.publish(vq);
	c->published = (uint16_t)(c->published + c->npushed);
	for (uint16_t i = 0; i < c->npushed; i++)
		PROMISE(remove_head(c->taken, &c->ntaken, c->pushed[i]), "what is published was in flight");
	c->npushed = 0;
	memcpy(&idx, vq->device + 2, sizeof(idx));
	PROMISE(idx == c->published && vq->used_idx == idx, "the used index counts what was published");
	PROMISE(vq->log.q->used_idx == idx, "the log knows the used index");
	check_log(c);
	step(c);
	return irq;
}

static bool enable_kicks(struct virtq *vq)
{
	return virtq_split.enable_kicks(vq);
}

static void disable_kicks(struct virtq *vq)
{
	virtq_split.disable_kicks(vq);
}

static bool log_fits(struct virtq *vq, uint16_t used_idx)
{
	const struct inflight *log = &vq->log;
	bool fits = virtq_split.log_fits(vq, used_idx);

	PROMISE(log->replay_len <= vq->conf.num && log->replay_pos == 0, "a log is looked at before it is used");
	if (!fits)
		find(vq)->ntaken = 0; /* it is given up */
	return fits;
}

const struct virtq_ops checked_split = {
	.name = "checked",
	.map = map,
	.used_idx = used_idx,
	.log_fits = log_fits,
	.start = start,
	.pop = pop,
	.push = push,
	.publish = publish,
	.enable_kicks = enable_kicks,
	.disable_kicks = disable_kicks,
};

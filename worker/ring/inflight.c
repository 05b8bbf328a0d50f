/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/inflight.c - see inflight.h. Runs in vduse-worker; the log of an earlier worker is
 * hostile.
 */
#include "worker/ring/inflight.h"

#include <errno.h>
#include <string.h>

#include "worker/crash.h"
#include "worker/ring/shm.h"

static void attach(struct inflight *f, struct state_queue *q, uint16_t num)
{
	f->q = q;
	f->num = num;
	f->replay_len = 0;
	f->replay_pos = 0;
}

void inflight_start(struct inflight *f, struct state_queue *q, uint16_t num, uint16_t used_idx)
{
	inflight_clear(q);
	attach(f, q, num);
	f->last_batch_head = 0;
	f->next_counter = 1;
	shm_put64(&q->next_counter, f->next_counter);
	shm_put16(&q->used_idx, used_idx);
	shm_put16_release(&q->desc_num, num); /* last: a size says that the rest is there */
}

void inflight_clear(struct state_queue *q)
{
	static const struct state_desc clean;

	/*
	 * the whole table: desc_num may be the word of a worker that was taken over. Clean entries
	 * are not stored to
	 */
	for (uint16_t i = 0; i < VD_QUEUE_SIZE_MAX; i++)
		if (memcmp(&q->desc[i], &clean, sizeof(clean)) != 0)
			memset(&q->desc[i], 0, sizeof(q->desc[i]));
	q->reserved = 0; /* not ours, but recovery wants them so */
	q->reserved2 = 0;
	shm_put16(&q->last_batch_head, 0);
	shm_put16(&q->used_idx, 0);
	shm_put64(&q->next_counter, 0);
	shm_put16_release(&q->desc_num, 0); /* last: until then the next worker clears again */
}

int inflight_take(struct inflight *f, uint16_t head)
{
	struct state_desc *d = &f->q->desc[head];

	if (d->inflight)
		return -EEXIST;
	shm_put64(&d->counter, f->next_counter++);
	shm_put64(&f->q->next_counter, f->next_counter);
	crash_point(K1_BEFORE_INFLIGHT);
	__atomic_store_n(&d->inflight, 1, __ATOMIC_RELEASE);
	crash_point(K2_INFLIGHT);
	return 0;
}

void inflight_done(struct inflight *f, uint16_t head)
{
	shm_put16(&f->q->desc[head].next, f->last_batch_head);
	f->last_batch_head = head;
	shm_put16_release(&f->q->last_batch_head, head);
	crash_point(K6_BATCH_HEAD);
}

void inflight_settle(struct inflight *f, const uint16_t *head, uint16_t n, uint16_t used_idx)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (uint16_t i = 0; i < n; i++) {
		shm_put8(&f->q->desc[head[i]].inflight, 0);
		crash_point(K8_INFLIGHT_CLEARED);
	}
	shm_put16_release(&f->q->used_idx, used_idx);
	crash_point(K9_LOG_USED_IDX);
}

bool inflight_is_tail(const struct state_queue *q)
{
	uint64_t end = shm_get64(&q->next_counter), first = end;
	uint16_t n = 0;

	for (uint16_t h = 0; h < VD_QUEUE_SIZE_MAX; h++) {
		uint64_t counter = shm_get64(&q->desc[h].counter);

		if (!q->desc[h].inflight)
			continue;
		n++;
		first = counter < first ? counter : first;
	}
	return end - first == n;
}

/* ---- taking over: everything below reads a private copy ---- */

/* The fields of a queue, its table left out. */
static bool header_valid(const struct state_queue *c, uint16_t num)
{
	return c->desc_num == num && c->last_batch_head < num && c->reserved == 0 && c->reserved2 == 0 &&
	       c->failed <= 1;
}

static bool table_valid(const struct state_queue *c)
{
	static const uint8_t zero[sizeof(c->desc[0].reserved)];

	for (uint16_t i = 0; i < VD_QUEUE_SIZE_MAX; i++) {
		const struct state_desc *d = &c->desc[i];

		if (d->inflight > 1 || d->next >= c->desc_num || memcmp(d->reserved, zero, sizeof(zero)) != 0)
			return false;
		if (i >= c->desc_num && (d->inflight || d->next || d->counter))
			return false;
		if (d->inflight && d->counter >= c->next_counter)
			return false;
	}
	return true;
}

/*
 * The last batch was published but perhaps not settled: its heads are the first `published` links
 * of the list. They must be distinct. Links behind them may be old and loop.
 */
static bool settle_copy(struct state_queue *c, uint16_t published)
{
	uint8_t seen[VD_QUEUE_SIZE_MAX] = { 0 };
	uint16_t h = c->last_batch_head;

	for (uint16_t i = 0; i < published; i++) {
		if (seen[h])
			return false;
		seen[h] = 1;
		c->desc[h].inflight = 0;
		h = c->desc[h].next;
	}
	return true;
}

/*
 * Heads still in flight, in the order they were taken. Returns their number, or -EBADMSG when
 * counters are equal. Sorts by insertion: qsort() may allocate, which the sealed worker must not.
 */
static int list_replay(const struct state_queue *c, uint16_t *replay)
{
	uint16_t n = 0;

	for (uint16_t h = 0; h < c->desc_num; h++) {
		uint16_t at = n;

		if (!c->desc[h].inflight)
			continue;
		for (; at > 0 && c->desc[replay[at - 1]].counter > c->desc[h].counter; at--)
			replay[at] = replay[at - 1];
		if (at > 0 && c->desc[replay[at - 1]].counter == c->desc[h].counter)
			return -EBADMSG;
		replay[at] = h;
		n++;
	}
	return n;
}

int inflight_load(struct inflight *f, struct state_queue *q, uint16_t num, uint16_t used_idx)
{
	struct state_queue c;
	uint16_t published;
	int n;

	shm_copy_in(&c, q, sizeof(c));
	published = (uint16_t)(used_idx - c.used_idx);
	if (num == 0 || num > VD_QUEUE_SIZE_MAX || !header_valid(&c, num) || !table_valid(&c) || published > num ||
	    !settle_copy(&c, published))
		return -EBADMSG;
	attach(f, q, num);
	n = list_replay(&c, f->replay);
	if (n < 0)
		return n;
	f->replay_len = (uint16_t)n;
	f->last_batch_head = c.last_batch_head;
	f->next_counter = c.next_counter;
	crash_point(K15_LOG_VALID);
	/*
	 * Finish the interrupted settle in the log itself, in settle's order: another crash here
	 * finds the same.
	 */
	for (uint16_t i = 0; i < num; i++)
		if (q->desc[i].inflight && !c.desc[i].inflight)
			shm_put8(&q->desc[i].inflight, 0);
	shm_put16_release(&q->used_idx, used_idx);
	crash_point(K16_SETTLED);
	return 0;
}

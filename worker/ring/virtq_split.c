/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/virtq_split.c - split virtqueues (virtio 1.2, 2.7) with indirect descriptors and
 * event index. Runs in the queue's thread of vduse-worker.
 * Trusts nothing in a ring: every field is read once, into a private copy, and checked there.
 *
 * A malformed ring (head out of range or in flight twice, an index that jumps) ends the queue: what
 * is in it means nothing. A chain behind a good head that cannot be read is returned by pop() with
 * c->bad set: there is no place for a status, so it cannot be completed (blk.h).
 */
#include "worker/ring/virtq_split.h"

#include <errno.h>
#include <linux/virtio_ring.h>

#include "worker/crash.h"
#include "worker/ring/shm.h"
#include "worker/ring/virtq.h"

#define DESC_SIZE 16U
#define FLAGS_KNOWN (VRING_DESC_F_NEXT | VRING_DESC_F_WRITE | VRING_DESC_F_INDIRECT)

/*
 * struct vring_avail: flags, idx, ring[num], used_event; struct vring_used: flags, idx,
 * ring[num]{id, len}, avail_event /
 */
#define AVAIL_SIZE(num) (6U + 2U * (num))
#define USED_SIZE(num) (6U + 8U * (num))

static const uint8_t *avail_idx(const struct virtq *vq)
{
	return vq->driver + 2;
}

static const uint8_t *used_event(const struct virtq *vq)
{
	return vq->driver + 4 + (size_t)2 * vq->conf.num;
}

static uint8_t *avail_event(const struct virtq *vq)
{
	return vq->device + 4 + (size_t)8 * vq->conf.num;
}

static int split_map(struct virtq *vq)
{
	uint32_t num = vq->conf.num;
	void *desc = NULL, *driver = NULL, *device = NULL;
	int rc;

	vq->desc = vq->driver = vq->device = NULL;
	rc = iova_whole(vq->mem, vq->conf.desc_addr, (uint64_t)num * DESC_SIZE, IOVA_READ, &desc);
	if (rc == 0)
		rc = iova_whole(vq->mem, vq->conf.driver_addr, AVAIL_SIZE(num), IOVA_READ, &driver);
	if (rc == 0)
		rc = iova_whole(vq->mem, vq->conf.device_addr, USED_SIZE(num), IOVA_BOTH, &device);
	if (rc < 0)
		return rc;
	/* The address a driver names may be aligned where the offset of its region is not. */
	if ((uintptr_t)desc % 16 != 0 || (uintptr_t)driver % 2 != 0 || (uintptr_t)device % 4 != 0)
		return -EFAULT;
	vq->desc = desc;
	vq->driver = driver;
	vq->device = device;
	return 0;
}

static uint16_t split_used_idx(struct virtq *vq)
{
	return shm_get16(vq->device + 2);
}

static uint16_t avail_head(const struct virtq *vq, uint16_t index)
{
	return shm_get16(vq->driver + 4 + (size_t)2 * (index & (vq->conf.num - 1U)));
}

static bool split_log_fits(struct virtq *vq, uint16_t used_idx)
{
	uint16_t end = shm_get16_acquire(avail_idx(vq)), outstanding = (uint16_t)(end - used_idx);

	if (outstanding > vq->conf.num || vq->log.replay_len > outstanding)
		return false;
	for (uint16_t i = (uint16_t)(used_idx + vq->log.replay_len); i != end; i++) {
		uint16_t head = avail_head(vq, i);

		if (head < vq->conf.num && vq->log.q->desc[head].inflight)
			return false;
	}
	return true;
}

static int split_start(struct virtq *vq, uint16_t used_idx)
{
	vq->error = NULL;
	vq->pushed = 0;
	vq->used_idx = used_idx;
	vq->last_avail = (uint16_t)(used_idx + vq->log.replay_len);
	vq->avail_seen = vq->last_avail;
	if ((uint16_t)(shm_get16(avail_idx(vq)) - used_idx) > vq->conf.num ||
	    (uint16_t)(shm_get16(avail_idx(vq)) - vq->last_avail) > vq->conf.num) {
		vq->error = "its available index is out of range";
		return -EPROTO;
	}
	return 0;
}

/* ---- descriptors ---- */

static struct virtq_desc load_desc(const uint8_t *p)
{
	uint64_t addr = shm_get64(p), rest = shm_get64(p + 8);

	return (struct virtq_desc){
		.addr = addr,
		.len = (uint32_t)rest,
		.flags = (uint16_t)(rest >> 32),
		.next = (uint16_t)(rest >> 48),
	};
}

/* Walk the private copy of an indirect table of n entries. */
static const char *walk_table(const struct virtq_desc *table, uint32_t n, struct chain *c)
{
	uint32_t i = 0;

	for (uint32_t steps = 0; steps < n; steps++) {
		const struct virtq_desc *d = &table[i];
		const char *bad;

		if (d->flags & ~FLAGS_KNOWN)
			return "unknown descriptor flags";
		if (d->flags & VRING_DESC_F_INDIRECT)
			return "an indirect table inside an indirect table";
		bad = chain_add(c, d->addr, d->len, (d->flags & VRING_DESC_F_WRITE) != 0);
		if (bad)
			return bad;
		if (!(d->flags & VRING_DESC_F_NEXT))
			return NULL;
		i = d->next;
		if (i >= n)
			return "next descriptor outside of its indirect table";
	}
	return "descriptors in a loop";
}

/* The write flag of a descriptor that refers to a table means nothing (virtio 1.2, 2.7.5.3.2). */
static const char *walk_indirect(struct virtq *vq, const struct virtq_desc *d, struct chain *c)
{
	if (!vq->conf.indirect)
		return "indirect descriptor without the feature";
	if (d->flags & VRING_DESC_F_NEXT)
		return "indirect descriptor with a next one";
	if (d->len == 0 || d->len % DESC_SIZE != 0)
		return "indirect table of a length that no table has";
	if (d->len / DESC_SIZE > VIRTQ_SEGS_MAX)
		return "indirect table too long";
	c->unreached = iova_read(vq->mem, d->addr, vq->table, d->len);
	if (c->unreached < 0)
		return "indirect table not in mapped memory";
	return walk_table(vq->table, d->len / DESC_SIZE, c);
}

static const char *walk(struct virtq *vq, struct chain *c)
{
	uint32_t i = c->head;

	for (uint32_t steps = 0; steps < vq->conf.num; steps++) {
		struct virtq_desc d = load_desc(vq->desc + (size_t)i * DESC_SIZE);
		const char *bad;

		if (d.flags & ~FLAGS_KNOWN)
			return "unknown descriptor flags";
		if (d.flags & VRING_DESC_F_INDIRECT)
			return walk_indirect(vq, &d, c);
		bad = chain_add(c, d.addr, d.len, (d.flags & VRING_DESC_F_WRITE) != 0);
		if (bad)
			return bad;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return NULL;
		i = d.next;
		if (i >= vq->conf.num)
			return "next descriptor outside of the ring";
	}
	return "descriptors in a loop";
}

static void read_chain(struct virtq *vq, uint16_t head, struct chain *c)
{
	c->head = head;
	c->nout = c->nin = 0;
	c->out_len = c->in_len = 0;
	c->unreached = 0;
	c->bad = walk(vq, c);
	if (c->bad) {
		c->nout = c->nin = 0;
		c->out_len = c->in_len = 0;
	}
}

/* ---- available ring ---- */

static int malformed(struct virtq *vq, const char *why)
{
	vq->error = why;
	return -EPROTO;
}

/* Update avail_seen. 1 = there is something to take, 0 = nothing, -EPROTO. */
static int look(struct virtq *vq)
{
	uint16_t idx = shm_get16_acquire(avail_idx(vq));

	/*
	 * Never more outstanding than entries: neither ahead of us nor together with what is not
	 * yet used.
	 */
	if ((uint16_t)(idx - vq->last_avail) > vq->conf.num || (uint16_t)(idx - vq->used_idx) > vq->conf.num)
		return malformed(vq, "its available index jumped");
	vq->avail_seen = idx;
	return idx != vq->last_avail;
}

static int take(struct virtq *vq, uint16_t *head)
{
	uint16_t h = avail_head(vq, vq->last_avail);

	if (h >= vq->conf.num)
		return malformed(vq, "a request's descriptor is outside of the ring");
	if (inflight_take(&vq->log, h) < 0)
		return malformed(vq, "a request was made available twice");
	vq->last_avail++;
	*head = h;
	return 1;
}

static int split_pop(struct virtq *vq, struct chain *c)
{
	struct inflight *log = &vq->log;
	uint16_t head;
	int rc;

	if (log->replay_pos < log->replay_len) {
		crash_point(log->replay_pos == 0 ? K18_FIRST_REPLAY : K19_NEXT_REPLAY);
		read_chain(vq, log->replay[log->replay_pos++], c);
		return 1;
	}
	if (vq->last_avail == vq->avail_seen) {
		rc = look(vq);
		if (rc <= 0)
			return rc;
	}
	rc = take(vq, &head);
	if (rc > 0)
		read_chain(vq, head, c);
	return rc;
}

/* ---- used ring ---- */

static void split_push(struct virtq *vq, uint16_t head, uint32_t len)
{
	uint16_t slot = (uint16_t)(vq->used_idx + vq->pushed) & (uint16_t)(vq->conf.num - 1);
	uint8_t *elem = vq->device + 4 + (size_t)8 * slot;

	shm_put32(elem, head);
	shm_put32(elem + 4, len);
	crash_point(K5_USED_ELEM);
	inflight_done(&vq->log, head);
	vq->batch[vq->pushed++] = head;
}

static bool wants_interrupt(const struct virtq *vq, uint16_t old_idx)
{
	/* used.idx is stored before the driver's wish is read (virtio 1.2, 2.7.7.2) */
	shm_barrier();
	if (vq->conf.event_idx)
		return vring_need_event(shm_get16(used_event(vq)), vq->used_idx, old_idx);
	return !(shm_get16(vq->driver) & VRING_AVAIL_F_NO_INTERRUPT);
}

static bool split_publish(struct virtq *vq)
{
	uint16_t old_idx = vq->used_idx;

	vq->used_idx = (uint16_t)(old_idx + vq->pushed);
	shm_put16_release(vq->device + 2, vq->used_idx);
	crash_point(K7_USED_IDX);
	inflight_settle(&vq->log, vq->batch, vq->pushed, vq->used_idx);
	vq->pushed = 0;
	return wants_interrupt(vq, old_idx);
}

static bool split_enable_kicks(struct virtq *vq)
{
	if (vq->conf.event_idx)
		shm_put16(avail_event(vq), vq->last_avail);
	else
		shm_put16(vq->device, 0);
	shm_barrier(); /* our wish is stored before the index is read (virtio 1.2, 2.7.10) */
	return shm_get16(avail_idx(vq)) != vq->last_avail;
}

static void split_disable_kicks(struct virtq *vq)
{
	/*
	 * With the event index nothing is to do: the driver kicks only when it passes avail_event,
	 * which stays behind. /
	 */
	if (!vq->conf.event_idx)
		shm_put16(vq->device, VRING_USED_F_NO_NOTIFY);
}

const struct virtq_ops virtq_split = {
	.name = "split",
	.map = split_map,
	.used_idx = split_used_idx,
	.log_fits = split_log_fits,
	.start = split_start,
	.pop = split_pop,
	.push = split_push,
	.publish = split_publish,
	.enable_kicks = split_enable_kicks,
	.disable_kicks = split_disable_kicks,
};

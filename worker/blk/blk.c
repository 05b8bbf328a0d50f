/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/blk.c - see blk.h. Runs in the queue threads of vduse-worker. The chain is a private
 * copy whose shape is checked; its addresses and all bytes behind them are hostile.
 */
#include "worker/blk/blk.h"

#include <errno.h>
#include <string.h>

#include "proto/limits.h"
#include "worker/ring/shm.h"
#include "worker/ring/sigbus.h"

#define HEADER_SIZE 16U
#define FEATURE(n) (1ULL << (n))

_Static_assert(sizeof(struct virtio_blk_outhdr) == HEADER_SIZE, "header");
_Static_assert(sizeof(struct virtio_blk_discard_write_zeroes) == 16, "segment");

static const char data_unreached[] = "a data buffer is not in mapped memory";

struct part { /* len bytes of n segments, behind the first skip bytes */
	const struct seg *seg;
	uint32_t n;
	uint64_t skip, len;
};

bool blk_writethrough(const struct blk_dev *dev)
{
	return !(dev->features & FEATURE(VIRTIO_BLK_F_FLUSH));
}

void blk_count(uint64_t *counter, uint64_t v)
{
	__atomic_store_n(counter, *counter + v, __ATOMIC_RELAXED);
}

static enum blk_begun finish(struct blk_req *r, uint8_t status, const char *bad)
{
	r->done.status = status;
	r->bad = bad;
	return BLK_DONE;
}

static enum blk_begun refuse(struct blk_req *r, const char *bad)
{
	return finish(r, VIRTIO_BLK_S_IOERR, bad);
}

static enum blk_begun unreached(struct blk_req *r, int rc, const char *bad)
{
	r->error = rc;
	r->bad = bad;
	return BLK_UNREACHED;
}

/* ---- the parts of a chain ---- */

/* Copy len bytes at offset `at` of the readable part, up to the first fault (sigbus.h). */
static int gather(struct iova_view *mem, const struct chain *c, uint64_t at, void *dst, uint64_t len)
{
	unsigned faults = sigbus_count();
	uint8_t *to = dst;

	for (uint32_t i = 0; i < c->nout && len > 0 && sigbus_count() == faults; i++) {
		const struct seg *s = &c->seg[i];
		uint64_t n, iova;
		int rc;

		if (at >= s->len) {
			at -= s->len;
			continue;
		}
		n = s->len - at < len ? s->len - at : len;
		if (__builtin_add_overflow(s->iova, at, &iova))
			return -EFAULT;
		rc = iova_read(mem, iova, to, n);
		if (rc < 0)
			return rc;
		to += n;
		len -= n;
		at = 0;
	}
	return len == 0 ? 0 : -EFAULT;
}

/* The status byte is the last byte that we may write (5.2.6). */
static enum blk_begun find_status(struct iova_view *mem, const struct chain *c, struct blk_req *r)
{
	const struct seg *s;
	uint64_t at;
	void *p;
	int rc;

	if (c->bad)
		return unreached(r, c->unreached, c->bad);
	if (c->nin == 0)
		return unreached(r, 0, "a request without a place for its status");
	s = &c->seg[c->nout + c->nin - 1];
	if (__builtin_add_overflow(s->iova, (uint64_t)s->len - 1, &at))
		return unreached(r, 0, "the place for a request's status wraps around");
	rc = iova_whole(mem, at, 1, IOVA_WRITE, &p);
	if (rc < 0)
		return unreached(r, rc, "the place for a request's status is not in mapped memory");
	r->done.status_at = p;
	return BLK_DONE;
}

/*
 * Data of an OUT: what we may read behind the header. Of an IN: what we may write before the
 * status.
 */
static struct part data_part(const struct chain *c, bool write)
{
	if (write)
		return (struct part){
			.seg = c->seg, .n = c->nout, .skip = HEADER_SIZE, .len = c->out_len - HEADER_SIZE
		};
	return (struct part){ .seg = c->seg + c->nout, .n = c->nin, .skip = 0, .len = c->in_len - 1 };
}

static bool iov_add(struct io *io, void *p, uint64_t len)
{
	struct iovec *last = io->niov > 0 ? &io->iov[io->niov - 1] : NULL;

	if (last && (uint8_t *)last->iov_base + last->iov_len == (uint8_t *)p) {
		last->iov_len += len;
		return true;
	}
	if (io->niov == IO_IOV_FEW && io->many) { /* this is one more than few */
		memcpy(io->many, io->few, sizeof(io->few));
		io->iov = io->many;
	}
	if (io->niov == (io->iov == io->few ? IO_IOV_FEW : IO_IOV_MAX))
		return false;
	io->iov[io->niov++] = (struct iovec){ .iov_base = p, .iov_len = len };
	return true;
}

static enum blk_begun iov_fill_range(struct iova_view *mem, uint64_t iova, uint64_t len, enum iova_access access,
				     struct blk_req *r)
{
	while (len > 0) {
		uint64_t got;
		void *p;
		int rc = iova_piece(mem, iova, len, access, &p, &got);

		if (rc < 0)
			return unreached(r, rc, data_unreached);
		if (!iov_add(&r->io, p, got))
			return refuse(r, "too many pieces of data");
		iova += got;
		len -= got;
	}
	return BLK_IO;
}

static enum blk_begun iov_fill(struct iova_view *mem, const struct part *d, uint32_t seg_max, enum iova_access access,
			       struct blk_req *r)
{
	uint64_t skip = d->skip, left = d->len;
	uint32_t segs = 0;

	for (uint32_t i = 0; i < d->n && left > 0; i++) {
		const struct seg *s = &d->seg[i];
		enum blk_begun begun;
		uint64_t n, iova, last;

		if (skip >= s->len) {
			skip -= s->len;
			continue;
		}
		n = s->len - skip < left ? s->len - skip : left;
		if (++segs > seg_max)
			return refuse(r, "more data segments than seg_max");
		if (__builtin_add_overflow(s->iova, skip, &iova) || __builtin_add_overflow(iova, n - 1, &last))
			return refuse(r, "a data buffer wraps around");
		begun = iov_fill_range(mem, iova, n, access, r);
		if (begun != BLK_IO)
			return begun;
		left -= n;
		skip = 0;
	}
	return BLK_IO;
}

/* ---- request types ---- */

/* Sectors to bytes, inside of the device. */
static bool range_of(const struct blk_dev *dev, uint64_t sector, uint64_t len, struct io_range *r)
{
	uint64_t capacity = atomic_load_explicit(&dev->capacity, memory_order_relaxed);

	if (sector > capacity / VD_SECTOR_SIZE)
		return false;
	r->offset = sector * VD_SECTOR_SIZE;
	r->len = len;
	return len <= capacity - r->offset;
}

static enum blk_begun begin_rw(const struct blk_dev *dev, struct iova_view *mem, const struct chain *c, uint64_t sector,
			       bool write, struct blk_req *r)
{
	struct part d = data_part(c, write);

	if (write && dev->read_only)
		return refuse(r, "a write to a read-only device");
	if (d.len % VD_SECTOR_SIZE != 0)
		return refuse(r, "data that is not a multiple of 512 bytes");
	if (!range_of(dev, sector, d.len, &r->io.range[0]))
		return refuse(r, "sectors beyond the end of the device");
	r->io.op = write ? IO_WRITE : IO_READ;
	r->io.ranges = 1;
	r->done.wrote = write;
	return iov_fill(mem, &d, dev->seg_max, write ? IOVA_READ : IOVA_WRITE, r);
}

static enum blk_begun begin_flush(struct blk_req *r)
{
	/* data, which the driver should not have added, means nothing (5.2.6.1) */
	r->io.op = IO_FLUSH;
	r->io.ranges = 0;
	return BLK_IO;
}

static enum blk_begun get_id(const struct blk_dev *dev, struct iova_view *mem, const struct chain *c, struct blk_req *r)
{
	unsigned faults = sigbus_count();
	const char *from = dev->serial;
	uint64_t left = VIRTIO_BLK_ID_BYTES;

	if (c->in_len - 1 != VIRTIO_BLK_ID_BYTES)
		return refuse(r, "a buffer for the serial that is not 20 bytes long");
	for (uint32_t i = c->nout; left > 0 && sigbus_count() == faults; i++) {
		uint64_t n = c->seg[i].len < left ? c->seg[i].len : left;
		int rc = iova_write(mem, c->seg[i].iova, from, n);

		if (rc < 0)
			return unreached(r, rc, data_unreached);
		from += n;
		left -= n;
	}
	return finish(r, VIRTIO_BLK_S_OK, NULL);
}

/* One segment of DISCARD or WRITE_ZEROES. */
static uint8_t check_segment(const struct blk_dev *dev, const struct virtio_blk_discard_write_zeroes *s, bool zeroes,
			     struct io_range *range)
{
	uint32_t flags = s->flags, known = zeroes ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
	uint32_t max = zeroes ? BLK_ZEROES_SECTORS : BLK_DISCARD_SECTORS;

	if (flags & ~known)
		return VIRTIO_BLK_S_UNSUPP;
	if (s->num_sectors > max || !range_of(dev, s->sector, (uint64_t)s->num_sectors * VD_SECTOR_SIZE, range))
		return VIRTIO_BLK_S_IOERR;
	return VIRTIO_BLK_S_OK;
}

static enum blk_begun begin_ranges(const struct blk_dev *dev, struct iova_view *mem, const struct chain *c, bool zeroes,
				   struct blk_req *r)
{
	struct virtio_blk_discard_write_zeroes s[BLK_DISCARD_SEGS];
	uint64_t len = c->out_len - HEADER_SIZE, n = len / sizeof(s[0]);
	int rc;

	if (dev->read_only)
		return refuse(r, "a write to a read-only device");
	if (!(dev->features & FEATURE(zeroes ? VIRTIO_BLK_F_WRITE_ZEROES : VIRTIO_BLK_F_DISCARD)))
		return finish(r, VIRTIO_BLK_S_UNSUPP, "a request of a feature that was not negotiated");
	if (len % sizeof(s[0]) != 0 || n == 0 || n > (zeroes ? BLK_ZEROES_SEGS : BLK_DISCARD_SEGS))
		return refuse(r, "a wrong number of segments to discard or zero");
	rc = gather(mem, c, HEADER_SIZE, s, len);
	if (rc < 0)
		return unreached(r, rc, data_unreached);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t status = check_segment(dev, &s[i], zeroes, &r->io.range[i]);

		if (status != VIRTIO_BLK_S_OK)
			return finish(r, status, "a segment to discard or zero out of range");
	}
	r->io.op = zeroes ? IO_ZERO : IO_DISCARD;
	r->io.may_unmap = zeroes && (s[0].flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	r->io.ranges = (uint32_t)n;
	r->done.wrote = true;
	return BLK_IO;
}

static enum blk_begun dispatch(const struct blk_dev *dev, struct iova_view *mem, const struct chain *c, uint64_t sector,
			       struct blk_req *r)
{
	switch (r->type) {
	case VIRTIO_BLK_T_IN:
		return begin_rw(dev, mem, c, sector, false, r);
	case VIRTIO_BLK_T_OUT:
		return begin_rw(dev, mem, c, sector, true, r);
	case VIRTIO_BLK_T_FLUSH:
		return begin_flush(r);
	case VIRTIO_BLK_T_GET_ID:
		return get_id(dev, mem, c, r);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return begin_ranges(dev, mem, c, r->type == VIRTIO_BLK_T_WRITE_ZEROES, r);
	default: /* SCSI commands too */
		return finish(r, VIRTIO_BLK_S_UNSUPP, "a request of an unknown type");
	}
}

static enum blk_begun begin(const struct blk_dev *dev, struct iova_view *mem, const struct chain *c, struct blk_req *r)
{
	static const char no_header[] = "a request without a whole header";
	struct virtio_blk_outhdr h;
	int rc;

	if (find_status(mem, c, r) == BLK_UNREACHED)
		return BLK_UNREACHED;
	if (c->out_len > UINT32_MAX || c->in_len > UINT32_MAX)
		return refuse(r, "a request of more than 4 GiB");
	r->done.len = (uint32_t)c->in_len;
	if (c->out_len < HEADER_SIZE)
		return refuse(r, no_header);
	rc = gather(mem, c, 0, &h, HEADER_SIZE);
	if (rc < 0)
		return unreached(r, rc, no_header);
	r->type = h.type;
	return dispatch(dev, mem, c, h.sector, r);
}

enum blk_begun blk_begin(const struct blk_dev *dev, struct iova_view *mem, const struct chain *c, struct blk_req *r,
			 struct state_counters *cnt)
{
	enum blk_begun begun;

	r->done = (struct blk_done){ .head = c->head };
	r->error = 0;
	r->bad = NULL;
	r->type = UINT32_MAX;
	r->io.niov = 0;
	r->io.iov = r->io.few;
	r->io.now = false;
	begun = begin(dev, mem, c, r);
	if (begun == BLK_DONE && r->done.status != VIRTIO_BLK_S_OK)
		blk_count(&cnt->errors, 1);
	return begun;
}

void blk_refuse(struct blk_req *r, struct state_counters *cnt)
{
	r->error = 0;
	r->done.status = VIRTIO_BLK_S_IOERR;
	blk_count(&cnt->errors, 1);
}

static void count_success(const struct io *io, struct state_counters *cnt)
{
	switch (io->op) {
	case IO_READ:
		blk_count(&cnt->reads, 1);
		blk_count(&cnt->read_bytes, io->range[0].len);
		break;
	case IO_WRITE:
		blk_count(&cnt->writes, 1);
		blk_count(&cnt->write_bytes, io->range[0].len);
		break;
	case IO_FLUSH:
		blk_count(&cnt->flushes, 1);
		break;
	case IO_DISCARD:
		blk_count(&cnt->discards, 1);
		break;
	case IO_ZERO:
		blk_count(&cnt->write_zeroes, 1);
		break;
	}
}

bool blk_cannot(const struct io *io)
{
	return io->op == IO_DISCARD && io->result == -EOPNOTSUPP;
}

void blk_finish(struct blk_req *r, struct state_counters *cnt)
{
	r->error = r->io.result;
	if (r->error < 0) {
		r->done.status = blk_cannot(&r->io) ? VIRTIO_BLK_S_UNSUPP : VIRTIO_BLK_S_IOERR;
		blk_count(&cnt->errors, 1);
		return;
	}
	r->done.status = VIRTIO_BLK_S_OK;
	count_success(&r->io, cnt);
}

void blk_store_status(const struct blk_done *d)
{
	shm_put8(d->status_at, d->status);
}

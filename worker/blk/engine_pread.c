/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine_pread.c - positional vectored I/O in the queue's own thread. Runs in
 * vduse-worker, in a sealed process: preadv, pwritev (transfer.c), fallocate, BLKDISCARD and
 * fdatasync on the backend's descriptor, nothing else.
 */
#include "worker/blk/engine_pread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "worker/blk/engine.h"
#include "worker/blk/transfer.h"
#include "worker/ring/shm.h"

#define ZEROS_SIZE (1U << 20)
#define HOLE (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

/* Never written, so all its pages are the kernel's one page of zeros. Aligned for O_DIRECT. */
static uint8_t zeros[ZEROS_SIZE] __attribute__((aligned(4096)));

static int allocate(int fd, int mode, const struct io_range *r)
{
	int rc;

	do
		rc = fallocate(fd, mode, (off_t)r->offset, (off_t)r->len);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/*
 * A block device's own discard: what fallocate makes of it there is zeroes, which a thin volume
 * does not free.
 */
static int discard_range(const struct backend *b, const struct io_range *r)
{
	uint64_t range[2] = { r->offset, r->len };
	int rc;

	if (!b->is_block)
		return allocate(b->fd, HOLE, r);
	do
		rc = ioctl(b->fd, BLKDISCARD, range);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static int discard(const struct backend *b, const struct io *io)
{
	int rc = 0;

	for (uint32_t i = 0; i < io->ranges && rc == 0; i++)
		if (io->range[i].len > 0)
			rc = discard_range(b, &io->range[i]);
	return rc;
}

static int write_zeros(int fd, struct io *io)
{
	struct io_range r = io->range[0];

	while (r.len > 0) {
		uint64_t part = 0;
		uint32_t n = 0;
		int rc;

		for (; n < IO_IOV_FEW && part < r.len; n++) {
			uint64_t left = r.len - part;

			io->few[n] =
				(struct iovec){ .iov_base = zeros, .iov_len = left < ZEROS_SIZE ? left : ZEROS_SIZE };
			part += io->few[n].iov_len;
		}
		rc = transfer_all(fd, true, io->few, n, r.offset, part);
		if (rc < 0)
			return rc;
		r.offset += part;
		r.len -= part;
	}
	return 0;
}

/*
 * Never a success without zeros: a hole, else zeroes as the backend makes them (a block device
 * writes them itself where it has no better way), else ours.
 */
static int zero(int fd, struct io *io)
{
	const struct io_range *r = &io->range[0];
	int rc = -EOPNOTSUPP;

	if (r->len == 0)
		return 0;
	if (io->may_unmap)
		rc = allocate(fd, HOLE, r);
	/*
	 * KEEP_SIZE only where the kernel insists on it: else it lets blocks be taken beyond what
	 * RLIMIT_FSIZE allows
	 */
	if (rc == -EOPNOTSUPP)
		rc = allocate(fd, FALLOC_FL_ZERO_RANGE, r);
	return rc == -EOPNOTSUPP ? write_zeros(fd, io) : rc;
}

static int sync_data(int fd)
{
	int rc;

	do
		rc = fdatasync(fd);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* See struct backend. A failure is never asked about again. */
static int flush(struct backend *b)
{
	int rc;

	if (!b->flush_failed)
		return sync_data(b->fd);
	(void)pthread_mutex_lock(&b->flushing);
	rc = shm_get32(b->flush_failed) != 0 ? -EIO : sync_data(b->fd);
	if (rc < 0)
		shm_put32(b->flush_failed, 1);
	(void)pthread_mutex_unlock(&b->flushing);
	return rc;
}

int pread_prepare(struct engine *e)
{
	if (!e->backend->direct)
		return 0;
	e->bounce = bounce_create();
	return e->bounce ? 0 : -ENOMEM;
}

void pread_io(const struct engine *e, struct io *io)
{
	switch (io->op) {
	case IO_READ:
	case IO_WRITE:
		io->result = transfer_io(e, io);
		break;
	case IO_FLUSH:
		io->result = flush(e->backend);
		break;
	case IO_DISCARD:
		io->result = discard(e->backend, io);
		break;
	case IO_ZERO:
		io->result = zero(e->backend->fd, io);
		break;
	}
}

static enum engine_answer pread_submit(struct engine *e, struct io *io)
{
	pread_io(e, io);
	return ENGINE_DONE;
}

const struct engine_ops engine_pread = {
	.name = "pread", .depth = 1, .prepare = pread_prepare, .submit = pread_submit
};

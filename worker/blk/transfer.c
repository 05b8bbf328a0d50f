/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/transfer.c - see transfer.h. Runs in a sealed process: preadv and pwritev on the
 * backend's descriptor. One system call per request unless the kernel transfers less than asked
 * for, or the request is bounced and large.
 */
#include "worker/blk/transfer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "proto/worker_msg.h"
#include "worker/ring/shm.h"
#include "worker/ring/sigbus.h"

#define COPY_MAX 4096U /* at a time: a fault is seen before many pages were touched (sigbus.h) */

_Static_assert(BOUNCE_SIZE % WORK_ALIGN_MAX == 0, "pieces keep the request's alignment");

void transfer_advance(struct iovec **iov, uint32_t *niov, size_t n)
{
	while (n > 0 && *niov > 0) {
		if (n < (*iov)->iov_len) {
			(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + n;
			(*iov)->iov_len -= n;
			return;
		}
		n -= (*iov)->iov_len;
		(*iov)++;
		(*niov)--;
	}
}

int transfer_all(int fd, bool write, struct iovec *iov, uint32_t niov, uint64_t offset, uint64_t left)
{
	while (left > 0) {
		ssize_t n =
			write ? pwritev(fd, iov, (int)niov, (off_t)offset) : preadv(fd, iov, (int)niov, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* shorter than the device: never made up with zeros */
		offset += (uint64_t)n;
		left -= (uint64_t)n;
		if (left > 0)
			transfer_advance(&iov, &niov, (size_t)n);
	}
	return 0;
}

/* ---- buffers that the backend does not take ---- */

uint8_t *bounce_create(void)
{
	return aligned_alloc(WORK_ALIGN_MAX, BOUNCE_SIZE);
}

bool transfer_fits(const struct backend *b, const struct io *io)
{
	uintptr_t bits = 0;

	for (uint32_t i = 0; i < io->niov; i++)
		bits |= ((uintptr_t)io->iov[i].iov_base & b->mem_mask) | (io->iov[i].iov_len & b->len_mask);
	return bits == 0;
}

struct cursor { /* how far the copy has come in the driver's buffers */
	struct iovec *iov;
	uint32_t niov;
};

/*
 * len bytes between buf and where the cursor stands, which moves on. False: a page of the driver's
 * memory is gone.
 */
static bool copy(struct cursor *c, uint8_t *buf, size_t len, bool in)
{
	unsigned faults = sigbus_count();

	while (len > 0 && sigbus_count() == faults) {
		size_t n = c->iov->iov_len < len ? c->iov->iov_len : len;

		if (n > COPY_MAX)
			n = COPY_MAX;
		if (in)
			shm_copy_in(buf, c->iov->iov_base, n);
		else
			memcpy(c->iov->iov_base, buf, n);
		transfer_advance(&c->iov, &c->niov, n);
		buf += n;
		len -= n;
	}
	return sigbus_count() == faults;
}

static int bounced(const struct engine *e, struct io *io)
{
	struct cursor c = { io->iov, io->niov };
	uint64_t offset = io->range[0].offset, left = io->range[0].len;
	bool write = io->op == IO_WRITE;
	int rc = 0;

	while (left > 0 && rc == 0) {
		size_t n = left < BOUNCE_SIZE ? left : BOUNCE_SIZE;
		struct iovec iov = { .iov_base = e->bounce, .iov_len = n };

		if (write && !copy(&c, e->bounce, n, true))
			return -EFAULT;
		rc = transfer_all(e->backend->fd, write, &iov, 1, offset, n);
		if (rc == 0 && !write && !copy(&c, e->bounce, n, false))
			return -EFAULT;
		offset += n;
		left -= n;
	}
	return rc;
}

int transfer_io(const struct engine *e, struct io *io)
{
	const struct io_range *r = &io->range[0];

	if (e->bounce && !transfer_fits(e->backend, io))
		return bounced(e, io);
	return transfer_all(e->backend->fd, io->op == IO_WRITE, io->iov, io->niov, r->offset, r->len);
}

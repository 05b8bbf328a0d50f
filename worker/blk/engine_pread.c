/*
 * worker/blk/engine_pread.c - positional vectored I/O in the queue's own thread. Runs in vduse-worker, in a
 * sealed process: preadv, pwritev, fallocate and fdatasync on the backend's descriptor, nothing else.
 * One system call per request unless the kernel transfers less than asked for.
 */
#include "worker/blk/engine_pread.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "worker/blk/engine.h"
#include "worker/ring/shm.h"

#define ZEROS_SIZE 65536U

/* Never written, so all its pages are the kernel's one page of zeros. Aligned for O_DIRECT. */
static uint8_t zeros[ZEROS_SIZE] __attribute__((aligned(4096)));

/* Skip n transferred bytes of the iovecs. */
static void advance(struct iovec **iov, uint32_t *niov, size_t n)
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

static int transfer(int fd, bool write, struct iovec *iov, uint32_t niov, uint64_t offset, uint64_t left)
{
	while (left > 0) {
		ssize_t n =
			write ? pwritev(fd, iov, (int)niov, (off_t)offset) : preadv(fd, iov, (int)niov, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO; /* the file is shorter than the device: never made up with zeros */
		offset += (uint64_t)n;
		left -= (uint64_t)n;
		if (left > 0)
			advance(&iov, &niov, (size_t)n);
	}
	return 0;
}

static int allocate(int fd, int mode, const struct io_range *r)
{
	int rc;

	do
		rc = fallocate(fd, mode, (off_t)r->offset, (off_t)r->len);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

static int discard(int fd, const struct io *io)
{
	for (uint32_t i = 0; i < io->ranges; i++) {
		int rc = io->range[i].len > 0 ? allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, &io->range[i])
					      : 0;

		if (rc < 0 && rc != -EOPNOTSUPP) /* a hint: a backend that cannot do it may keep the data */
			return rc;
	}
	return 0;
}

static int write_zeros(int fd, struct io *io)
{
	struct io_range r = io->range[0];

	while (r.len > 0) {
		uint64_t part = 0;
		uint32_t n = 0;
		int rc;

		for (; n < IO_IOV_MAX && part < r.len; n++) {
			uint64_t left = r.len - part;

			io->iov[n] =
				(struct iovec){ .iov_base = zeros, .iov_len = left < ZEROS_SIZE ? left : ZEROS_SIZE };
			part += io->iov[n].iov_len;
		}
		rc = transfer(fd, true, io->iov, n, r.offset, part);
		if (rc < 0)
			return rc;
		r.offset += part;
		r.len -= part;
	}
	return 0;
}

static int zero(int fd, struct io *io)
{
	/* KEEP_SIZE where the kernel insists on it: else it only lets blocks be taken beyond what RLIMIT_FSIZE allows */
	int mode = io->may_unmap ? FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE : FALLOC_FL_ZERO_RANGE;
	int rc;

	if (io->range[0].len == 0)
		return 0;
	rc = allocate(fd, mode, &io->range[0]);
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

static enum engine_answer pread_submit(struct engine *e, struct io *io)
{
	int fd = e->backend->fd;

	switch (io->op) {
	case IO_READ:
	case IO_WRITE:
		io->result = transfer(fd, io->op == IO_WRITE, io->iov, io->niov, io->range[0].offset, io->range[0].len);
		break;
	case IO_FLUSH:
		io->result = flush(e->backend);
		break;
	case IO_DISCARD:
		io->result = discard(fd, io);
		break;
	case IO_ZERO:
		io->result = zero(fd, io);
		break;
	}
	return ENGINE_DONE;
}

const struct engine_ops engine_pread = { .name = "pread", .depth = 1, .submit = pread_submit };

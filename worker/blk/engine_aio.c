/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine_aio.c - see engine_aio.h. Runs in the queue threads of vduse-worker, in a
 * sealed process.
 *
 * One io_submit() for all that start() begins. What the kernel ends is in a ring that it shares
 * with the process (fs/aio.c), so poll() makes no system call; that the ring has something new is
 * said by the queue's own eventfd, the one that it sleeps on.
 */
#include "worker/blk/engine_aio.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/blk/engine_pread.h"
#include "worker/blk/slow.h"
#include "worker/blk/transfer.h"

#define DEPTH 128U
#define RING_MAGIC 0xa10a10a1U

struct ring { /* of the kernel's answers; written by the kernel, but for head */
	uint32_t id, nr;
	uint32_t head, tail; /* positions below nr: of what is read next, and written next */
	uint32_t magic, compat, incompat, size; /* size: of this header */
	struct io_event event[];
};

struct aio {
	aio_context_t context; /* also where the ring is */
	uint32_t queued;
	struct iocb *queue[DEPTH]; /* for start() */
};

/* ---- the ring ---- */

static struct ring *ring_of(const struct aio *a)
{
	return (struct ring *)(uintptr_t)a->context;
}

/* A header that is not the one we know: the kernel would have to be asked with system calls. */
static bool is_known(const struct ring *r)
{
	return r->magic == RING_MAGIC && r->incompat == 0 && r->size == sizeof(*r) && r->nr > DEPTH;
}

static bool next_event(struct ring *r, struct io_event *ev)
{
	uint32_t head = r->head;

	if (head == __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE))
		return false;
	*ev = r->event[head];
	__atomic_store_n(&r->head, head + 1 < r->nr ? head + 1 : 0, __ATOMIC_RELEASE);
	return true;
}

/* ---- submitting ---- */

static struct io *io_of(uint64_t data)
{
	return (struct io *)(uintptr_t)data;
}

static uint64_t left_of(const struct io *io)
{
	return io->range[0].offset + io->range[0].len - (uint64_t)io->aio.aio_offset;
}

/* The kernel does not take it: here and now, then, what is left of it. */
static void refused(struct engine *e, struct io *io)
{
	struct iovec *iov = (struct iovec *)(uintptr_t)io->aio.aio_buf;

	io->result = transfer_all(e->backend->fd, io->op == IO_WRITE, iov, (uint32_t)io->aio.aio_nbytes,
				  (uint64_t)io->aio.aio_offset, left_of(io));
	engine_ended(e, io);
}

static void aio_start(struct engine *e)
{
	struct aio *a = e->own;
	uint32_t at = 0;

	while (at < a->queued) {
		long n = syscall(SYS_io_submit, a->context, (long)(a->queued - at), a->queue + at);

		if (n > 0)
			at += (uint32_t)n;
		else
			refused(e, io_of(a->queue[at++]->aio_data));
	}
	a->queued = 0;
}

static void queue_it(struct engine *e, struct io *io)
{
	struct aio *a = e->own;

	a->queue[a->queued++] = &io->aio;
}

static void begin(struct engine *e, struct io *io)
{
	io->aio = (struct iocb){ .aio_data = (uintptr_t)io,
				 .aio_lio_opcode = io->op == IO_WRITE ? IOCB_CMD_PWRITEV : IOCB_CMD_PREADV,
				 .aio_fildes = (uint32_t)e->backend->fd,
				 .aio_buf = (uintptr_t)io->iov,
				 .aio_nbytes = io->niov,
				 .aio_offset = (int64_t)io->range[0].offset,
				 .aio_flags = IOCB_FLAG_RESFD,
				 .aio_resfd = (uint32_t)e->wake_fd };
	queue_it(e, io);
}

static bool is_now(const struct engine *e, const struct io *io)
{
	if (io->op == IO_READ || io->op == IO_WRITE)
		return io->range[0].len == 0 || !transfer_fits(e->backend, io);
	return io->now;
}

static enum engine_answer aio_submit(struct engine *e, struct io *io)
{
	if (is_now(e, io)) {
		pread_io(e, io);
		return ENGINE_DONE;
	}
	if (engine_is_slow(io)) {
		io->engine = e;
		slow_give(e->backend->slow, io);
	} else {
		begin(e, io);
	}
	return ENGINE_PENDING;
}

/* ---- what has ended ---- */

static void go_on(struct engine *e, struct io *io)
{
	queue_it(e, io);
	aio_start(e);
}

/* A READ or WRITE of which n bytes are done. True: that was all of it; else the rest was begun. */
static bool moved(struct engine *e, struct io *io, uint64_t n)
{
	struct iovec *iov = (struct iovec *)(uintptr_t)io->aio.aio_buf;
	uint32_t niov = (uint32_t)io->aio.aio_nbytes;

	io->result = 0;
	if (n == left_of(io))
		return true;
	io->result = -EIO; /* shorter than the device: never made up with zeros */
	if (n == 0 || n > left_of(io))
		return true;
	transfer_advance(&iov, &niov, n);
	io->aio.aio_buf = (uintptr_t)iov;
	io->aio.aio_nbytes = niov;
	io->aio.aio_offset += (int64_t)n;
	go_on(e, io);
	return false;
}

/* The kernel's answer: true when io is done. */
static bool answered(struct engine *e, struct io *io, int64_t res)
{
	if (res == -EINTR) {
		go_on(e, io);
		return false;
	}
	if (res >= 0)
		return moved(e, io, (uint64_t)res);
	io->result = (int)res;
	return true;
}

static struct io *aio_poll(struct engine *e)
{
	struct aio *a = e->own;
	struct io *io = slow_next(e);
	struct io_event ev;

	while (!io && next_event(ring_of(a), &ev)) {
		struct io *it = io_of(ev.data);

		io = answered(e, it, ev.res) ? it : slow_next(e);
	}
	return io;
}

/* ---- before the jail closes ---- */

static int set_up(struct engine *e, struct aio *a)
{
	int rc = syscall(SYS_io_setup, DEPTH, &a->context) < 0 ? -errno : 0;

	if (rc == 0 && !is_known(ring_of(a)))
		rc = -ENOSYS;
	return rc < 0 ? rc : pread_prepare(e);
}

static int aio_prepare(struct engine *e)
{
	struct aio *a = calloc(1, sizeof(*a));
	int rc = a ? set_up(e, a) : -ENOMEM;

	if (rc < 0)
		free(a);
	else
		e->own = a;
	return rc;
}

const struct engine_ops engine_aio = { .name = "aio",
				       .depth = DEPTH,
				       .threads = SLOW_LONG_MAX,
				       .prepare = aio_prepare,
				       .submit = aio_submit,
				       .start = aio_start,
				       .poll = aio_poll };

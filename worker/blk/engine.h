/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine.h - how the worker does I/O on a backend. Runs in the queue threads of
 * vduse-worker, one engine per queue. An engine gets checked requests: ranges inside of the device,
 * iovecs that are mapped memory of the driver (whose pages may vanish: -EFAULT).
 */
#ifndef WORKER_BLK_ENGINE_H
#define WORKER_BLK_ENGINE_H

#include <linux/aio_abi.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/blkconf.h"

#define IO_IOV_MAX 1024U /* UIO_MAXIOV: one system call */
#define IO_IOV_FEW 8U

/*
 * What is served: a regular file or a block device, at least as large as the device.
 *
 * The host's page cache forgets what it could not write, and says so once: to the first who
 * flushes, on whatever queue. The next flush would find nothing to do and succeed, though data is
 * gone. So a flush that failed is remembered, and all later ones fail, those of later workers too.
 */
struct slow;

struct backend {
	int fd; /* open for reading, and for writing unless the device is read-only */
	bool direct; /* open with O_DIRECT */
	bool is_block; /* a block device */
	uint32_t mem_mask; /* bits that must be clear in the address of a buffer, and ... */
	/* ... in its length. 0 where the kernel does not mind, as without O_DIRECT */
	uint32_t len_mask;
	/* in the state file; NULL where no page cache is in between (O_DIRECT) */
	uint32_t *flush_failed;
	/* one at a time: the first to hear of an error remembers it before the next asks */
	pthread_mutex_t flushing;
	struct slow *slow; /* threads of the engines that want some (slow.h) */
};

enum io_op { IO_READ, IO_WRITE, IO_FLUSH, IO_DISCARD, IO_ZERO };

struct io_range { /* bytes */
	uint64_t offset, len;
};

struct io {
	enum io_op op;
	bool may_unmap; /* IO_ZERO: holes are fine */
	bool now; /* FLUSH: in the calling thread, which waits; never PENDING */
	uint32_t ranges; /* READ, WRITE, ZERO: 1; DISCARD: 1..BLK_DISCARD_SEGS; FLUSH: 0 */
	struct io_range range[BLK_DISCARD_SEGS];
	uint32_t niov; /* READ, WRITE: they add up to range[0].len */
	struct iovec *iov; /* `few` or `many`; the engine may change what they hold */
	struct iovec few[IO_IOV_FEW];
	struct iovec *many; /* IO_IOV_MAX of them, lent by its owner where `few` do not do */
	/*
	 * When done: 0, or a negative errno: then data may be written in part. DISCARD: -EOPNOTSUPP
	 * is no error of the backend's, which merely cannot.
	 */
	int result;
	/* the engine's while it has it: */
	struct io *next;
	struct engine *engine;
	struct iocb aio;
};

/* Neither READ nor WRITE: it may take long, and what does it is not asynchronous in the kernel. */
static inline bool engine_is_slow(const struct io *io)
{
	return io->op != IO_READ && io->op != IO_WRITE;
}

enum engine_answer { ENGINE_DONE, ENGINE_PENDING };

struct engine;

/*
 * A finished FLUSH covers every write that was finished before it was submitted; others, and reads,
 * may end in any order. No I/O of an engine may outlive the fence (RECOVERY.md): whoever adds an
 * engine for which that is not so must add another fence first.
 */
struct engine_ops {
	const char *name;
	uint32_t depth; /* requests that can be pending at once, at least 1 */
	uint32_t threads; /* slow threads that all engines of a backend share; 0: none */
	/*
	 * Allocate what an engine on e->backend needs, before the jail closes; NULL: nothing. 0 or
	 * a negative errno.
	 */
	int (*prepare)(struct engine *e);
	/*
	 * Take io, which stays where it is until it is done. ENGINE_DONE: io->result is set. Else
	 * it begins at start() at the latest.
	 */
	enum engine_answer (*submit)(struct engine *e, struct io *io);
	/*
	 * Both only where something is pending; NULL in ops that never answer PENDING.
	 * start begins all that was submitted.
	 * poll returns a pending request that is done, or NULL, and never waits. Whatever ends
	 * after that adds to the eventfd e->wake_fd.
	 */
	void (*start)(struct engine *e);
	struct io *(*poll)(struct engine *e);
};

struct engine {
	const struct engine_ops *ops;
	struct backend *backend;
	int wake_fd; /* eventfd of the thread that submits and polls; set after prepare() */
	/*
	 * the engine's, for buffers that the backend does not take (transfer.h); NULL: it takes all
	 */
	uint8_t *bounce;
	void *own; /* what else it has */
	struct io *ended; /* to be polled */
	_Atomic(struct io *) ended_slow; /* the same, by slow threads (slow.h) */
};

/* Its next poll() finds io. The engine's own thread. */
static inline void engine_ended(struct engine *e, struct io *io)
{
	io->next = e->ended;
	e->ended = io;
}

#endif

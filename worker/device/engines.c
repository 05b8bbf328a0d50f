/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/engines.c - see engines.h. Main thread of vduse-worker.
 */
#include "worker/device/engines.h"

#include <errno.h>

#include "common/err.h"
#include "proto/io_how.h"
#include "worker/blk/engine_aio.h"
#include "worker/blk/engine_cache.h"
#include "worker/blk/engine_fail.h"
#include "worker/blk/engine_pread.h"
#include "worker/blk/slow.h"
#include "worker/channel/link.h"

static const char aio[] = "asynchronous I/O", threads[] = "threads", memory[] = "memory";

static const struct engine_ops *wanted(const struct device *d)
{
	uint32_t flags = d->setup.flags;

	if (flags & WORK_F_FAIL)
		return &engine_fail;
	if ((flags & WORK_F_TMPFS) || d->no_more)
		return &engine_pread;
	return flags & WORK_F_DIRECT ? &engine_aio : &engine_cache;
}

static int prepare(struct engine *e)
{
	return e->ops->prepare ? e->ops->prepare(e) : 0;
}

int engines_prepare(struct device *d, struct engine *e)
{
	int rc;

	e->backend = &d->backend;
	e->ops = wanted(d);
	rc = prepare(e);
	if (rc < 0 && e->ops != &engine_pread) {
		d->no_more = rc;
		d->lacks = e->ops == &engine_aio ? aio : memory;
		e->ops = &engine_pread;
		rc = prepare(e);
	}
	return rc;
}

void engines_add_threads(struct device *d)
{
	uint32_t wants = d->queue[0].engine.ops->threads;
	int rc = wants ? slow_create(&d->backend.slow, wants) : 0;

	if (rc == 0)
		return;
	d->no_more = rc;
	d->lacks = threads;
	for (uint32_t i = 0; i < d->setup.queues; i++)
		d->queue[i].engine.ops = &engine_pread;
}

void engines_choose(struct device *d, bool async)
{
	bool direct = (d->setup.flags & WORK_F_DIRECT) != 0;

	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (!async && d->queue[i].engine.ops == &engine_aio)
			d->queue[i].engine.ops = &engine_pread;
	d->refused = async || !direct ? d->no_more : 0;
	if (d->refused)
		link_log(d->link, LINK_WARN, "its queues execute one request at a time: %s: %s%s", d->lacks,
			 err_str(d->refused), d->lacks == aio && d->refused == -EAGAIN ? ": raise fs.aio-max-nr" : "");
}

/* All queues have the engine of the first, but those for which there was no more. */
void engines_say(struct device *d)
{
	const struct engine_ops *ops = d->queue[0].engine.ops;
	struct state_io *io = &d->state->io;

	io->how = IO_HOW_INLINE;
	if (ops == &engine_aio)
		io->how = IO_HOW_ASYNC;
	else if (ops == &engine_cache)
		io->how = IO_HOW_THREADS;
	else if (ops == &engine_fail)
		io->how = IO_HOW_NONE;
	io->error = d->refused;
	io->reserved = 0;
	__atomic_store_n(&io->generation, d->setup.generation, __ATOMIC_RELEASE);
}

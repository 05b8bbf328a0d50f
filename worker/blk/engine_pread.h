/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine_pread.h - the engine that blocks in preadv and pwritev. Queue threads of
 * vduse-worker.
 */
#ifndef WORKER_BLK_ENGINE_PREAD_H
#define WORKER_BLK_ENGINE_PREAD_H

#include "worker/blk/engine.h"

/*
 * Positional vectored reads and writes in the calling thread; the end of the process is the fence.
 */
extern const struct engine_ops engine_pread;

/* For engines that have some of their requests executed so, in whatever thread of theirs. */
int pread_prepare(struct engine *e);
void pread_io(const struct engine *e, struct io *io);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine_cache.h - the engine for a backend behind the host's page cache. Queue threads
 * of vduse-worker.
 */
#ifndef WORKER_BLK_ENGINE_CACHE_H
#define WORKER_BLK_ENGINE_CACHE_H

#include "worker/blk/engine.h"

/*
 * A READ of what is in the cache is done at once, by the calling thread; any other by slow threads
 * (slow.h), many at once. So are FLUSH, DISCARD and ZERO. A WRITE is a copy into the cache, done
 * by the calling thread: it waits for the disk only where it finds no memory or a part of a page,
 * and of the file systems served from not all can say so beforehand (ext4 cannot).
 *
 * Nothing that the threads do outlives the process, nor reaches memory of the driver's after its
 * end.
 */
extern const struct engine_ops engine_cache;

#endif

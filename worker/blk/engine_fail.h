/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine_fail.h - the engine of fail mode. Queue threads of vduse-worker.
 */
#ifndef WORKER_BLK_ENGINE_FAIL_H
#define WORKER_BLK_ENGINE_FAIL_H

#include "worker/blk/engine.h"

/* Fail mode: every request ends in -EIO. */
extern const struct engine_ops engine_fail;

#endif

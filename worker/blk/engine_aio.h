/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine_aio.h - the engine on the kernel's asynchronous I/O. Queue threads of
 * vduse-worker.
 */
#ifndef WORKER_BLK_ENGINE_AIO_H
#define WORKER_BLK_ENGINE_AIO_H

#include "worker/blk/engine.h"

/*
 * For a backend with O_DIRECT: else io_submit() blocks. READ and WRITE are the kernel's, FLUSH,
 * DISCARD and ZERO are done by slow threads (slow.h), and a READ or WRITE whose buffers the
 * backend does not take is done in the calling thread. A flush by AIO would run in a kernel thread
 * of the work queue that all of the host shares, 128 for each queue of ours. prepare() takes 128
 * of the host's fs.aio-max-nr: a failure (-EAGAIN when that is used up) means that another engine
 * is to be used.
 *
 * The end of the process does not wait for such I/O where somebody else holds its memory map at
 * that moment: it must not be used without the fence of the state file (RECOVERY.md).
 */
extern const struct engine_ops engine_aio;

#endif

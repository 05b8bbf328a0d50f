/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine_fail.c - the engine of fail mode: nothing hangs, everything ends in an error.
 * Runs in the queue threads of vduse-worker; pure.
 */
#include "worker/blk/engine_fail.h"

#include <errno.h>

#include "worker/blk/engine.h"

static enum engine_answer fail_submit(struct engine *e, struct io *io)
{
	(void)e;
	io->result = -EIO;
	return ENGINE_DONE;
}

const struct engine_ops engine_fail = { .name = "fail", .depth = 1, .submit = fail_submit };

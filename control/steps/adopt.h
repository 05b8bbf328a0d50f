/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/adopt.h - what is left of a device that an earlier vdused made: its worker, its
 * backing file. Helpers only.
 */
#ifndef CONTROL_STEPS_ADOPT_H
#define CONTROL_STEPS_ADOPT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "control/helper/helper.h"
#include "control/steps/backing_open.h"

struct adopt_arg {
	char dir[128]; /* runtime directory */
	char name[VD_NAME_SIZE];
	char path[PATH_MAX];
	struct owner owner;
	struct backing_info info;
	uint64_t worker_start;
	uint32_t worker_uid, generation;
	int32_t worker_pid; /* 0 = none */
	/*
	 * it needs no backing file now, and its worker has none to give back: fail mode, or broken
	 */
	bool no_file;
	/* the kernel's message timeout may still be the short one, and was msg_timeout seconds */
	bool timeout_short;
	uint32_t msg_timeout;
};

/* Which descriptors came, in this order. */
#define ADOPT_WORKER 0x1U /* two: pidfd, channel */
#define ADOPT_FILE 0x2U /* one: O_PATH */

struct adopt_result {
	uint32_t brings; /* ADOPT_* */
	int32_t pid; /* the worker's */
	int32_t halted; /* of the worker */
	uint32_t gone; /* 1: the kernel has no such device any more */
	/* of the file, as in struct backing_info; an older record does not have them */
	uint64_t diskseq, start;
	char why[200]; /* why there is no worker, or no file */
};

/* helper_fn. Fails only where nothing could be found out. */
int adopt_step(const void *arg, struct helper_out *out);

#define ADOPT_ANSWER_MS 2000 /* as the watchdog grants */
/* so much longer for one that gets no processor time; then another is tried */
#define ADOPT_LOOKS_MAX 6U
#define ADOPT_KILL_MS 5000

#endif

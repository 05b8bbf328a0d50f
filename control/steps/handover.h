/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/handover.h - check a worker's jail, then give it its three descriptors. Runs in the
 * hand-over helper: /dev/vduse/NAME and the worker's open file description of the backing file
 * exist only there and in the worker, never in vdused's main process. So does the description of
 * the state file that it gets, which is locked: FENCE_HELD (control/sys/fence.h) when I/O of an
 * earlier worker has not ended.
 */
#ifndef CONTROL_STEPS_HANDOVER_H
#define CONTROL_STEPS_HANDOVER_H

#include <errno.h>
#include <limits.h>

#include "control/helper/helper.h"
#include "control/steps/backing_open.h"

struct handover_arg {
	char name[VD_NAME_SIZE];
	char state_path[PATH_MAX];
	int32_t pid;
	uint32_t uid; /* the worker's */
	struct owner owner;
	struct backing_arg how;
	struct backing_info info;
	bool again; /* another worker had the file before */
	bool no_file; /* there is no O_PATH descriptor */
	bool timeout_short; /* set the kernel's message timeout back to msg_timeout seconds */
	uint32_t msg_timeout;
	bool fail_mode; /* the backing file stays closed: /dev/null takes its place */
};

/* the kernel has given the device up: no worker can serve it */
#define HANDOVER_BROKEN (-ENOTRECOVERABLE)

/*
 * helper_fn. HELPER_FD: vdused's end of the worker's channel; HELPER_FD + 1: the backing file's
 * O_PATH fd.
 */
int handover(const void *arg, struct helper_out *out);

#endif

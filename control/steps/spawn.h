/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/spawn.h - starting a worker inside its outer jail. Runs in vdused's spawn helper.
 * See vduse-worker(8) for the whole list of layers; the worker closes the inner ones itself.
 */
#ifndef CONTROL_STEPS_SPAWN_H
#define CONTROL_STEPS_SPAWN_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "control/helper/helper.h"
#include "control/sys/cgroup.h"

struct jail_arg {
	char binary[PATH_MAX]; /* vduse-worker */
	char empty_root[PATH_MAX]; /* an existing directory; a read-only empty tmpfs goes over it */
	uint32_t uid; /* and gid */
	char name[VD_NAME_SIZE]; /* of its cgroup */
	struct cgroup_limits limits;
	/* bytes the worker may write up to in a regular file; 0 = no regular file */
	uint64_t file_size;
};

struct jail_result {
	int32_t pid; /* the worker's, as vdused sees it */
	/* 1: it runs without limits, because this host has no cgroup v2 for them */
	int32_t no_cgroup;
};

/*
 * helper_fn; HELPER_FD is the worker's end of the channel, HELPER_FD + 1 its listening socket. The
 * worker becomes a child of vdused itself (CLONE_PARENT), so that vdused can wait for it. Returns
 * once the worker has been executed. Result: jail_result, and one descriptor, the worker's pidfd.
 */
int jail_spawn(const void *arg, struct helper_out *out);

#endif

/*
 * control/ops/adopt.h - what an earlier vdused left: devices and workers that are serving, and creates and deletes that it did not
 * finish. Main process, at start; the blocking part is a helper per device.
 *
 *   worker alive   its jail is checked as at birth, it is asked for the backing file, and watched from then on
 *   worker dead    the backing file is found by its path, device and inode, with its owner's rights, and the next generation
 *                  started; where it is not found, one in fail mode
 *   half created   undone;  half deleted: deleted, with the same force
 * Other processes with a worker's uid are killed: at most a worker that never got its device.
 */
#ifndef CONTROL_OPS_ADOPT_H
#define CONTROL_OPS_ADOPT_H

#include <limits.h>

#include "control/device/device.h"
#include "control/helper/helper.h"

/* Take every record in DIR/device up. Until a device has been looked at it is shown as recovering. */
void adopt_all(struct service *svc);

struct adopt_arg;

/* Everything of a device but its worker's process, for adopt_find_file(). */
void adopt_fill(const struct device *d, struct adopt_arg *a);

/* ---- steps/adopt.c: the helper ---- */

struct adopt_arg {
	char dir[128]; /* runtime directory */
	char name[VD_NAME_SIZE];
	char path[PATH_MAX];
	struct owner owner;
	struct backing_info info;
	uint64_t worker_start;
	uint32_t worker_uid, generation;
	int32_t worker_pid; /* 0 = none */
	bool fail_mode; /* its worker has no backing file to give back */
};

/* Which descriptors came, in this order. */
#define ADOPT_WORKER 0x1U /* two: pidfd, channel */
#define ADOPT_FILE 0x2U /* one: O_PATH */

struct adopt_result {
	uint32_t brings; /* ADOPT_* */
	int32_t pid; /* the worker's */
	int32_t halted; /* of the worker */
	uint32_t gone; /* 1: the kernel has no such device any more */
	char why[200]; /* why there is no worker, or no file */
};

/* helper_fn. ADOPT_CAPS. Fails only where nothing could be found out. */
int adopt_step(const void *arg, struct helper_out *out);
#define ADOPT_CAPS (CAP_BIT(CAP_KILL) | BACKING_CAPS)

/* helper_fn: only the part about the backing file. Result as above, BACKING_CAPS. */
int adopt_find_file(const void *arg, struct helper_out *out);

#define ADOPT_MS 15000U
#define ADOPT_ANSWER_MS 2000 /* as the watchdog grants */
#define ADOPT_KILL_MS 5000

#endif

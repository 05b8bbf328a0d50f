/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/handover.c - see handover.h. Runs in the hand-over helper. The order matters:
 * nothing is opened for a worker whose jail has not been seen, and neither the device nor the
 * backing file before all I/O of the worker before has ended.
 */
#include "control/steps/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/chan.h"
#include "common/fd.h"
#include "control/steps/backing_limits.h"
#include "control/steps/jail_check.h"
#include "control/steps/msg_timeout.h"
#include "control/steps/vduse_control.h"
#include "control/steps/worker_limits.h"
#include "control/sys/fence.h"
#include "proto/worker_msg.h"

#define OPEN_RETRY_MS 2000 /* an older generation may still be closing */
#define FENCE_MS 2000 /* somebody may be looking at the process that has ended */
/*
 * The fence of the worker before is free a moment before the kernel has closed its backing file,
 * which it does behind the last I/O on it
 */
#define FILE_MS 1000

/* What WORK_DEVICE says of the file that comes with it, asked of that very file. */
static int describe(const struct handover_arg *a, int backend, struct work_device *m, struct err *e)
{
	struct direct_align align = { 1, 1 };
	int rc = a->fail_mode ? 0 : limits_direct(backend, &a->how, a->info.path, &align, e);

	msg_init(m, WORK_DEVICE, sizeof(*m));
	m->mem_align = align.mem;
	m->len_align = align.len;
	if (!a->fail_mode && a->how.direct && !backing_on_tmpfs(backend, &a->info))
		m->flags = WORK_D_AIO;
	return rc;
}

static int open_backend(const struct handover_arg *a, struct err *e)
{
	int fd;

	if (!a->fail_mode && a->no_file)
		return err_set(e, -ENOENT, "%s was not found again: put it back where it was", a->info.path);
	if (!a->fail_mode)
		return backing_open_soon(HELPER_FD + 1, &a->how, &a->info, a->again ? FILE_MS : 0, e);
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return fd >= 0 ? fd : err_set(e, -errno, "/dev/null: %s", err_str(-errno));
}

/*
 * The state file, locked: the next worker waits for that lock (control/sys/fence.h). This open is
 * for the worker alone, and no copy of it outlives this helper.
 */
static int open_state(const char *path, struct err *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), rc;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_str(-errno));
	rc = fence_take(fd, FENCE_MS);
	if (!rc)
		return fd;
	fd_close(&fd);
	if (rc == FENCE_HELD)
		return err_set(e, rc, "I/O of the worker before has not ended");
	return err_set(e, rc, "%s: it cannot be locked: %s", path, err_str(rc));
}

int handover(const void *arg, struct helper_out *out)
{
	const struct handover_arg *a = arg;
	struct err *e = &out->result->err;
	int fds[WORK_DEVICE_FDS] = { -1, -1, -1 };
	struct work_device msg = { 0 };
	int rc;

	rc = jail_check_worker(a->pid, a->uid, e);
	if (rc == 0)
		rc = worker_limits_check(a->pid, e);
	if (rc < 0)
		return rc;
	fds[WORK_FD_STATE] = open_state(a->state_path, e);
	if (fds[WORK_FD_STATE] < 0)
		return fds[WORK_FD_STATE];
	fds[WORK_FD_VDUSE] = vduse_open(a->name, OPEN_RETRY_MS, e);
	if (fds[WORK_FD_VDUSE] < 0)
		return fds[WORK_FD_VDUSE];
	if (vduse_broken(fds[WORK_FD_VDUSE]))
		return err_set(e, HANDOVER_BROKEN, "the kernel waited too long for an answer and gave the device up");
	if (a->timeout_short && (rc = msg_timeout_restore(a->name, a->msg_timeout, e)) != 0)
		return rc;
	rc = backing_become(&a->owner, e);
	if (rc < 0)
		return rc;
	fds[WORK_FD_BACKEND] = open_backend(a, e);
	if (fds[WORK_FD_BACKEND] < 0)
		return fds[WORK_FD_BACKEND];
	rc = describe(a, fds[WORK_FD_BACKEND], &msg, e);
	if (rc < 0)
		return rc;
	rc = chan_send(HELPER_FD, &msg, sizeof(msg), fds, WORK_DEVICE_FDS);
	if (rc < 0)
		return err_set(e, rc, "the worker does not take its descriptors: %s", err_str(rc));
	return 0;
}

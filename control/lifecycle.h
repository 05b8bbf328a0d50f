/*
 * control/lifecycle.h - making, keeping and removing a device, each a chain of steps that end in callbacks.
 * Main process only. create.c, respawn.c, delete.c.
 */
#ifndef CONTROL_LIFECYCLE_H
#define CONTROL_LIFECYCLE_H

#include "control/device/device.h"

#define STEP_CHECK_FILE "check file" /* create's first step: the client's file is judged */

/*
 * Run the steps of create on a fresh record whose parameters are set. client_fd: the connection that the file
 * comes over, read by a helper until files_taken is called. done is called once; after an error everything is
 * undone and the record is freed by this module as soon as done returns.
 */
int create_run(struct device *d, int client_fd, void (*file_taken)(struct device *d), device_done *done, struct err *e);

/*
 * Undo whatever the record says is there: detach, stop the worker, destroy. done is called once. After success the
 * caller frees the record; after an error the device is as it was before (-EBUSY) or FAILED.
 */
void teardown_run(struct device *d, bool force, device_done *done);

/* Call done when the device has a serving worker, or with an error when it will have none. */
void recover_wait(struct device *d, device_done *done);

/*
 * Around a bind or detach: both wait in the kernel for the worker, for its answers and for I/O, and while they do
 * so others may wait behind them. So the worker of a step that lasts longer than NUDGE_MS is killed and replaced,
 * once, by one that goes on: if it was only the worker that did not answer, the step ends then; a disk that is merely
 * slow has lost nothing. Both then have until their own deadline; but a forced detach gets a worker in fail mode after
 * NUDGE_MS more, which ends all I/O that is waited for. One that is not forced never does: unwritten data would be lost.
 */
void nudge_start(struct device *d);
void nudge_stop(struct device *d);
#define NUDGE_MS 4000

/* The device is off the bus: whatever recovery was under way is not needed any more. */
void recover_cancel(struct device *d);

/*
 * What an earlier vdused left of the device is known; e->code 0: its worker serves, or none is needed. Else the next one is
 * started, in fail mode where there is no backing file.
 */
void recover_adopted(struct device *d, const struct err *e);

/* An ordinary worker serves where one in fail mode did; or it could not, and one in fail mode is needed again. */
void recover_succeeded(struct device *d);
void recover_failed_again(struct device *d, const struct err *why);

/* A FAILED device gets one more worker, so that it can be removed in order. */
void recover_now(struct device *d);

#endif

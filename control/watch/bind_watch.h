/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/watch/bind_watch.h - a bind or detach that waits for a worker. Main process only,
 * libevent thread.
 */
#ifndef CONTROL_WATCH_BIND_WATCH_H
#define CONTROL_WATCH_BIND_WATCH_H

#include "control/device/device.h"

struct bus_arg; /* control/steps/vdpa_bus.h */

/*
 * For a step's begin(): the step is a bind or a detach (HELPER_BIND, HELPER_DETACH). 0 or a
 * negative errno.
 * Both wait in the kernel for the worker, for its answers and for I/O, and while they do so others
 * may wait behind them. So the worker of a step that lasts longer than BIND_WATCH_MS is killed and
 * replaced, once, by one that goes on: if it was only the worker that did not answer, the step ends
 * then; a disk that is merely slow has lost nothing. Both then have until their own deadline; but a
 * forced detach gets a worker in fail mode after BIND_WATCH_MS more, which ends all I/O that is
 * waited for. One that is not forced never does: unwritten data would be lost.
 */
int bind_watch_helper(struct device *d, enum helper_id kind, const struct bus_arg *a, struct err *e);
void bind_watch_stop(struct device *d); /* when it has ended */
#define BIND_WATCH_MS 4000

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/watch/netlink_watch.h - a worker that does not answer the kernel must not hold up the
 * vdpa netlink of the whole host. Runs in vdused's main process; the question is asked in a helper.
 *
 * SET_STATUS waits for the worker under its device's lock, and whoever asks netlink for that
 * device's configuration ("vdpa dev config show": any user) waits for that lock under the locks of
 * all. With a bind or a detach it is known whose worker is to blame (bind_watch.h). A vhost node's
 * owner sends SET_STATUS whenever he likes, and nothing that an unprivileged reader of /proc or
 * sysfs may see tells for which device the kernel waits. So while there are such devices netlink is
 * asked twice a second whether it answers; while it does not, workers that can be the cause are
 * replaced, 8, 16, 32 ... a second. For a device that is not the cause this is a pause of a
 * fraction of a second.
 */
#ifndef CONTROL_WATCH_NETLINK_WATCH_H
#define CONTROL_WATCH_NETLINK_WATCH_H

#include "control/device/device.h"

int netlink_watch_start(struct service *svc, struct err *e);

/*
 * When netlink last hung with no worker left that could be replaced: now_ms(), 0 = never. Then it
 * is one that does not end.
 */
long long netlink_watch_hopeless_ms(void);

#define STALL_ASK_MS 500 /* between two questions */
#define STALL_ROUND_MS 1000 /* between two rounds of replacing: time for new workers to answer */
#define STALL_SPARE_MS 60000 /* a worker that was replaced is not suspected again for so long */
#define STALL_FIRST_ROUND 8U

#endif

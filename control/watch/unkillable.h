/*
 * control/watch/unkillable.h - a worker that does not end although killed. Main process of vdused, libevent thread only.
 *
 * A thread of it hangs in the kernel (memory of a driver's on FUSE), so that it keeps /dev/vduse/NAME, and no other can answer in
 * its place. On the vhost bus the node's owner can then hold the vDPA locks of the host for as long as he likes, each time for
 * the kernel's message timeout. So that timeout is made short: the next message that is not answered breaks the device for good,
 * which is lost as long as that memory does not answer, and all later ones fail at once. If the worker ends before, the hand-over
 * to the next one sets the timeout back. Not on the virtio bus: no message comes there but at attach and detach.
 */
#ifndef CONTROL_WATCH_UNKILLABLE_H
#define CONTROL_WATCH_UNKILLABLE_H

#include "control/device/device.h"

#define HUNG_MS 10000 /* after SIGKILL: longer than an honest backend takes to finish a request */

int hung_watch(struct service *svc, struct err *e);

#endif

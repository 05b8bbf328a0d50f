/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/watch/unkillable.h - a worker that does not end although killed, or has ended while I/O
 * that it began has not (control/sys/fence.h). Main process of vdused, libevent thread only.
 *
 * A thread of it hangs in the kernel, so that it keeps /dev/vduse/NAME, or its I/O does: no other
 * can answer in its place. On the vhost bus the node's owner can then hold the vDPA locks of the
 * host for as long as he likes, each time for the kernel's message timeout. So that timeout is made
 * short: the next message that is not answered breaks the device for good, and all later ones fail
 * at once.
 *
 * That is meant for memory of a driver's that never answers (FUSE), when its owner uses it against
 * others. What a thread hangs in, that or a disk which will go on, cannot be told from outside:
 * both are state D, and where in the kernel is for those to see who may trace it. So what is looked
 * at is the harm: only when netlink hung since the kill, with no worker left that could be
 * replaced, others wait for this one; and not while any of its threads is runnable, which only
 * needs a processor to end. Where nobody waits, a disk may take as long as it likes. As soon as the
 * worker has ended the timeout is set back: here, by the hand-over to the next worker before that
 * is given the device, or by the next vdused, which has it from the record. Not on the virtio bus:
 * no message comes there but at attach and detach.
 */
#ifndef CONTROL_WATCH_UNKILLABLE_H
#define CONTROL_WATCH_UNKILLABLE_H

#include "control/device/device.h"

#define HUNG_MS 10000 /* after SIGKILL: longer than an honest backend takes to finish a request */

int unkillable_watch(struct service *svc, struct err *e);

#endif

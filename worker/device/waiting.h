/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/waiting.h - messages of the kernel that may wait until the queues are held:
 * UPDATE_IOTLB and GET_VQ_STATE. They are sent under no lock of the host's, but UPDATE_IOTLB may be
 * under its sender's own (deferred.h). Main thread of vduse-worker; what the answers mean is in
 * deferred.h.
 *
 * One at a time: the kernel sends the next one after the answer, or when the sender of the first
 * was killed. The main loop goes on meanwhile: vdused is answered, and so are messages that may not
 * wait.
 */
#ifndef WORKER_DEVICE_WAITING_H
#define WORKER_DEVICE_WAITING_H

#include "worker/device/device.h"

/* Is it one of them? */
bool waiting_may(const struct vduse_dev_request *req);

/*
 * It was read: answer it now if all queues are held already, else later. 0, or a negative errno of
 * the answer.
 */
int waiting_begin(struct device *d, const struct vduse_dev_request *req);

/*
 * If one waits: do it if the queues are held, answer it if it is done, cannot be done or has waited
 * for too long.
 */
void waiting_retry(struct device *d);

/*
 * If one waits, answer it now, with FAILED when its queues are not held. For a worker that ends:
 * its I/O may outlast it, and with it the kernel's patience, and no other worker gets the message
 * before.
 */
void waiting_give_up(struct device *d);

/* After how many ms the one that waits is answered at the latest, -1 = there is none. */
int waiting_ms(const struct device *d);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/virtq_split.h - split virtqueues. All operations in the queue's thread. Source:
 * virtio 1.2, 2.7.
 */
#ifndef WORKER_RING_VIRTQ_SPLIT_H
#define WORKER_RING_VIRTQ_SPLIT_H

#include "worker/ring/virtq.h"

extern const struct virtq_ops virtq_split;

#endif

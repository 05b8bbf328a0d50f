/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/fake_vduse.h - the kernel's side of /dev/vduse/NAME, played by a test of the worker:
 * what it asks, what it is answered, and what it knows of the driver. One instance.
 */
#ifndef TESTS_FAKE_VDUSE_H
#define TESTS_FAKE_VDUSE_H

#include <linux/virtio_blk.h>
#include <stdatomic.h>

#include "proto/limits.h"
#include "tests/unit/fake_guest.h"
#include "worker/device/vduse.h"

#define FAKE_MESSAGES 8U

struct fake_vduse {
	struct guest *guest;
	uint64_t features; /* acknowledged by the driver */
	struct vduse_vq_info queue[VD_QUEUES_MAX];
	int kick_fd[VD_QUEUES_MAX];
	atomic_uint irqs[VD_QUEUES_MAX];
	atomic_int irq_error, error; /* what inject_irq, and all ioctls, return instead */
	unsigned infos; /* queue_info calls */
	struct virtio_blk_config config;
	unsigned configs, config_irqs;
	int config_error, config_irq_error; /* what set_config and config_irq return instead */
	/* looks at the worker when the driver can see the new configuration */
	void (*on_config)(void);
	struct vduse_dev_request request[FAKE_MESSAGES];
	unsigned requests, taken;
	unsigned sent; /* in all: request_id is 100 and so on */
	struct vduse_dev_response response; /* the last one */
	unsigned responses;
	int read_error, reply_error; /* for the next call */
};

extern struct fake_vduse fake;
extern const struct vduse_ops fake_vduse_ops;

void fake_begin(struct guest *g);
/* The driver sets queue up and enables it. */
void fake_enable(uint32_t index, const struct ring *r);
/* As after a reset that the worker was not told of. */
void fake_forget(void);
/* Queue a message for the worker. */
void fake_status(uint8_t status);
void fake_queue_state(uint32_t index);
void fake_iotlb(uint64_t start, uint64_t last);
void fake_message(uint32_t type);
/* The driver kicks, as the kernel does it. */
void fake_kick(uint32_t index);

#endif

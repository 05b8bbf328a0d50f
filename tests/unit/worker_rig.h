/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/worker_rig.h - a whole worker but for its jail and its channel: device, queue threads,
 * a disk in a memfd, a state file, a driver and a fake kernel. For tests of the device's life.
 */
#ifndef TESTS_WORKER_RIG_H
#define TESTS_WORKER_RIG_H

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "tests/unit/fake_vduse.h"
#include "worker/channel/link.h"
#include "worker/device/device.h"

#define RIG_QUEUES 2U
#define RIG_NUM 8U
#define RIG_CAPACITY (1ULL << 20)
#define RIG_RAM 0x1000000ULL
#define RIG_RAM_SIZE 0x100000ULL
#define RIG_RING(q) (0x100000ULL * (1 + (q)))
/* On a machine as busy as may be: below DEVICE_PATIENCE_MS, and the 30 s of the kernel. */
#define KERNEL_MS 15000

#define S_ACK VIRTIO_CONFIG_S_ACKNOWLEDGE
#define S_DRIVER (S_ACK | VIRTIO_CONFIG_S_DRIVER)
#define S_FEATURES (S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define S_RUNNING (S_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK)

struct rig {
	struct guest guest;
	struct ring ring[RIG_QUEUES];
	struct state_file *state;
	int disk;
	struct link link;
	const struct virtq_ops *ops; /* of the next worker's queue 0, where not the usual ones */
	bool on_disk; /* the next worker is told that its disk is no memory, which it is */
	uint64_t offers; /* features that the next worker is told of, 0 = the usual ones */
	struct device *d; /* the present worker; earlier ones stay held for good */
};

extern struct rig rig;

/* The usual features of its device. */
uint64_t rig_features(void);

/* cmocka set-up and tear-down: worker of generation 1, nothing negotiated yet. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* The driver begins again: its rings are empty. */
void rig_new_rings(void);

/* The worker dies (its threads are held), a new one of this generation and WORK_F_* takes over. */
void rig_replace(uint32_t generation, uint32_t flags);

/*
 * Give the worker one message, do the main thread's work until it is answered (bounded), and return
 * the result that the kernel got, or a negative errno of device_message().
 */
int rig_answer(void);
int rig_status(uint8_t status);
int rig_iotlb(uint64_t start, uint64_t last);

/* Negotiate everything and run, like virtio_blk. */
void rig_run(void);

/*
 * Offer request `slot` (0 or 1 on its queue: descriptors 3 * slot) with up to 4096 bytes of data.
 * Kick unless told not to. Data lie at rig_data(q, slot), the status byte at rig_status_byte(q,
 * slot).
 */
void rig_offer(uint32_t q, unsigned slot, uint32_t type, uint64_t sector, uint32_t len, bool kick);
uint8_t *rig_data(uint32_t q, unsigned slot);
uint8_t *rig_status_byte(uint32_t q, unsigned slot);

/*
 * Wait (bounded), doing the main thread's work meanwhile, until the kernel has got so many answers
 * in all.
 */
void rig_wait_answers(unsigned answers);
/*
 * Wait (bounded), with and without doing the main thread's work meanwhile, until the used index is
 * this.
 */
void rig_tend_used(uint32_t q, uint16_t idx);
void rig_wait_used(uint32_t q, uint16_t idx);
/* Wait (bounded), doing the main thread's work meanwhile. */
void rig_wait_irqs(uint32_t q, unsigned irqs);
void rig_wait_failed(uint32_t q);
/* Do the main thread's work until what() holds (bounded: fails the test). */
void rig_until(bool (*what)(void));
/* A few milliseconds. */
void rig_pause(void);
/* Give the queue threads time to do what they should not do. */
void rig_settle(void);

/* Everything in execution ends, on however busy a machine. */
void rig_quiesce(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/kernel.h - an imaginary kernel side of /dev/vduse/NAME, for the targets device and
 * state. Its answers are what the input wants; it checks that the worker keeps to the rules of the
 * interface.
 */
#ifndef TESTS_FUZZ_KERNEL_H
#define TESTS_FUZZ_KERNEL_H

#include "proto/limits.h"
#include "tests/fuzz/fuzz.h"
#include "worker/device/vduse.h"

struct kernel {
	uint32_t queues;
	uint64_t features; /* what the driver acknowledged */
	struct vduse_vq_info info[VD_QUEUES_MAX];
	int kick_fd[VD_QUEUES_MAX];
	int features_error, info_error, kick_error, irq_error, config_error, read_error,
		reply_error; /* 0 or a negative errno */
	uint64_t capacity; /* in the configuration, in sectors; 0 = it was not changed */
	bool waiting; /* there is a message */
	bool read; /* it was read, the answer is owed */
	/* id of one that was read and taken back, as its sender was killed; 0 = none */
	uint32_t abandoned;
	struct vduse_dev_request request;
	struct vduse_dev_response answer; /* the last one */
	uint32_t answers;
	void (*hook)(void); /* called at each operation: may leave by longjmp() */
	/* looks at the worker at the moment of an answer */
	void (*on_reply)(const struct kernel *k);
};

extern struct kernel kernel;
extern const struct vduse_ops kernel_ops;

/* Queue a message under a new id. One that was not answered is taken back. */
void kernel_message(uint32_t type);

/* The worker died: what it had not answered is there again, its kick descriptors are gone. */
void kernel_worker_died(void);

#endif

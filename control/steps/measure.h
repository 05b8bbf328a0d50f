/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/measure.h - the size that a backing file has got, or shall get. Helpers only.
 */
#ifndef CONTROL_STEPS_MEASURE_H
#define CONTROL_STEPS_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "control/helper/helper.h"
#include "control/steps/backing_open.h"

struct measure_arg {
	struct owner owner;
	struct backing_info info;
	uint64_t size; /* bytes to grow to, 0 = do not */
	uint32_t block_size;
	int32_t worker_pid; /* 0 = none; HELPER_FD + 1 is its pidfd then */
	bool read_only;
};

struct measure_result {
	uint64_t size; /* bytes */
};

/*
 * helper_fn. HELPER_FD: the O_PATH descriptor of the file, HELPER_FD + 1: the pidfd of the worker.
 * Checks the size that the file has or shall get, lets the worker write that far, grows the file.
 * Result: measure_result.
 */
int measure(const void *arg, struct helper_out *out);

#endif

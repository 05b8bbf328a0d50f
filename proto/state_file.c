/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/state_file.c - pure helpers for the state file. Runs in vdused and in the worker.
 */
#include "proto/state_file.h"

#include <string.h>

void state_sum_counters(const struct state_counters *q, size_t nq, struct state_counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (size_t i = 0; i < nq; i++) {
		sum->reads += q[i].reads;
		sum->read_bytes += q[i].read_bytes;
		sum->writes += q[i].writes;
		sum->write_bytes += q[i].write_bytes;
		sum->flushes += q[i].flushes;
		sum->discards += q[i].discards;
		sum->write_zeroes += q[i].write_zeroes;
		sum->errors += q[i].errors;
	}
}

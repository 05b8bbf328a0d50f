/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/sigbus.h - SIGBUS on the driver's memory. Runs in every thread of vduse-worker.
 *
 * A page of a region can be missing: no bounce page at an address in range, or a file behind guest
 * memory that its owner truncated. Data buffers are only touched by system calls, which return
 * EFAULT, unless they must be copied (worker/blk/transfer.h). Those, rings, headers, status bytes
 * and indirect tables are touched by loads and stores, which raise SIGBUS: the handler counts it
 * and puts a page of zeros there, so that the access ends (where it was a huge page, SIGSEGV may
 * follow: iova_put_zeros()). Every queue of the device then fails, and publishes nothing of what it
 * has taken: what the page of zeros stands for may be in use by any of them, until the driver
 * resets the device and all of its memory is forgotten. A page of zeros is private memory of ours,
 * which is bounded: so whoever copies from many places stops at the first fault. A fault anywhere
 * else ends the process (WORKER_EXIT_STATE in the state file, else WORKER_EXIT_FAULT).
 */
#ifndef WORKER_RING_SIGBUS_H
#define WORKER_RING_SIGBUS_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/ring/iova.h"

/*
 * Install the handler for regions of m (NULL: none yet). Once, main thread. 0 or a negative errno.
 */
int sigbus_install(struct iova_map *m);

/* Say where the state file is mapped. Main thread, before queues run. */
void sigbus_set_state(const void *addr, size_t len);

/* Faults so far, in all threads. What queues make of it: queue_faulted() in queue.h. */
unsigned sigbus_count(void);

#endif

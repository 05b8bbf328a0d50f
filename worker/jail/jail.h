/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/jail/jail.h - what vduse-worker takes away from itself, in stages. vdused has already put
 * it into its outer jail (namespaces, empty root, own uid, no capabilities, no_new_privs, rlimits)
 * before it was executed.
 * Main thread.
 */
#ifndef WORKER_JAIL_JAIL_H
#define WORKER_JAIL_JAIL_H

/*
 * Stage 1, first thing in main(), before anything is read and while there is one thread.
 * Should: not dumpable, no command line to read, SIGTERM ignored, no new executable memory and an
 * empty Landlock ruleset where the kernel has them; descriptors FD_DEVICE to FD_TRANSIENT taken by
 * placeholders.
 * Mustn't: read from the channel.
 * 0 or a negative errno (-EBUSY: descriptors were open that are none of ours).
 */
int jail_early(void);

/*
 * Stage 2, when all memory is allocated and all threads exist. Should: free the placeholders'
 * numbers and load the filter of syscalls.c into every thread. Mustn't: have received a descriptor
 * of somebody else's yet. Afterwards nothing may allocate. 0 or a negative errno.
 */
int jail_seal(void);

#endif

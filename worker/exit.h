/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/exit.h - exit codes of vduse-worker; vdused and vduse-worker(8) explain them to people.
 */
#ifndef WORKER_EXIT_H
#define WORKER_EXIT_H

#include "proto/worker_msg.h"

enum worker_exit {
	WORKER_EXIT_OK = 0, /* WORK_STOP: everything in flight is done */
	WORKER_EXIT_USAGE = 2, /* not started by vdused */
	WORKER_EXIT_PROTOCOL = 3, /* vdused sent something unexpected, or nothing in time */
	WORKER_EXIT_JAIL = 4, /* the jail could not be closed */
	/* memory, threads or descriptors could not be had at start */
	WORKER_EXIT_RESOURCE = WORK_EXIT_RESOURCE,
	/* the kernel gave the VDUSE device up (message timeout): only removing it helps */
	WORKER_EXIT_DEVICE = WORK_EXIT_DEVICE,
	WORKER_EXIT_STATE = 7, /* the state file is too short for its layout */
	WORKER_EXIT_FAULT = 8, /* SIGBUS or SIGSEGV outside of the driver's memory: a bug */
	/* a queue of the host's own disk cannot be served: fail mode must end its I/O */
	WORKER_EXIT_QUEUE = WORK_EXIT_QUEUE,
};

#endif

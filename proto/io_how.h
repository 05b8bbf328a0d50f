/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/io_how.h - how a device's I/O is done: the worker's word in the state file, checked by
 * vdused and told to its clients. Numbers stay what they are. Pure.
 */
#ifndef PROTO_IO_HOW_H
#define PROTO_IO_HOW_H

enum io_how {
	IO_HOW_UNKNOWN = 0, /* no worker, or one of an earlier version */
	IO_HOW_INLINE = 1, /* one request at a time, in the queue's thread */
	IO_HOW_ASYNC = 2, /* many at once, in the kernel */
	IO_HOW_NONE = 3, /* fail mode */
	IO_HOW_THREADS = 4, /* what would wait for the disk is done in threads, the rest inline */
	IO_HOW_LAST = IO_HOW_THREADS
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/jail/syscalls.c - the seccomp table of vduse-worker: what is left to it, and why. In force
 * from before it gets its first descriptor of somebody else. Anything else kills the process. The
 * compared values are 64 bits wide though the kernel looks at 32 of a descriptor: garbage above
 * kills, too.
 *
 * io_submit cannot be pinned to a descriptor: they are in memory. What that gives a worker that was
 * taken over is in SECURITY.md. Neither io_setup nor io_destroy, io_cancel or io_getevents is left.
 */
#include "worker/jail/syscalls.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/vduse.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "proto/limits.h"

#define EQ(arg, value)                                                                                                 \
	{                                                                                                              \
		(arg), SCMP_CMP_EQ, (scmp_datum_t)(value), 0                                                           \
	}
/*
 * Eight descriptors, the first a multiple of eight. Not "at least": that would let garbage in the
 * high bits pass.
 */
#define EIGHT(arg, first)                                                                                              \
	{                                                                                                              \
		(arg), SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)7, (scmp_datum_t)(first)                                     \
	}
/* No bit but these. */
#define ONLY(arg, bits)                                                                                                \
	{                                                                                                              \
		(arg), SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)(bits), 0                                                    \
	}
/* PROT_READ, with or without PROT_WRITE. */
#define READABLE(arg)                                                                                                  \
	{                                                                                                              \
		(arg), SCMP_CMP_MASKED_EQ, ~(scmp_datum_t)PROT_WRITE, PROT_READ                                        \
	}
/* An int of -1: libc may or may not extend its sign. */
#define MINUS_ONE(arg)                                                                                                 \
	{                                                                                                              \
		(arg), SCMP_CMP_MASKED_EQ, 0xffffffffU, 0xffffffffU                                                    \
	}

#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
/* not KEEP_SIZE: blocks beyond the end of a file escape RLIMIT_FSIZE */
#define ZERO FALLOC_FL_ZERO_RANGE

_Static_assert(FD_KICKS % 8 == 0 && VD_QUEUES_MAX == 16, "the rows for kicks cover all queues");

/* clang-format off */
const struct seccomp_row worker_syscalls[] = {
	/* the data path, tested first */
	{ SCMP_SYS(read), 1, { EIGHT(0, FD_KICKS) }, "a queue thread waits for kicks" },
	{ SCMP_SYS(read), 1, { EIGHT(0, FD_KICKS + 8) }, "the same, queues 8 to 15" },
	{ SCMP_SYS(read), 1, { EQ(0, FD_NOTES) }, "the main thread takes notes" },
	{ SCMP_SYS(read), 1, { EQ(0, FD_DEVICE) }, "control messages of the kernel" },
	{ SCMP_SYS(preadv), 1, { EQ(0, FD_BACKEND) }, "IN requests" },
	{ SCMP_SYS(preadv2), 2, { EQ(0, FD_BACKEND), EQ(5, RWF_NOWAIT) }, "IN requests, if the page cache has it" },
	{ SCMP_SYS(pwritev), 1, { EQ(0, FD_BACKEND) }, "OUT requests; zeros where the backend has no fallocate" },
	{ SCMP_SYS(io_submit), 0, { { 0 } }, "with O_DIRECT: IN and OUT requests, many at once" },
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_DEVICE), EQ(1, VDUSE_VQ_INJECT_IRQ) }, "tell the driver of used requests" },
	{ SCMP_SYS(fdatasync), 1, { EQ(0, FD_BACKEND) }, "FLUSH requests; drivers without FLUSH" },
	{ SCMP_SYS(fallocate), 2, { EQ(0, FD_BACKEND), EQ(1, PUNCH) }, "WRITE_ZEROES that may unmap; DISCARD of a file" },
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_BACKEND), EQ(1, BLKDISCARD) }, "DISCARD of a block device" },
	{ SCMP_SYS(fallocate), 2, { EQ(0, FD_BACKEND), EQ(1, ZERO) }, "WRITE_ZEROES that may not unmap, or cannot" },
	/* waking the other threads, waiting for vdused, the kernel and them */
	{ SCMP_SYS(write), 1, { EIGHT(0, FD_KICKS) }, "the main thread holds and releases queue threads" },
	{ SCMP_SYS(write), 1, { EIGHT(0, FD_KICKS + 8) }, "the same, queues 8 to 15" },
	{ SCMP_SYS(write), 1, { EQ(0, FD_NOTES) }, "a queue thread has a note for the main thread" },
	{ SCMP_SYS(write), 1, { EQ(0, FD_DEVICE) }, "answers to the kernel's messages" },
	{ SCMP_SYS(poll), 0, { { 0 } }, "the main thread waits for messages and notes" },
	{ SCMP_SYS(futex), 1, { EQ(1, FUTEX_WAIT_PRIVATE) }, "two queue threads miss a region at once; a slow thread waits for work" },
	{ SCMP_SYS(futex), 1, { EQ(1, FUTEX_WAKE_PRIVATE) }, "the same" },
	/* the driver's memory */
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_DEVICE), EQ(1, VDUSE_IOTLB_GET_FD) }, "find a region of the driver's memory" },
	{ SCMP_SYS(mmap), 3, { ONLY(2, PROT_READ | PROT_WRITE), EQ(3, MAP_SHARED), EQ(4, FD_TRANSIENT) },
	  "map it, never executable; the state file once" },
	{ SCMP_SYS(close), 1, { EQ(0, FD_TRANSIENT) }, "and close its descriptor at once" },
	{ SCMP_SYS(munmap), 0, { { 0 } }, "UPDATE_IOTLB, reset" },
	{ SCMP_SYS(mmap), 3, { READABLE(2), EQ(3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED), MINUS_ONE(4) },
	  "SIGBUS: zeros in the place of a page that is gone" },
	{ SCMP_SYS(rt_sigreturn), 0, { { 0 } }, "the end of the SIGBUS handler" },
	/* the device */
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_DEVICE), EQ(1, VDUSE_DEV_GET_FEATURES) }, "what the driver negotiated" },
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_DEVICE), EQ(1, VDUSE_VQ_GET_INFO) }, "where its rings are" },
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_DEVICE), EQ(1, VDUSE_VQ_SETUP_KICKFD) }, "be kicked" },
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_DEVICE), EQ(1, VDUSE_DEV_SET_CONFIG) }, "the disk has grown" },
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_DEVICE), EQ(1, VDUSE_DEV_INJECT_CONFIG_IRQ) }, "and the driver is to see it" },
	{ SCMP_SYS(ioctl), 2, { EQ(0, FD_DEVICE), EQ(1, FIONBIO) }, "a message can vanish between poll and read" },
	/* vdused */
	{ SCMP_SYS(recvmsg), 2, { EQ(0, FD_CHANNEL), EQ(2, MSG_CMSG_CLOEXEC) }, "messages from vdused, the three descriptors" },
	{ SCMP_SYS(sendmsg), 2, { EQ(0, FD_CHANNEL), EQ(2, MSG_NOSIGNAL) }, "answers and log lines to vdused; the disk to one that adopts" },
	/* the next vdused */
	{ SCMP_SYS(accept4), 4, { EQ(0, FD_LISTEN), EQ(1, 0), EQ(2, 0), EQ(3, SOCK_CLOEXEC | SOCK_NONBLOCK) },
	  "vdused was restarted and comes to adopt us" },
	{ SCMP_SYS(dup3), 3, { EQ(0, FD_TRANSIENT), EQ(1, FD_CHANNEL), EQ(2, O_CLOEXEC) },
	  "its connection takes the place of the old channel" },
	{ SCMP_SYS(dup3), 3, { EQ(0, FD_LISTEN), EQ(1, FD_CHANNEL), EQ(2, O_CLOEXEC) },
	  "hang up on a connection that did not ask for that" },
	/* the process */
	{ SCMP_SYS(clock_gettime), 1, { EQ(0, CLOCK_MONOTONIC) }, "deadlines, where the clock source has no vDSO" },
	{ SCMP_SYS(restart_syscall), 0, { { 0 } }, "stopped and continued (SIGSTOP, debugger) while in poll or futex" },
	{ SCMP_SYS(exit_group), 0, { { 0 } }, "WORK_STOP, a device that is broken, a fault" },
};
/* clang-format on */
const size_t worker_syscalls_rows = sizeof(worker_syscalls) / sizeof(worker_syscalls[0]);

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/worker_msg.h - the channel between vdused and one worker over SOCK_SEQPACKET.
 * Decoded by vdused (the worker may be taken over: anything unexpected drops it) and by
 * vduse-worker (which trusts vdused). Pure.
 *
 * Order of a worker's life:
 *   vdused -> worker  WORK_SETUP    what to serve; nothing in it needs the jail yet
 *   worker -> vdused  WORK_READY    everything allocated, all threads made, the jail is closed
 *                                   (vdused now checks the jail from outside)
 *   helper -> worker  WORK_DEVICE   with 3 fds: /dev/vduse/NAME, the backing file, the state file;
 *                                   and what the open backing file asks of buffers
 *   worker -> vdused  WORK_SERVING  it reads VDUSE messages from now on
 *   vdused -> worker  WORK_PING     any time after WORK_SERVING; answered by WORK_PONG with the
 *                                   same cookie
 *   vdused -> worker  WORK_STOP     finish what is in flight, then exit 0
 *   vdused -> worker  WORK_RESIZE   the disk has grown; answered by WORK_RESIZED
 *   worker -> vdused  WORK_HALTED   WORK_F_STOP: a request failed and waits, its queue with it
 *   vdused -> worker  WORK_RESUME   execute it again, go on; answered by WORK_RESUMED: what was
 *                                   said in WORK_HALTED before that answer does not wait any more,
 *                                   though it may have crossed WORK_RESUME
 *   worker -> vdused  WORK_LOG      any time after WORK_SETUP, rate-limited by both sides
 * End of file on the channel does not end a worker: it goes on serving without its supervisor. The
 * next vdused connects to the listening socket that the worker was born with (one file per device
 * in a directory of root's) and asks for it:
 *   helper -> worker  WORK_ADOPT    the first and only message of a new connection
 *   worker -> helper  WORK_ADOPTED  with 1 fd, the backing file: the new vdused must find it again
 *                                   even if it was renamed; from here on the connection is the
 *                                   channel, and the worker serves as before
 *
 * Versions: the binary of workers is replaced while a vdused of before runs on, and each worker is
 * executed anew from it. So a worker takes what every earlier vdused sends, and says nothing that
 * it would not understand: a message that grows keeps the row of its earlier size
 * (tests/unit/test_proto_worker_msg.c has all that were ever sent), and a vdused that sends the
 * earlier WORK_DEVICE is not answered WORK_RESUMED. The other way round, a vdused is never later
 * than the binary that it executes, but it adopts workers that are earlier than itself: it depends
 * on no answer that those do not give.
 */
#ifndef PROTO_WORKER_MSG_H
#define PROTO_WORKER_MSG_H

#include "proto/limits.h"
#include "proto/msg.h"

enum work_type {
	WORK_SETUP = 1,
	WORK_DEVICE = 2,
	WORK_PING = 3,
	WORK_STOP = 4,
	WORK_RESIZE = 5,
	WORK_RESUME = 6,
	WORK_ADOPT = 7,
	WORK_READY = 100,
	WORK_SERVING = 101,
	WORK_PONG = 102,
	WORK_LOG = 103,
	WORK_RESIZED = 104,
	WORK_HALTED = 105,
	WORK_ADOPTED = 106,
	WORK_RESUMED = 107,
};

/* Fd order in WORK_DEVICE. */
#define WORK_DEVICE_FDS 3U
#define WORK_FD_VDUSE 0
#define WORK_FD_BACKEND 1
#define WORK_FD_STATE 2

/* States, seen from vdused: what the worker may send now. */
#define WORK_S_SETUP 0x1U /* WORK_SETUP sent */
#define WORK_S_READY 0x2U /* WORK_READY seen, WORK_DEVICE on its way or sent */
#define WORK_S_SERVING 0x4U

/* States, seen from the worker: what vdused may send now. */
#define WORK_W_BORN 0x1U
#define WORK_W_SEALED 0x2U
#define WORK_W_SERVING 0x4U
/* somebody has connected to the listening socket and not said a word yet */
#define WORK_W_ORPHAN 0x8U

/* State, seen from the helper that adopts: WORK_ADOPT was sent. */
#define WORK_A_ASKED 0x1U

#define WORK_F_READ_ONLY 0x1U
#define WORK_F_DIRECT 0x2U
#define WORK_F_BLOCK_DEV 0x4U /* the backend is a block device, not a regular file */
#define WORK_F_FAIL 0x8U /* fail mode: answer messages, complete every request with an I/O error */
/* the driver is this host's own kernel, whose tasks must never wait for ever */
#define WORK_F_HOST 0x10U
#define WORK_F_STOP 0x20U /* a failed request is not completed: its queue halts until WORK_RESUME */
/*
 * the backing file is on a tmpfs, where no I/O waits for a disk: nothing is made for what does. An
 * earlier vdused does not say
 */
#define WORK_F_TMPFS 0x40U
#define WORK_F_ALL 0x7fU

/* Exit codes that vdused acts on; any other end is a death like any other. */
#define WORK_EXIT_RESOURCE 5 /* before WORK_READY: no memory, threads or descriptors to be had */
#define WORK_EXIT_DEVICE 6 /* the kernel gave the device up, it says: vdused looks itself */
#define WORK_EXIT_QUEUE 9 /* WORK_F_HOST: a queue cannot be served any more: only fail mode helps */

struct work_setup {
	struct msg_hdr hdr;
	char name[VD_NAME_SIZE];
	char serial[VD_SERIAL_SIZE];
	uint64_t capacity; /* bytes, a multiple of block_size */
	/* virtio features offered to the driver; proto/state_file.h counts more */
	uint64_t features;
	uint32_t flags; /* WORK_F_* */
	uint32_t queues; /* 1..VD_QUEUES_MAX */
	uint32_t queue_size; /* largest ring the driver may choose */
	uint32_t block_size; /* bytes */
	/* 1 for a device's first worker; later ones resume from the state file */
	uint32_t generation;
	uint32_t log_level; /* enum log_level of common/log.h: what is worth sending */
	uint32_t reserved[4];
};

/*
 * What state files this binary understands: vdused hands over only one that fits
 * (proto/state_file.h).
 */
struct work_ready {
	struct msg_hdr hdr;
	uint32_t state_version; /* STATE_VERSION */
	uint32_t state_size; /* sizeof(struct state_file) */
};

/*
 * WORK_DEVICE (3 fds). How the backing file that comes with it wants its buffers, in bytes, powers
 * of two: the kernel refuses others where it is open with O_DIRECT. 1: any will do. An earlier
 * vdused, which sends the header alone, does not say: 0 for the worker, which then takes
 * WORK_ALIGN_MAX, as that is never too little.
 *
 * WORK_D_AIO: I/O on it may be asynchronous, and is worth it, as it waits for a disk. Whoever says
 * so has locked the open state file that comes with it: the fence of such I/O (RECOVERY.md). An
 * earlier vdused, which has not, sends no flags: 0 for the worker.
 */
#define WORK_ALIGN_MAX 4096U
#define WORK_D_AIO 0x1U
#define WORK_D_ALL 0x1U
#define WORK_DEVICE_SIZE_1 8U
#define WORK_DEVICE_SIZE_2 16U
struct work_device {
	struct msg_hdr hdr;
	uint32_t mem_align; /* address of each buffer */
	uint32_t len_align; /* length of each buffer, and the place in the file */
	uint32_t flags; /* WORK_D_* */
	uint32_t reserved;
};

/* WORK_STOP, WORK_SERVING, WORK_RESUME, WORK_RESUMED, WORK_ADOPT */
struct work_plain {
	struct msg_hdr hdr;
};

/* WORK_PING, WORK_PONG */
struct work_cookie {
	struct msg_hdr hdr;
	uint64_t cookie;
};

struct work_resize {
	struct msg_hdr hdr;
	uint64_t capacity; /* bytes, a multiple of the block size, not below what it was */
};

struct work_resized {
	struct msg_hdr hdr;
	uint64_t capacity; /* as asked for */
	int32_t error; /* 0, or the negative errno for which nothing was changed */
	uint32_t reserved;
};

struct work_halted {
	struct msg_hdr hdr;
	int32_t error; /* negative errno of the request */
	uint32_t queue;
};

struct work_adopted {
	struct msg_hdr hdr;
	uint32_t generation; /* as in WORK_SETUP */
	int32_t halted; /* 0, or as in the last WORK_HALTED that was not followed by WORK_RESUMED */
};

struct work_log {
	struct msg_hdr hdr;
	uint32_t level;
	uint32_t dropped; /* messages not sent since the last one, for the rate limit */
	char text[VD_LOG_SIZE];
};

union work_any {
	struct msg_hdr hdr;
	struct work_setup setup;
	struct work_device device;
	struct work_plain plain;
	struct work_cookie cookie;
	struct work_log log;
	struct work_ready ready;
	struct work_resize resize;
	struct work_resized resized;
	struct work_halted halted;
	struct work_adopted adopted;
};

extern const struct msg_rule work_to_worker[];
extern const size_t work_to_worker_rows;
extern const struct msg_rule work_to_supervisor[];
extern const size_t work_to_supervisor_rows;
extern const struct msg_rule work_to_adopter[];
extern const size_t work_to_adopter_rows;

#endif

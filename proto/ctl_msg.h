/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/ctl_msg.h - the admin channel: vduse-ctl (any client) to vdused over SOCK_SEQPACKET.
 * Decoded by vdused (hostile client) and by vduse-ctl (which trusts vdused's uid, checked by
 * SO_PEERCRED, but checks the bytes all the same). Pure.
 *
 * A client sends one request and waits for its final answer before it sends the next.
 * create goes in two records: CTL_CREATE, answered by CTL_SEND_FILE when the request as such is
 * acceptable; then CTL_FILE with the descriptor, which only a disposable helper of vdused receives,
 * so that no file of a client's choosing can ever block the supervisor. The final answer is
 * CTL_CREATED or CTL_ERROR. A client that closes the connection before that cancels the create.
 */
#ifndef PROTO_CTL_MSG_H
#define PROTO_CTL_MSG_H

#include "proto/ctl_code.h"
#include "proto/limits.h"
#include "proto/msg.h"

enum ctl_type {
	/* requests */
	CTL_VERSION = 1,
	CTL_CREATE = 2,
	CTL_FILE = 3,
	CTL_LIST = 4,
	CTL_SHOW = 5,
	CTL_DELETE = 6,
	CTL_RECOVER = 7, /* out of fail mode */
	CTL_UPGRADE = 8, /* a worker of the installed binary takes over */
	CTL_RESIZE = 9,
	CTL_RESUME = 10, /* what CTL_F_STOP halted goes on */
	/* answers */
	CTL_OK = 100,
	CTL_ERROR = 101,
	CTL_VERSION_IS = 102,
	CTL_SEND_FILE = 103,
	CTL_CREATED = 104,
	CTL_LIST_PAGE = 105,
	CTL_DEVICE = 106,
	CTL_RESIZED = 107,
};

/* States of a connection, seen from vdused: what the client may send now. */
#define CTL_S_IDLE 0x1U /* any request */
#define CTL_S_FILE 0x2U /* CTL_SEND_FILE was sent: only CTL_FILE */

/* Flags of a device (create, list, show). */
#define CTL_F_READ_ONLY 0x1U
#define CTL_F_DIRECT 0x2U
#define CTL_F_PROBE 0x4U /* let the host's udev look for file systems and volumes on it */
/* a request that the backing file fails is not completed: it waits for CTL_RESUME */
#define CTL_F_STOP 0x8U
#define CTL_F_ALL (CTL_F_READ_ONLY | CTL_F_DIRECT | CTL_F_PROBE | CTL_F_STOP)

enum ctl_bus { /* what the device becomes */
	       CTL_BUS_VIRTIO = 0, /* a disk of this host: /dev/vdX */
	       /* for a virtual machine: /dev/vhost-vdpa-N, owned by the caller */
	       CTL_BUS_VHOST = 1,
	       CTL_BUS_LAST = CTL_BUS_VHOST,
};

/* Flags of delete. */
#define CTL_DELETE_FORCE 0x1U

enum ctl_state { /* of a device */
		 CTL_DEV_CREATING = 1,
		 CTL_DEV_LIVE = 2,
		 CTL_DEV_RECOVERING = 3, /* its worker died, a new one is being started */
		 CTL_DEV_FAILED = 4, /* no worker, and none will be started by itself */
		 CTL_DEV_DELETING = 5,
		 /* CTL_F_STOP: a request failed, and waits for CTL_RESUME; see ctl_info.halted */
		 CTL_DEV_STOPPED = 6,
		 CTL_DEV_LAST = CTL_DEV_STOPPED,
};

/* CTL_VERSION, CTL_FILE (with 1 fd), CTL_OK, CTL_SEND_FILE: a header and nothing else. */
struct ctl_plain {
	struct msg_hdr hdr;
};

struct ctl_create {
	struct msg_hdr hdr;
	char name[VD_NAME_SIZE];
	char serial[VD_SERIAL_SIZE]; /* "" = none given: vdused derives one from the name */
	uint32_t flags; /* CTL_F_* */
	uint32_t queues; /* 0 = default */
	uint32_t queue_size; /* 0 = default; a power of two */
	uint32_t block_size; /* 0 = default; 512 or 4096 */
	uint32_t bus; /* enum ctl_bus */
	uint32_t reserved[3];
};

struct ctl_list {
	struct msg_hdr hdr;
	char after[VD_NAME_SIZE]; /* "" = from the start; else names that sort behind this one */
};

/* CTL_SHOW, CTL_DELETE, CTL_RECOVER, CTL_UPGRADE, CTL_RESUME */
struct ctl_name {
	struct msg_hdr hdr;
	char name[VD_NAME_SIZE];
	uint32_t flags; /* CTL_DELETE: CTL_DELETE_*; the others: 0 */
	uint32_t reserved;
};

struct ctl_resize {
	struct msg_hdr hdr;
	char name[VD_NAME_SIZE];
	uint64_t size; /* bytes to grow the backing file to; 0 = take the size that it has */
};

#define CTL_STEP_CONNECT "connect" /* the step that one connection too many fails at */

struct ctl_error {
	struct msg_hdr hdr;
	uint32_t code; /* enum ctl_code */
	uint32_t reserved;
	char step[VD_STEP_SIZE]; /* the step that failed, "" where there are no steps */
	char text[VD_TEXT_SIZE]; /* reason and remedy, one line, printable */
};

struct ctl_version_is {
	struct msg_hdr hdr;
	char version[VD_NODE_SIZE];
	uint32_t pid;
	uint32_t devices;
};

struct ctl_created {
	struct msg_hdr hdr;
	char node[VD_NODE_SIZE];
};

struct ctl_resized {
	struct msg_hdr hdr;
	uint64_t size; /* bytes, the device's from now on */
};

/*
 * Everything known of one device. Counters are the worker's word: they may lie, but only about
 * itself.
 */
struct ctl_info {
	char name[VD_NAME_SIZE];
	char node[VD_NODE_SIZE]; /* "" until it has one */
	char serial[VD_SERIAL_SIZE];
	char file[VD_FILE_SIZE];
	char step[VD_STEP_SIZE]; /* what is going on, "" when nothing */
	uint64_t capacity; /* bytes */
	uint64_t created; /* seconds since 1970 */
	uint64_t reads, read_bytes;
	uint64_t writes, write_bytes;
	uint64_t flushes, discards, write_zeroes;
	uint64_t errors; /* requests answered with an error */
	uint64_t features; /* virtio features the driver negotiated */
	uint32_t state; /* enum ctl_state */
	uint32_t flags; /* CTL_F_* */
	uint32_t queues, queue_size, block_size;
	uint32_t worker_pid; /* 0 = none */
	uint32_t worker_uid;
	uint32_t worker_restarts;
	uint32_t owner_uid;
	uint32_t driver_status; /* virtio device status byte */
	uint32_t bus; /* enum ctl_bus */
	uint32_t halted; /* CTL_DEV_STOPPED: the errno of the request that waits; else 0 */
	uint32_t io; /* enum io_how */
	uint32_t io_error; /* the errno for which not all queues do more at once, or 0 */
};

#define CTL_PAGE 16U

struct ctl_list_page {
	struct msg_hdr hdr;
	uint32_t count; /* 0..CTL_PAGE entries are valid, sorted by name; the others are zero */
	uint32_t more; /* 1 = ask again with after = the last name */
	struct ctl_info entry[CTL_PAGE];
};

struct ctl_device {
	struct msg_hdr hdr;
	struct ctl_info info;
};

/* The largest message of the channel: size of a receive buffer. */
union ctl_any {
	struct msg_hdr hdr;
	struct ctl_create create;
	struct ctl_list list;
	struct ctl_name name;
	struct ctl_error error;
	struct ctl_version_is version_is;
	struct ctl_created created;
	struct ctl_list_page page;
	struct ctl_device device;
	struct ctl_resize resize;
	struct ctl_resized resized;
};

/* The largest request: what vdused makes room for. */
union ctl_request {
	struct msg_hdr hdr;
	struct ctl_create create;
	struct ctl_list list;
	struct ctl_name name;
	struct ctl_resize resize;
};

/* What vdused accepts from a client, and what a client accepts from vdused (state CTL_S_IDLE). */
extern const struct msg_rule ctl_requests[];
extern const size_t ctl_request_rows;
extern const struct msg_rule ctl_answers[];
extern const size_t ctl_answer_rows;

/* Words for enum ctl_state ("live"), "unknown" for anything else. */
const char *ctl_state_text(uint32_t state);

#endif

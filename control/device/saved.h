/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/saved.h - what must outlive vdused about a device: one file DIR/device/NAME of
 * root's alone, on /run. The main process writes it whole, by rename, before each step whose
 * effect would otherwise be forgotten, and after each that is done; the next vdused reads it
 * (control/ops/adopt.c). So what it says may be there or may have been begun, and undoing what was
 * not even begun must be harmless. The file is root's own word, but a torn or foreign one must not
 * be believed: it has a magic number, a version and a size, and every field is checked. A later
 * version only has more fields at its end, so the next vdused reads what those before it wrote;
 * what they did not know is zero.
 */
#ifndef CONTROL_DEVICE_SAVED_H
#define CONTROL_DEVICE_SAVED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control/steps/backing_id.h"
#include "control/sys/owner.h"
#include "proto/limits.h"

struct device;
struct service;

#define RECORD_MAGIC 0x3143455244534456ULL /* "VDSDREC1" */
#define RECORD_VERSION 2U
#define RECORD_V1_SIZE offsetof(struct record, diskseq)

/* Flags. */
#define RECORD_KERNEL_DEV 0x1U
#define RECORD_ATTACHED 0x2U
#define RECORD_FAIL_MODE 0x4U
#define RECORD_BROKEN 0x8U
#define RECORD_FORCE 0x10U
#define RECORD_TIMEOUT_SHORT 0x20U
#define RECORD_ALL 0x3fU

struct saved_file { /* as in struct backing_info, in the layout of version 1 */
	uint64_t dev, ino, rdev, size, born;
	uint32_t is_block;
	uint32_t on_tmpfs; /* was reserved: 0 is what an earlier vdused wrote */
	char path[VD_FILE_SIZE];
};

struct record {
	uint64_t magic;
	uint32_t version, size;
	char name[VD_NAME_SIZE];
	char serial[VD_SERIAL_SIZE];
	char node[VD_NODE_SIZE];
	char tenant[VD_NAME_SIZE];
	uint32_t flags, queues, queue_size, block_size, bus; /* as in struct device */
	uint32_t state; /* enum ctl_state: CREATING, LIVE, FAILED or DELETING */
	uint32_t has; /* RECORD_* */
	uint32_t worker_uid, restarts, generation;
	int32_t worker_pid; /* 0 = none */
	uint32_t state_version; /* STATE_VERSION of the one who made the state file */
	uint64_t worker_start; /* proc_start_time() */
	uint64_t created, bounce_size;
	struct owner owner;
	struct saved_file backing;
	/* where the backing file was when the device was made, "" = cannot be named */
	char path[PATH_MAX];
	/* since version 2 */
	uint64_t diskseq, start; /* as in struct backing_info */
	struct blk_unmap unmap;
	/* with RECORD_TIMEOUT_SHORT: seconds, before control/watch/unkillable.c */
	uint32_t msg_timeout;
	uint32_t reserved;
};

/*
 * Write d's record, with the path that its file has now; called again and again. A failure is
 * logged (the one before stays) and returned: only a create must not go on without.
 */
int saved_write(struct device *d);

/*
 * Note where the backing file is now. One that was deleted, or has too long a path by now, keeps
 * the place it had: what is put there later takes its place. So does one
 * whose mount is gone; a file that was moved to where its path is the end of
 * what it was cannot be told from that.
 */
void saved_note_path(struct device *d);

/* Remove it; one that is not there is fine. */
void saved_remove(const struct device *d);

/* NULL, or why r cannot be the record in the file name. Pure. */
const char *saved_check(const struct record *r, size_t size, const char *name);

/* Fill a new device record from r, which was checked. */
void saved_apply(const struct record *r, struct device *d);

/*
 * Read every record of DIR/device in order of name and give each good one to take, with ctx; others
 * are logged and left where they are. 0 or a negative errno when the directory cannot be read.
 */
int saved_load(struct service *svc, void (*take)(struct service *svc, const struct record *r));

#endif

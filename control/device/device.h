/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/device.h - the record of one device, and the list of all. Main process only. Its
 * life is in control/device/state.h.
 */
#ifndef CONTROL_DEVICE_DEVICE_H
#define CONTROL_DEVICE_DEVICE_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "common/err.h"
#include "control/config/config.h"
#include "control/config/options.h"
#include "control/device/operation.h"
#include "control/device/state.h"
#include "control/device/uid_pool.h"
#include "control/steps/backing_id.h"
#include "control/supervise/worker.h"
#include "control/sys/cgroup.h"
#include "control/sys/owner.h"
#include "proto/ctl_msg.h"

struct client;
struct device;

/*
 * By who writes what: the files that a section names, once device_new() has made it and, in the
 * next vdused, saved_apply() and adopt have filled it. Everybody may read.
 */
struct device {
	/* ---- control/device/device.c: who it is ---- */
	TAILQ_ENTRY(device) link; /* sorted by name */
	struct service *svc;
	uint64_t id; /* no other has it, not even one of the same name later */
	char name[VD_NAME_SIZE];
	uint64_t created; /* seconds since 1970 */
	void *state_map; /* reclaim_keep() of the state file, NULL = not held */
	char backing_path[PATH_MAX]; /* where its file was last, as the kernel names it: saved.c */

	/* ---- control/server/requests.c, once: what was asked for ---- */
	char serial[VD_SERIAL_SIZE];
	uint32_t flags; /* CTL_F_* */
	uint32_t queues, queue_size, block_size;
	uint32_t bus; /* enum ctl_bus */
	struct owner owner;
	/* whose it is and whose limits it counts against, "" = nobody's */
	char tenant[VD_NAME_SIZE];
	uint64_t bounce_size; /* bytes of bounce memory that it can take */

	/* ---- control/device/state.c, operation.c ---- */
	enum device_state state; /* device_move() alone */
	char step[VD_STEP_SIZE]; /* what goes on now, for `list` and for errors; "" = nothing */
	struct op_run op; /* what is being done to it */

	/* ---- control/ops: what there is of it; one operation at a time ---- */
	struct backing_info backing;
	/*
	 * O_PATH of the backing file, -1 = none: in fail mode, which must not keep a file system
	 * busy
	 */
	int path_fd;
	bool has_kernel_dev; /* VDUSE_CREATE_DEV was done, or may have been */
	bool attached; /* VDPA_CMD_DEV_NEW was done, or may have been */
	bool autoprobe_is_off;
	int client_fd; /* create: the connection that the file comes over */
	char node[VD_NODE_SIZE]; /* "" until there is one */
	uint32_t worker_uid; /* also its gid; the device's for all generations; 0 = none */

	/* ---- control/watch/respawn.c, and operations that see or mend it: how it fares ---- */
	/* the kernel gave it up: no worker can help, everything ends in errors by itself */
	bool broken;
	/* its workers complete every request with an I/O error, and have no backing file */
	bool fail_mode;

	/* ---- control/ops/delete.c ---- */
	bool force; /* delete --force, or the way back of a create */
	struct {
		bool cut; /* one was killed: a vhost node may be root's that is its owner's */
		bool beside_spawn; /* somebody's worker was being spawned when the last one began */
		long long again_until; /* what was busy because of that is looked at again */
		long long io_since; /* it is being removed, and waits for I/O; 0 = not yet */
	} detach;

	/* ---- control/ops/resize.c ---- */
	struct {
		uint64_t to; /* size that was asked for, bytes, 0 = what the file has */
		uint64_t from; /* size before, 0 = not changed yet */
		pid_t worker; /* whose limit was raised */
	} resize;

	/* ---- control/device/equip.c, control/ops/upgrade.c: its workers ---- */
	struct worker slot[2];
	struct worker *worker; /* the one that serves, or will */
	struct worker *next; /* the one that takes over in an upgrade, NULL = none is under way */
	uint32_t generation; /* of the last worker that was started */

	/* ---- control/ops/adopt.c ---- */
	bool adopting; /* part of a respawn: what an earlier vdused left is being looked at */
	struct {
		pid_t pid;
		uint64_t start;
		int pidfd; /* -1 = it has ended, or never was */
		bool gone; /* the kernel has no such device */
		bool again; /* nothing could be found out before its end: look again then */
		struct err why; /* why it was not adopted */
	} left; /* the worker that an earlier vdused left, while adopting */

	/* ---- control/server/client.c ---- */
	struct client *client; /* who waits for the operation, NULL = nobody (any more) */

	/* ---- control/watch/respawn.c ---- */
	struct {
		bool active;
		unsigned tries; /* since the last quiet period */
		bool start_failed; /* the last try did not even start */
		/* tries in a row that failed as this host is short of something; not in tries */
		unsigned short_of;
		/* seconds that it has waited for its cgroup to be thawed; the log says so */
		unsigned frozen;
		/* since when it waits for I/O of the last worker, 0 = not; the log says so */
		long long io_since;
		bool io_said;
		long long last_ms;
		struct event *timer;
	} respawn;
	uint32_t restarts;

	/* ---- control/watch/unkillable.c, and each hand-over, which sets it back ---- */
	/* the kernel's message timeout is short, or about to be; it was msg_timeout seconds */
	bool timeout_short;
	uint32_t msg_timeout;

	/* ---- control/watch/bind_watch.c ---- */
	struct {
		struct helper *helper; /* bind or detach, while it runs */
		struct event *timer;
		unsigned count; /* how often the step that runs was helped along */
	} bind_watch;

	/* ---- control/watch/netlink_watch.c ---- */
	struct {
		long long suspected_ms; /* when its worker was last replaced, 0 = never */
	} netlink_watch;
};

TAILQ_HEAD(device_list, device);

struct service { /* what the main process knows */
	struct event_base *base;
	const struct options *opt;
	const struct config *config; /* the one that holds now; changes at SIGHUP */
	struct device_list devices;
	unsigned ndevices;
	struct uids uids;
	struct cgroup_limits limits; /* of each worker */
	/* a device's worker served and ended: control/watch/respawn.c */
	void (*worker_died)(struct device *d, const struct err *why);
	bool stopping;
};

/*
 * A new record in state DEV_CREATING in the list, or NULL without memory. name must not be in the
 * list.
 */
struct device *device_new(struct service *svc, const char *name);

/* Remove from the list and free. The worker must be gone, the kernel's device too. */
void device_free(struct device *d);

struct device *device_find(struct service *svc, const char *name);

/* First device whose name sorts behind after; "" = the first of all. */
struct device *device_after(struct service *svc, const char *after);

/*
 * Another device on the same file or disk that excludes this use, be it in fail mode where that is
 * known for sure, or NULL.
 */
struct device *device_conflict(struct device *d);

/* Note where the backing file is, and let go of it. */
void device_drop_file(struct device *d);

/* Its next worker is one in fail mode, and nobody here holds its backing file any more. */
void device_fail_mode(struct device *d);

/* Everything `show` prints; reads the counters out of the state file. */
void device_info(const struct device *d, struct ctl_info *info);

/*
 * Everything that the virtio features and the configuration space are made of: the same for all of
 * its workers.
 */
void device_blk_params(const struct device *d, struct blk_params *p);

/* Path of the state file into buf[PATH_MAX]. */
void device_state_path(const struct device *d, char *buf);

/*
 * With CTL_F_PROBE: leave the mark DIR/probe/NAME, which the shipped udev rule looks for. Removed
 * by device_free().
 */
int device_mark_probe(const struct device *d, struct err *e);

/*
 * Keep the state file in memory from now on, lest the next worker waits for swap space that is on
 * its own disk.
 */
void device_keep_state(struct device *d);

/* Make a fresh state file, kept in memory, full size allocated for the device's queues. */
int device_state_create(struct device *d, struct err *e);

#endif

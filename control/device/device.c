/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/device.c - see device.h. Runs in vdused's main process. The state file is the
 * worker's: what is read from it is only shown.
 */
#include "control/device/device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/device/equip.h"
#include "control/device/saved.h"
#include "control/helper/close_elsewhere.h"
#include "control/sys/reclaim.h"
#include "proto/io_how.h"
#include "proto/state_file.h"

struct device *device_new(struct service *svc, const char *name)
{
	struct device *d = calloc(1, sizeof(*d)), *next;
	static uint64_t last;

	if (!d)
		return NULL;
	d->svc = svc;
	d->id = ++last;
	d->path_fd = -1;
	d->left.pidfd = -1;
	d->state = DEV_CREATING;
	d->created = (uint64_t)time(NULL);
	msg_set_string(d->name, sizeof(d->name), name);
	worker_init(&d->slot[0], d, &equip_events);
	worker_init(&d->slot[1], d, &equip_events);
	d->worker = &d->slot[0];
	next = device_after(svc, name);
	if (next)
		TAILQ_INSERT_BEFORE(next, d, link);
	else
		TAILQ_INSERT_TAIL(&svc->devices, d, link);
	svc->ndevices++;
	return d;
}

static void probe_path(const struct device *d, char *buf)
{
	(void)snprintf(buf, PATH_MAX, "%s/probe/%s", d->svc->opt->runtime_dir, d->name);
}

static size_t state_used(const struct device *d)
{
	return offsetof(struct state_file, queue) + d->queues * sizeof(struct state_queue);
}

void device_free(struct device *d)
{
	char path[PATH_MAX];

	TAILQ_REMOVE(&d->svc->devices, d, link);
	d->svc->ndevices--;
	if (d->worker_uid)
		uid_pool_give_back(&d->svc->uids, d->worker_uid);
	if (d->respawn.timer)
		event_free(d->respawn.timer);
	if (d->bind_watch.timer)
		event_free(d->bind_watch.timer);
	op_drop(d);
	device_state_path(d, path);
	(void)unlink(path);
	probe_path(d, path);
	(void)unlink(path);
	saved_remove(d);
	cgroup_remove(d->name);
	reclaim_let_go(&d->state_map, state_used(d));
	/* it may be the last of a file without a name */
	close_elsewhere(d->svc->base, &d->path_fd, d->owner.uid);
	free(d);
}

struct device *device_find(struct service *svc, const char *name)
{
	struct device *d;

	TAILQ_FOREACH(d, &svc->devices, link)
		if (strcmp(d->name, name) == 0)
			return d;
	return NULL;
}

struct device *device_after(struct service *svc, const char *after)
{
	struct device *d;

	TAILQ_FOREACH(d, &svc->devices, link)
		if (strcmp(d->name, after) > 0)
			return d;
	return NULL;
}

/*
 * What a device holds is not another's, nor what one holds that an earlier vdused left and that is
 * being looked at. What it let go of, in fail mode, may be by now, where only a number is known of
 * it: then recover sees to it that no two devices have the same.
 */
static bool may_have_lost_it(const struct device *d)
{
	return d->path_fd < 0 && !d->adopting && (d->backing.is_block ? d->backing.diskseq == 0 : d->backing.born == 0);
}

struct device *device_conflict(struct device *d)
{
	struct device *o;

	TAILQ_FOREACH(o, &d->svc->devices, link) {
		if (o == d || may_have_lost_it(o) || !backing_same(&o->backing, &d->backing))
			continue;
		if (o->backing.is_block || !(o->flags & d->flags & CTL_F_READ_ONLY))
			return o;
	}
	return NULL;
}

void device_drop_file(struct device *d)
{
	saved_note_path(d);
	/* it may be the last of a file without a name */
	close_elsewhere(d->svc->base, &d->path_fd, d->owner.uid);
}

void device_fail_mode(struct device *d)
{
	d->fail_mode = true;
	device_drop_file(d);
}

void device_state_path(const struct device *d, char *buf)
{
	(void)snprintf(buf, PATH_MAX, "%s/state/%s", d->svc->opt->runtime_dir, d->name);
}

void device_keep_state(struct device *d)
{
	char path[PATH_MAX];

	device_state_path(d, path);
	reclaim_let_go(&d->state_map, state_used(d));
	d->state_map = reclaim_keep(path, state_used(d));
}

int device_state_create(struct device *d, struct err *e)
{
	char path[PATH_MAX];
	int fd, rc = 0;

	device_state_path(d, path);
	(void)unlink(path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_str(-errno));
	if (fallocate(fd, 0, 0, (off_t)state_used(d)) != 0 || ftruncate(fd, sizeof(struct state_file)) != 0)
		rc = err_set(e, -EIO, "%s: %s: make room on that file system", path, err_str(-errno));
	fd_close(&fd);
	if (rc < 0)
		(void)unlink(path);
	else
		device_keep_state(d);
	return rc;
}

int device_mark_probe(const struct device *d, struct err *e)
{
	char path[PATH_MAX];
	int fd;

	probe_path(d, path);
	(void)unlink(path);
	if (!(d->flags & CTL_F_PROBE))
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_str(-errno));
	fd_close(&fd);
	return 0;
}

/* Of an earlier generation, or none that there is: nothing is known. */
static void take_io(const struct device *d, const struct state_io *io, struct ctl_info *info)
{
	if (d->worker->pid <= 0 || io->generation != d->worker->generation || io->how > IO_HOW_LAST)
		return;
	info->io = io->how;
	info->io_error = io->error < 0 && io->error >= -4095 ? (uint32_t)-io->error : 0;
}

/* One small pread for the header and one per queue: no mapping that the worker could make fault. */
static void read_counters(const struct device *d, struct ctl_info *info)
{
	struct state_counters c[VD_QUEUES_MAX] = { 0 }, sum;
	uint32_t status = 0;
	uint64_t features = 0;
	struct state_io io = { 0 };
	char path[PATH_MAX];
	int fd;

	device_state_path(d, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	if (pread(fd, &status, sizeof(status), offsetof(struct state_file, driver_status)) != sizeof(status) ||
	    pread(fd, &features, sizeof(features), offsetof(struct state_file, features)) != sizeof(features))
		status = 0;
	if (pread(fd, &io, sizeof(io), offsetof(struct state_file, io)) == sizeof(io))
		take_io(d, &io, info);
	for (uint32_t i = 0; i < d->queues && i < VD_QUEUES_MAX; i++) {
		size_t at = offsetof(struct state_file, queue) + i * sizeof(struct state_queue) +
			    offsetof(struct state_queue, counters);

		if (pread(fd, &c[i], sizeof(c[i]), (off_t)at) != (ssize_t)sizeof(c[i]))
			break;
	}
	fd_close(&fd);
	state_sum_counters(c, d->queues, &sum);
	info->reads = sum.reads;
	info->read_bytes = sum.read_bytes;
	info->writes = sum.writes;
	info->write_bytes = sum.write_bytes;
	info->flushes = sum.flushes;
	info->discards = sum.discards;
	info->write_zeroes = sum.write_zeroes;
	info->errors = sum.errors;
	info->driver_status = status & 0xff;
	info->features = features;
}

void device_info(const struct device *d, struct ctl_info *info)
{
	const char *step;

	memset(info, 0, sizeof(*info));
	info->state = device_shown(d, &step);
	msg_set_string(info->step, sizeof(info->step), step);
	memcpy(info->name, d->name, sizeof(info->name));
	memcpy(info->node, d->node, sizeof(info->node));
	memcpy(info->serial, d->serial, sizeof(info->serial));
	msg_set_string(info->file, sizeof(info->file), d->backing.path);
	info->capacity = d->backing.size;
	info->created = d->created;
	info->halted = info->state == CTL_DEV_STOPPED ? (uint32_t)-d->worker->halted : 0;
	info->flags = d->flags;
	info->queues = d->queues;
	info->queue_size = d->queue_size;
	info->block_size = d->block_size;
	info->bus = d->bus;
	info->worker_pid = d->worker->pid > 0 ? (uint32_t)d->worker->pid : 0;
	info->worker_uid = d->worker_uid;
	info->worker_restarts = d->restarts;
	info->owner_uid = d->owner.uid;
	read_counters(d, info);
}

void device_blk_params(const struct device *d, struct blk_params *p)
{
	*p = (struct blk_params){
		.capacity = d->backing.size,
		.queues = d->queues,
		.queue_size = d->queue_size,
		.block_size = d->block_size,
		.read_only = d->flags & CTL_F_READ_ONLY,
		.unmap = d->backing.unmap,
	};
}

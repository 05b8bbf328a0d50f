/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/plan.c - see plan.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/plan.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/ctl/owner.h"

static void differs(struct plan *p, const char *setting, const char *is, const char *wanted)
{
	struct difference *d = &p->differ[p->n++];

	d->setting = setting;
	d->is = is;
	d->wanted = wanted;
}

static void compare_number(struct plan *p, const char *setting, uint32_t is, uint32_t wanted)
{
	struct difference *d = &p->differ[p->n];

	if (is == wanted)
		return;
	(void)snprintf(d->number[0], sizeof(d->number[0]), "%" PRIu32, is);
	(void)snprintf(d->number[1], sizeof(d->number[1]), "%" PRIu32, wanted);
	differs(p, setting, d->number[0], d->number[1]);
}

static void compare_switch(struct plan *p, const char *setting, bool is, bool wanted, const char *const words[2])
{
	if (is != wanted)
		differs(p, setting, words[is], words[wanted]);
}

/* By another name, perhaps, as vdused says what the kernel calls it. */
static bool same_file(const char *one, const char *other)
{
	struct stat a, b;

	if (strncmp(one, other, VD_FILE_SIZE - 1) == 0)
		return true;
	if (stat(one, &a) != 0 || stat(other, &b) != 0)
		return false;
	if (S_ISBLK(a.st_mode) && S_ISBLK(b.st_mode))
		return a.st_rdev == b.st_rdev;
	return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static void compare(struct plan *p, const struct device_file *f, const struct ctl_info *now)
{
	static const char *const boolean[] = { "false", "true" }, *const bus[] = { "virtio", "vhost" },
				 *const on_error[] = { "report", "stop" };

	if (!same_file(now->file, f->path))
		differs(p, "file", now->file, f->path);
	compare_switch(p, "bus", now->bus == CTL_BUS_VHOST, f->bus == CTL_BUS_VHOST, bus);
	compare_number(p, "owner", now->owner_uid, f->owner);
	compare_switch(p, "read-only", now->flags & CTL_F_READ_ONLY, f->read_only, boolean);
	compare_switch(p, "direct", now->flags & CTL_F_DIRECT, f->direct, boolean);
	compare_switch(p, "probe", now->flags & CTL_F_PROBE, f->probe, boolean);
	compare_switch(p, "on-error", now->flags & CTL_F_STOP, f->stop, on_error);
	if (f->serial[0] && strcmp(now->serial, f->serial) != 0)
		differs(p, "serial", now->serial, f->serial);
	if (f->queues)
		compare_number(p, "queues", now->queues, f->queues);
	if (f->queue_size)
		compare_number(p, "queue-size", now->queue_size, f->queue_size);
	if (f->block_size)
		compare_number(p, "block-size", now->block_size, f->block_size);
}

/* 0 where the owner cannot tell: the device is there, and goes on. */
static uint64_t size_of(const struct device_file *f)
{
	struct err e = { 0 };
	off_t size = 0;
	int fd;

	if (owner_become(f->owner, &e) < 0)
		return 0;
	fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		size = lseek(fd, 0, SEEK_END);
	fd_close(&fd);
	owner_back();
	return size > 0 ? (uint64_t)size : 0;
}

void plan_make(struct plan *p, const struct device_file *f, const struct ctl_info *now)
{
	memset(p, 0, sizeof(*p));
	p->action = PLAN_CREATE;
	if (!now)
		return;
	p->now = *now;
	compare(p, f, &p->now);
	p->action = p->n ? PLAN_CONFLICT : PLAN_NONE;
	if (p->n || now->block_size == 0)
		return;
	p->size = size_of(f) / now->block_size * now->block_size;
	if (p->size > now->capacity)
		p->action = PLAN_RESIZE;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/plan.c - see plan.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/plan.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "control/ctl/owner.h"
#include "control/ctl/path.h"

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

/* The file as its owner sees it. */
static bool look(const struct device_file *f, struct stat *st)
{
	struct err e = { 0 };
	bool seen;

	if (owner_become(f->owner, &e) < 0)
		return false;
	seen = path_look(f->path, !device_file_is_node(f->path), st) == 0;
	owner_back();
	return seen;
}

/* vdused says what the kernel calls it, made printable; a disk may have many names. */
static bool same_file(const struct device_file *f, const char *now)
{
	char path[VD_FILE_SIZE];
	struct stat a, b;

	msg_set_string(path, sizeof(path), f->path);
	err_printable(path);
	if (strcmp(path, now) == 0)
		return true;
	return strncmp(now, "/dev/", 5) == 0 && look(f, &a) && S_ISBLK(a.st_mode) && stat(now, &b) == 0 &&
	       S_ISBLK(b.st_mode) && a.st_rdev == b.st_rdev;
}

static void compare(struct plan *p, const struct device_file *f, const struct ctl_info *now)
{
	static const char *const boolean[] = { "false", "true" }, *const bus[] = { "virtio", "vhost" },
				 *const on_error[] = { "report", "stop" };

	if (!same_file(f, now->file))
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

/* Bytes of a disk, as the kernel says. */
static uint64_t disk_size(dev_t dev)
{
	unsigned long long sectors = 0;
	char path[64];
	FILE *from;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/size", major(dev), minor(dev));
	from = fopen(path, "re");
	if (!from)
		return 0;
	if (fscanf(from, "%llu", &sectors) != 1 || sectors > VD_CAPACITY_MAX / VD_SECTOR_SIZE)
		sectors = 0;
	(void)fclose(from);
	return sectors * VD_SECTOR_SIZE;
}

/* 0 where the owner cannot tell: the device is there, and goes on. */
static uint64_t size_of(const struct device_file *f)
{
	struct stat st;

	if (!look(f, &st))
		return 0;
	if (S_ISREG(st.st_mode))
		return (uint64_t)st.st_size;
	return S_ISBLK(st.st_mode) ? disk_size(st.st_rdev) : 0;
}

void plan_make(struct plan *p, const struct device_file *f, const struct ctl_info *now)
{
	memset(p, 0, sizeof(*p));
	p->action = PLAN_CREATE;
	if (!now)
		return;
	p->now = *now;
	p->action = PLAN_LATER;
	if (now->state == CTL_DEV_CREATING || now->state == CTL_DEV_DELETING)
		return;
	compare(p, f, &p->now);
	p->action = p->n ? PLAN_CONFLICT : PLAN_NONE;
	if (p->n || now->block_size == 0)
		return;
	p->size = size_of(f);
	/* no device can have another size, and somebody may be in the middle of growing the file */
	if (p->size > now->capacity && p->size % now->block_size == 0)
		p->action = PLAN_RESIZE;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/saved.c - see saved.h. Runs in vdused's main process.
 */
#include "control/device/saved.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/device.h"
#include "proto/name.h"
#include "proto/state_file.h"

static void saved_path(const struct device *d, const char *suffix, char *buf)
{
	(void)snprintf(buf, PATH_MAX, "%s/device/%s%s", d->svc->opt->runtime_dir, d->name, suffix);
}

static bool is_deleted(const char *path, size_t len)
{
	static const char mark[] = " (deleted)";

	return len >= strlen(mark) && memcmp(path + len - strlen(mark), mark, strlen(mark)) == 0;
}

/*
 * What the kernel says of a file whose mount was taken out of the tree ("umount -l") begins at that
 * mount. The file is where it was as soon as that is mounted again.
 */
static bool lacks_its_mount(const char *path, size_t len, const char *old)
{
	size_t had = strlen(old);

	return had > len && (len == 1 || memcmp(old + had - len, path, len) == 0);
}

/* An O_PATH descriptor's name is the kernel's own knowledge, no file system is asked. */
void saved_note_path(struct device *d)
{
	char link[40], path[PATH_MAX];
	ssize_t n;

	if (d->path_fd < 0)
		return;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", d->path_fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n <= 0 || (d->backing_path[0] && is_deleted(path, (size_t)n)))
		return;
	if (lacks_its_mount(path, (size_t)n, d->backing_path))
		return;
	memset(d->backing_path, 0, sizeof(d->backing_path));
	memcpy(d->backing_path, path, (size_t)n);
}

static void fill_file(const struct device *d, struct record *r)
{
	const struct backing_info *b = &d->backing;

	r->backing = (struct saved_file){ .dev = b->dev,
					  .ino = b->ino,
					  .rdev = b->rdev,
					  .size = b->size,
					  .born = b->born,
					  .is_block = b->is_block,
					  .on_tmpfs = b->on_tmpfs };
	memcpy(r->backing.path, b->path, sizeof(r->backing.path));
	memcpy(r->path, d->backing_path, sizeof(r->path));
	r->diskseq = b->diskseq;
	r->start = b->start;
	r->unmap = b->unmap;
}

static void fill(const struct device *d, struct record *r)
{
	const struct worker *w = d->worker;

	memset(r, 0, sizeof(*r));
	r->magic = RECORD_MAGIC;
	r->version = RECORD_VERSION;
	r->size = sizeof(*r);
	memcpy(r->name, d->name, sizeof(r->name));
	memcpy(r->serial, d->serial, sizeof(r->serial));
	memcpy(r->node, d->node, sizeof(r->node));
	memcpy(r->tenant, d->tenant, sizeof(r->tenant));
	r->flags = d->flags;
	r->queues = d->queues;
	r->queue_size = d->queue_size;
	r->block_size = d->block_size;
	r->bus = d->bus;
	r->state = device_recorded(d);
	r->has = (d->has_kernel_dev ? RECORD_KERNEL_DEV : 0) | (d->attached ? RECORD_ATTACHED : 0) |
		 (d->fail_mode ? RECORD_FAIL_MODE : 0) | (d->broken ? RECORD_BROKEN : 0) |
		 (d->force ? RECORD_FORCE : 0) | (d->timeout_short ? RECORD_TIMEOUT_SHORT : 0);
	r->worker_uid = d->worker_uid;
	r->restarts = d->restarts;
	r->generation = w->generation ? w->generation : d->generation;
	r->worker_pid = (int32_t)(d->adopting ? d->left.pid : w->pid);
	r->worker_start = d->adopting ? d->left.start : w->start_time;
	r->state_version = STATE_VERSION;
	r->created = d->created;
	r->bounce_size = d->bounce_size;
	r->msg_timeout = d->msg_timeout;
	r->owner = d->owner;
	fill_file(d, r);
}

static int write_file(const char *path, const struct record *r)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), rc = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, r, sizeof(*r));
	if (n != (ssize_t)sizeof(*r))
		rc = n < 0 ? -errno : -ENOSPC;
	fd_close(&fd);
	return rc;
}

int saved_write(struct device *d)
{
	static struct record r; /* some KiB: not on the stack */
	char path[PATH_MAX], fresh[PATH_MAX];
	int rc;

	saved_note_path(d);
	fill(d, &r);
	saved_path(d, "", path);
	saved_path(d, "~", fresh); /* no device has such a name */
	rc = write_file(fresh, &r);
	if (rc == 0 && rename(fresh, path) != 0)
		rc = -errno;
	if (rc < 0) {
		(void)unlink(fresh);
		log_error("%s: %s: %s: make room there; a restart of vdused would find an old record", d->name, path,
			  err_str(rc));
	}
	return rc;
}

void saved_remove(const struct device *d)
{
	char path[PATH_MAX];

	saved_path(d, "", path);
	(void)unlink(path);
}

/* ---- the way back ---------------------------------------------------------------------------- */

static bool strings_hold(const struct record *r)
{
	return msg_string(r->name, sizeof(r->name)) && msg_string(r->serial, sizeof(r->serial)) &&
	       msg_string(r->node, sizeof(r->node)) && msg_string(r->tenant, sizeof(r->tenant)) &&
	       msg_string(r->path, sizeof(r->path)) && memchr(r->backing.path, '\0', sizeof(r->backing.path)) != NULL &&
	       serial_valid(r->serial);
}

static bool numbers_hold(const struct record *r)
{
	bool state = r->state == CTL_DEV_CREATING || r->state == CTL_DEV_LIVE || r->state == CTL_DEV_FAILED ||
		     r->state == CTL_DEV_DELETING;

	return state && (r->flags & ~CTL_F_ALL) == 0 && (r->has & ~RECORD_ALL) == 0 && r->bus <= CTL_BUS_LAST &&
	       r->queues >= 1 && r->queues <= VD_QUEUES_MAX && r->queue_size >= VD_QUEUE_SIZE_MIN &&
	       r->queue_size <= VD_QUEUE_SIZE_MAX && (r->queue_size & (r->queue_size - 1)) == 0 &&
	       (r->block_size == 512 || r->block_size == 4096) && r->worker_pid >= 0 &&
	       r->owner.ngroups <= OWNER_GROUPS_MAX && r->backing.size <= VD_CAPACITY_MAX &&
	       (r->generation > 0 || !(r->has & RECORD_ATTACHED));
}

/* What an older version has not got is behind its end, and zero. */
static bool layout_holds(const struct record *r, size_t size)
{
	_Static_assert(RECORD_V1_SIZE == 4904, "the layout of version 1 stays as it was");
	if (r->magic != RECORD_MAGIC || r->size != size)
		return false;
	return (r->version == RECORD_VERSION && size == sizeof(*r)) || (r->version == 1 && size == RECORD_V1_SIZE);
}

const char *saved_check(const struct record *r, size_t size, const char *name)
{
	if (!layout_holds(r, size))
		return "it is of another version of vdused";
	if (r->state_version != STATE_VERSION)
		return "its device has a state file of another version of vdused";
	if (!strings_hold(r) || !name_valid(r->name) || strcmp(r->name, name) != 0)
		return "it is not the record of a device of that name";
	if (!numbers_hold(r))
		return "it has values that no device has";
	return NULL;
}

/* What every device was given before the record said what its file can do. */
static const struct blk_unmap unmap_v1 = { .discard_max = UINT32_MAX, .granularity = 4096, .by_zeroing = 1 };

static void apply_file(const struct record *r, struct backing_info *b)
{
	*b = (struct backing_info){ .dev = r->backing.dev,
				    .ino = r->backing.ino,
				    .rdev = r->backing.rdev,
				    .size = r->backing.size,
				    .born = r->backing.born,
				    .diskseq = r->diskseq,
				    .start = r->start,
				    .is_block = r->backing.is_block,
				    .on_tmpfs = r->backing.on_tmpfs != 0,
				    .unmap = r->unmap };
	if (r->version == 1)
		b->unmap = unmap_v1;
	memcpy(b->path, r->backing.path, sizeof(b->path));
}

void saved_apply(const struct record *r, struct device *d)
{
	memcpy(d->serial, r->serial, sizeof(d->serial));
	memcpy(d->node, r->node, sizeof(d->node));
	memcpy(d->tenant, r->tenant, sizeof(d->tenant));
	d->flags = r->flags;
	d->queues = r->queues;
	d->queue_size = r->queue_size;
	d->block_size = r->block_size;
	d->bus = r->bus;
	d->has_kernel_dev = r->has & RECORD_KERNEL_DEV;
	d->attached = r->has & RECORD_ATTACHED;
	d->fail_mode = r->has & RECORD_FAIL_MODE;
	d->broken = r->has & RECORD_BROKEN;
	d->force = r->has & RECORD_FORCE;
	d->detach.cut = r->state == CTL_DEV_DELETING;
	d->worker_uid = r->worker_uid;
	d->restarts = r->restarts;
	d->generation = r->generation;
	d->created = r->created;
	d->bounce_size = r->bounce_size;
	d->timeout_short = r->has & RECORD_TIMEOUT_SHORT;
	d->msg_timeout = r->msg_timeout;
	d->owner = r->owner;
	apply_file(r, &d->backing);
	memcpy(d->backing_path, r->path, sizeof(d->backing_path));
	device_set_recorded(d, (enum ctl_state)r->state);
}

static void load_one(struct service *svc, int dir, const char *name,
		     void (*take)(struct service *svc, const struct record *r))
{
	static struct record r;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	const char *why;
	ssize_t n;

	memset(&r, 0, sizeof(r));
	n = fd >= 0 ? read(fd, &r, sizeof(r)) : -1;
	why = n < 0 ? err_str(-errno) : saved_check(&r, (size_t)n, name);
	fd_close(&fd);
	if (why) {
		log_error(
			"%s/device/%s: %s: the device is left as it is, and not managed; with the vdused that made it, "
			"\"vduse-ctl delete %s\" removes it",
			svc->opt->runtime_dir, name, why, name);
		return;
	}
	take(svc, &r);
}

static int not_hidden(const struct dirent *de)
{
	size_t len = strlen(de->d_name);

	return de->d_name[0] != '.' && de->d_name[len - 1] != '~';
}

int saved_load(struct service *svc, void (*take)(struct service *svc, const struct record *r))
{
	struct dirent **list = NULL;
	char path[PATH_MAX];
	int dir, n;

	(void)snprintf(path, sizeof(path), "%s/device", svc->opt->runtime_dir);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return -errno;
	n = scandirat(dir, ".", &list, not_hidden, alphasort);
	for (int i = 0; i < n; i++) {
		load_one(svc, dir, list[i]->d_name, take);
		free(list[i]);
	}
	free(list);
	fd_close(&dir);
	return n < 0 ? -ENOMEM : 0;
}

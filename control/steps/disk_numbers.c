/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/disk_numbers.c - see disk_numbers.h. Reads sysfs; opens loop devices to ask the
 * kernel what they sit on, without reading a byte of them.
 */
#include "control/steps/disk_numbers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/fd.h"

bool disk_numbers_have(const struct disk_numbers *d, dev_t number)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->dev[i] == number)
			return true;
	return false;
}

static void add_number(struct disk_numbers *d, dev_t number)
{
	if (d->n < DISK_NUMBERS_MAX && !disk_numbers_have(d, number))
		d->dev[d->n++] = number;
}

/* A disk and its partitions, whose directories sysfs has below the disk's. */
static void add_disk(struct disk_numbers *d, dev_t disk)
{
	char path[64], leaf[300], text[32];
	unsigned maj, min;
	struct dirent *de;
	DIR *dir;

	add_number(d, disk);
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(disk), minor(disk));
	dir = opendir(path);
	while (dir && (de = readdir(dir))) {
		(void)snprintf(leaf, sizeof(leaf), "%s/dev", de->d_name);
		if (de->d_name[0] != '.' && file_read(dirfd(dir), leaf, text, sizeof(text)) > 0 &&
		    sscanf(text, "%u:%u", &maj, &min) == 2)
			add_number(d, makedev(maj, min));
	}
	if (dir)
		(void)closedir(dir);
}

/* What no file system has to be asked for: 0, or a negative errno. */
static int known_of(const char *path, struct statx *st)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW, .resolve = RESOLVE_CACHED };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)), rc;

	if (fd < 0)
		return -errno;
	rc = statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, st) == 0 ? 0 : -errno;
	fd_close(&fd);
	return rc;
}

/* Its directory is on a disk: no server is asked. */
static bool lies_on_disk(const char *file)
{
	char dir[PATH_MAX];
	struct statx st;
	size_t n = (size_t)(strrchr(file, '/') - file);

	memcpy(dir, file, n);
	dir[n] = '\0';
	return n == 0 || (known_of(dir, &st) == 0 && st.stx_dev_major != 0);
}

/*
 * The kernel tells what a loop device sits on, but asks the file system of its file first, and the
 * server of a network file system may be dead: then all deletes would wait. So it is asked only
 * where the file may be a device: not where it is known to be of another kind, nor where only a
 * server would know.
 */
static bool may_sit_on_disk(const char *file)
{
	struct statx st;

	if (file[0] != '/')
		return false;
	if (known_of(file, &st) == 0)
		return S_ISBLK(st.stx_mode);
	/* removed, or in another mount namespace */
	return strncmp(file, "/dev/", 5) == 0 || lies_on_disk(file);
}

static bool loop_is_on(const struct disk_numbers *d, const struct node *loop)
{
	char path[NODE_PATH_SIZE];
	struct loop_info64 info = { 0 };
	bool is = false;
	int fd;

	if (node_path(loop, path) != 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd >= 0 && ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_rdevice != 0)
		is = disk_numbers_have(d, (dev_t)info.lo_rdevice);
	fd_close(&fd);
	return is;
}

/* Is there a loop device on what was found that was not known yet? It is added then. */
static bool add_loop(struct disk_numbers *d, const char *leaf)
{
	char path[64], file[PATH_MAX];
	struct node loop;

	if (strncmp(leaf, "loop", 4) != 0 || d->nloops == DISK_LOOPS_MAX || !node_of_disk(leaf, &loop) ||
	    disk_numbers_have(d, loop.number))
		return false;
	if (snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file", leaf) >= (int)sizeof(path) ||
	    file_read(AT_FDCWD, path, file, sizeof(file)) <= 0 || !may_sit_on_disk(file) || !loop_is_on(d, &loop))
		return false;
	memcpy(d->loop[d->nloops++], loop.leaf, sizeof(loop.leaf));
	add_disk(d, loop.number);
	return true;
}

static bool add_loops(struct disk_numbers *d)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *de;
	bool added = false;

	while (dir && (de = readdir(dir)))
		added |= add_loop(d, de->d_name);
	if (dir)
		(void)closedir(dir);
	return added;
}

void disk_numbers_find(dev_t disk, struct disk_numbers *d)
{
	bool more = true;

	d->n = d->nloops = 0;
	add_disk(d, disk);
	while (more) /* one may sit on another */
		more = add_loops(d);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/node_find.c - see node_find.h. Reads sysfs and looks at /dev, which only root can
 * write; opens nothing there.
 */
#include "control/steps/node_find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/fd.h"

#define DIRS_OPEN 8 /* of /dev, while it is searched */

/* First entry of dir whose name begins with prefix; its name to buf. */
static bool first_entry(const char *dir, const char *prefix, char *buf, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	bool found = false;

	if (!d)
		return false;
	while (!found && (de = readdir(d)))
		if (de->d_name[0] != '.' && strncmp(de->d_name, prefix, strlen(prefix)) == 0)
			found = snprintf(buf, size, "%s", de->d_name) < (int)size;
	(void)closedir(d);
	return found;
}

/* Directory of the device's node in sysfs, and the node's name. */
static bool find_in_sysfs(const char *name, uint32_t bus, char *dir, size_t dir_size, char *leaf, size_t leaf_size)
{
	char base[128], virtio[64];

	(void)snprintf(base, sizeof(base), "/sys/bus/vdpa/devices/%s", name);
	if (bus == CTL_BUS_VHOST) {
		if (!first_entry(base, "vhost-vdpa-", leaf, leaf_size))
			return false;
		return snprintf(dir, dir_size, "%s/%s", base, leaf) < (int)dir_size;
	}
	if (!first_entry(base, "virtio", virtio, sizeof(virtio)))
		return false;
	if (snprintf(dir, dir_size, "%s/%s/block", base, virtio) >= (int)dir_size ||
	    !first_entry(dir, "", leaf, leaf_size))
		return false;
	return snprintf(dir, dir_size, "%s/%s/block/%s", base, virtio, leaf) < (int)dir_size;
}

static bool read_number(const char *dir, dev_t *number)
{
	char path[400], text[32], *end;
	unsigned long major_nr;

	(void)snprintf(path, sizeof(path), "%s/dev", dir);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	major_nr = strtoul(text, &end, 10);
	if (end == text || *end != ':')
		return false;
	*number = makedev((unsigned)major_nr, (unsigned)strtoul(end + 1, NULL, 10));
	return true;
}

bool node_of_device(const char *name, uint32_t bus, struct node *n)
{
	char dir[320];

	n->kind = bus == CTL_BUS_VHOST ? S_IFCHR : S_IFBLK;
	return find_in_sysfs(name, bus, dir, sizeof(dir), n->leaf, sizeof(n->leaf)) && read_number(dir, &n->number);
}

bool node_of_disk(const char *leaf, struct node *n)
{
	char dir[64];

	n->kind = S_IFBLK;
	return snprintf(n->leaf, sizeof(n->leaf), "%s", leaf) < (int)sizeof(n->leaf) &&
	       snprintf(dir, sizeof(dir), "/sys/block/%s", leaf) < (int)sizeof(dir) && read_number(dir, &n->number);
}

static bool is_node(const struct node *n, const struct stat *st)
{
	return (st->st_mode & S_IFMT) == n->kind && st->st_rdev == n->number;
}

static struct { /* nftw() passes nothing on; a helper has one thread */
	const struct node *node;
	char *path;
} wanted;

static int look(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)at;
	return flag == FTW_F && is_node(wanted.node, st) &&
	       snprintf(wanted.path, NODE_PATH_SIZE, "%s", path) < (int)NODE_PATH_SIZE;
}

int node_path(const struct node *n, char *path)
{
	struct stat st;

	(void)snprintf(path, NODE_PATH_SIZE, "/dev/%s", n->leaf);
	if (lstat(path, &st) == 0 && is_node(n, &st))
		return 0;
	wanted.node = n;
	wanted.path = path;
	/* no link is followed, and no file system looked into that is mounted there */
	return nftw("/dev", look, DIRS_OPEN, FTW_PHYS | FTW_MOUNT) == 1 ? 0 : -ENOENT;
}

bool node_ready(const char *name, uint32_t bus, char *node, size_t size)
{
	struct node n;
	struct stat st;

	return node_of_device(name, bus, &n) && snprintf(node, size, "/dev/%s", n.leaf) < (int)size &&
	       stat(node, &st) == 0 && is_node(&n, &st);
}

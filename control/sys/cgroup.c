/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/cgroup.c - see cgroup.h. Trusts the kernel's cgroup file system and device names that
 * proto/name.h accepted.
 */
#include "control/sys/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/fd.h"

#define ROOT "/sys/fs/cgroup"
#define TOP ROOT "/vdused"
#define CPU_PERIOD_US 100000U
/*
 * Of all workers together, beside 100 of each slice of the host, or of each single process where
 * nobody makes slices: whoever waits for a disk waits for them. Not more, as a worker that was
 * taken over uses all it gets; cpu-max bounds it.
 */
#define CPU_WEIGHT "500"

/* Leaves have their device's name, and control files have a dot in theirs: keep the two apart. */
static void leaf_path(const char *name, char *buf, size_t size)
{
	(void)snprintf(buf, size, TOP "/dev-%s", name);
}

static void enable_controllers(void)
{
	static const char *const words[] = { "+memory", "+pids", "+cpu" };

	/* What cannot be enabled is noticed when a limit is set. */
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		(void)file_write(AT_FDCWD, ROOT "/cgroup.subtree_control", words[i]);
		(void)file_write(AT_FDCWD, TOP "/cgroup.subtree_control", words[i]);
	}
}

static int set_limit(int leaf, const char *file, const char *value, struct err *e)
{
	int rc = file_write(leaf, file, value);

	if (rc == -ENOENT)
		return err_set(e, -ENOSYS, "this host's cgroup v2 has no %s", file);
	return rc < 0 ? err_set(e, rc, TOP ": %s: %s", file, err_str(rc)) : 0;
}

static int set_limits(int leaf, const struct cgroup_limits *l, struct err *e)
{
	char text[64];
	int rc = 0;

	if (l->memory) {
		(void)snprintf(text, sizeof(text), "%" PRIu64, l->memory);
		rc = set_limit(leaf, "memory.max", text, e);
		if (rc == 0)
			rc = set_limit(leaf, "memory.oom.group", "1", e);
		if (rc == 0) /* not there where swap accounting is off */
			(void)file_write(leaf, "memory.swap.max", "0");
	}
	if (rc == 0 && l->tasks) {
		(void)snprintf(text, sizeof(text), "%u", l->tasks);
		rc = set_limit(leaf, "pids.max", text, e);
	}
	if (rc == 0 && l->cpu) {
		(void)snprintf(text, sizeof(text), "%" PRIu64 " %u", (uint64_t)l->cpu * CPU_PERIOD_US / 100,
			       CPU_PERIOD_US);
		rc = set_limit(leaf, "cpu.max", text, e);
	}
	return rc;
}

int cgroup_setup(struct err *e)
{
	struct statfs s;

	if (statfs(ROOT, &s) != 0 || s.f_type != CGROUP2_SUPER_MAGIC)
		return err_set(e, -ENOSYS, "there is no cgroup v2 at " ROOT);
	if (mkdir(TOP, 0755) != 0 && errno != EEXIST)
		return err_set(e, -ENOSYS, TOP ": %s", err_str(-errno));
	enable_controllers();
	/* without the controller all are equal */
	(void)file_write(AT_FDCWD, TOP "/cpu.weight", CPU_WEIGHT);
	return 0;
}

int cgroup_make(const char *name, const struct cgroup_limits *l, struct err *e)
{
	char path[128];
	int leaf, rc;

	leaf_path(name, path, sizeof(path));
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		return err_set(e, errno == ENOENT ? -ENOSYS : -errno, "%s: %s", path, err_str(-errno));
	leaf = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (leaf < 0)
		return err_set(e, -errno, "%s: %s", path, err_str(-errno));
	rc = set_limits(leaf, l, e);
	if (rc < 0) {
		fd_close(&leaf);
		return rc;
	}
	return leaf;
}

static bool is_frozen(const char *dir)
{
	char path[160], text[8];

	(void)snprintf(path, sizeof(path), "%s/cgroup.freeze", dir);
	return file_read(AT_FDCWD, path, text, sizeof(text)) > 0 && text[0] == '1';
}

bool cgroup_frozen(const char *name)
{
	char path[128];

	leaf_path(name, path, sizeof(path));
	return is_frozen(TOP) || is_frozen(path);
}

void cgroup_remove(const char *name)
{
	char path[128];

	leaf_path(name, path, sizeof(path));
	(void)rmdir(path);
}

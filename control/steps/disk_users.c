/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/disk_users.c - see disk_users.h. Reads /proc and /sys; mount points are paths that
 * users chose, so they are only ever printed (made printable by err_set).
 */
#include "control/steps/disk_users.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "control/steps/disk_numbers.h"

struct finding {
	char text[VD_TEXT_SIZE / 2];
	size_t len;
};

static void add(struct finding *f, const char *what, const char *name, const char *behind)
{
	int n;

	if (f->len >= sizeof(f->text))
		return;
	n = snprintf(f->text + f->len, sizeof(f->text) - f->len, "%s%s%s%s", f->len ? ", " : "", what, name, behind);
	f->len += n > 0 ? (size_t)n : 0;
}

static void find_loops(const struct disk_numbers *d, struct finding *f)
{
	for (unsigned i = 0; i < d->nloops; i++)
		add(f, "", d->loop[i], " sits on it");
}

/*
 * A path that the kernel tells of a block device. Only below /dev: stat() elsewhere may ask the
 * server of a dead mount.
 */
static bool path_is_on(const struct disk_numbers *d, const char *path)
{
	struct stat st;

	return strncmp(path, "/dev/", 5) == 0 && stat(path, &st) == 0 && S_ISBLK(st.st_mode) &&
	       disk_numbers_have(d, st.st_rdev);
}

/*
 * proc(5), mountinfo: id parent major:minor root mountpoint options optional... - type source
 * options. File systems of several disks, as btrfs, have a number of their own, and one of their
 * disks as the source.
 */
static void look_at_mount(const struct disk_numbers *d, const char *line, struct finding *f)
{
	char where[1024], source[1024];
	unsigned maj, min;
	const char *dash = strstr(line, " - ");

	if (sscanf(line, "%*s %*s %u:%u %*s %1023s", &maj, &min, where) != 3)
		return;
	if (!dash || sscanf(dash, " - %*s %1023s", source) != 1)
		source[0] = '\0';
	if (disk_numbers_have(d, makedev(maj, min)) || path_is_on(d, source))
		add(f, "mounted on ", where, "");
}

static void look_at_swap(const struct disk_numbers *d, const char *line, struct finding *f)
{
	char path[512];

	if (sscanf(line, "%511s", path) == 1 && path_is_on(d, path))
		add(f, "swap space ", path, "");
}

static void each_line(const char *file, const struct disk_numbers *d, struct finding *f,
		      void (*look)(const struct disk_numbers *d, const char *line, struct finding *f))
{
	FILE *in = fopen(file, "re");
	char *line = NULL;
	size_t size = 0;

	while (in && getline(&line, &size, in) > 0)
		look(d, line, f);
	free(line);
	if (in)
		(void)fclose(in);
}

static void find_holders(dev_t number, struct finding *f)
{
	char path[64];
	struct dirent *de;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/holders", major(number), minor(number));
	dir = opendir(path);
	while (dir && (de = readdir(dir)))
		if (de->d_name[0] != '.')
			add(f, "held by ", de->d_name, "");
	if (dir)
		(void)closedir(dir);
}

static void find_all(const struct disk_numbers *d, struct finding *f)
{
	find_loops(d, f);
	each_line("/proc/self/mountinfo", d, f, look_at_mount);
	each_line("/proc/swaps", d, f, look_at_swap);
	for (unsigned i = 0; i < d->n; i++)
		find_holders(d->dev[i], f);
}

int disk_users(dev_t disk, const char *node, int rc, struct err *e)
{
	static struct disk_numbers d; /* some KiB: not on the stack */
	struct finding f = { .len = 0 };

	disk_numbers_find(disk, &d);
	find_all(&d, &f);
	if (f.len)
		return err_class(
			e, CTL_E_BUSY,
			"%s is in use (%s): free it first%s, or delete with --force and lose what is unwritten", node,
			f.text, d.nloops ? " (loop devices with \"losetup -d\")" : "");
	if (rc == -EBUSY)
		return err_class(e, CTL_E_BUSY,
				 "%s is held open exclusively by a process, or mounted in another mount namespace: end "
				 "that first, or delete with --force and lose what is unwritten",
				 node);
	return rc < 0 ? -EBUSY : 0;
}

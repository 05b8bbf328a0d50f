/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/stable_name.c - see stable_name.h. Runs in vduse-ctl, as its caller; reads what udev
 * and the kernel say of a disk.
 */
#include "control/ctl/stable_name.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define BY_ID "/dev/disk/by-id"

static bool fits(int n, size_t size)
{
	return n > 0 && (size_t)n < size;
}

static bool mapper_name(dev_t dev, char *name, size_t size)
{
	char path[64], word[256];
	FILE *from;
	bool got;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/dm/name", major(dev), minor(dev));
	from = fopen(path, "re");
	if (!from)
		return false;
	got = fgets(word, sizeof(word), from) != NULL;
	(void)fclose(from);
	if (!got)
		return false;
	word[strcspn(word, "\n")] = '\0';
	return fits(snprintf(name, size, "/dev/mapper/%s", word), size);
}

static bool by_id(dev_t dev, char *name, size_t size)
{
	DIR *dir = opendir(BY_ID);
	const struct dirent *entry;
	bool found = false;
	struct stat st;

	while (dir && !found && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
			S_ISBLK(st.st_mode) && st.st_rdev == dev &&
			fits(snprintf(name, size, BY_ID "/%s", entry->d_name), size);
	if (dir)
		(void)closedir(dir);
	return found;
}

bool stable_name(const char *path, char *name, size_t size)
{
	struct stat st;

	if (strncmp(path, "/dev/", 5) != 0 || stat(path, &st) != 0 || !S_ISBLK(st.st_mode))
		return fits(snprintf(name, size, "%s", path), size);
	return mapper_name(st.st_rdev, name, size) || by_id(st.st_rdev, name, size);
}

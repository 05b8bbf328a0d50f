/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/device_dir.c - see device_dir.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/device_dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/ctl/report.h"
#include "proto/name.h"

static int is_device_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.' && strlen(entry->d_name) > sizeof(DEVICE_SUFFIX) - 1 &&
	       strcmp(entry->d_name + strlen(entry->d_name) - (sizeof(DEVICE_SUFFIX) - 1), DEVICE_SUFFIX) == 0;
}

/* Who can write it can put a file of root's from elsewhere into it. */
static int check_dir(const char *dir, struct err *e)
{
	struct stat st;
	int rc = stat(dir, &st) == 0 ? 0 : -errno;

	if (rc == -ENOENT)
		return err_class(e, CTL_E_NOT_FOUND, "%.200s does not exist: make it first, see vdused.device(5)", dir);
	if (rc < 0)
		return err_set(e, rc, "%.200s: %s", dir, err_str(rc));
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "%.200s: is no directory", dir);
	if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & 022))
		return err_set(e, -EPERM, "%.200s: others than root can write it: \"chown root\" and \"chmod go-w\" it",
			       dir);
	return 0;
}

static int read_one(struct device_dir *d, const char *dir, const char *name, bool no_users)
{
	struct device_entry *entry = &d->entries[d->n];
	struct err e = { 0 };

	if (!name_valid(name)) { /* no device can have it, and no unit */
		(void)err_class(&e, CTL_E_INVALID,
				"%.200s/%.60s" DEVICE_SUFFIX ": its name is no device's: use " NAME_RULE, dir, name);
		return tool_report(TOOL_APPLY, NULL, &e);
	}
	d->n++;
	if (device_file_read(dir, name, no_users, &entry->file, &entry->mistake) == 0)
		return TOOL_OK;
	return tool_report(TOOL_APPLY, NULL, &entry->mistake);
}

static int read_names(struct device_dir *d, const char *dir, char **names, size_t n, bool no_users)
{
	struct err e = { 0 };
	int status = TOOL_OK, one;

	d->entries = calloc(n + 1, sizeof(*d->entries));
	if (!d->entries) {
		(void)err_set(&e, -ENOMEM, "out of memory");
		return tool_report(TOOL_APPLY, NULL, &e);
	}
	for (size_t i = 0; i < n; i++) {
		one = read_one(d, dir, names[i], no_users);
		if (status == TOOL_OK)
			status = one;
	}
	return status;
}

static int read_all(struct device_dir *d, const char *dir, bool no_users)
{
	struct dirent **entries = NULL;
	int n = scandir(dir, &entries, is_device_file, alphasort), status;
	char **names = calloc(n > 0 ? (size_t)n : 1, sizeof(*names));
	struct err e = { 0 };

	for (int i = 0; names && i < n; i++) {
		names[i] = entries[i]->d_name;
		names[i][strlen(names[i]) - (sizeof(DEVICE_SUFFIX) - 1)] = '\0';
	}
	if (n < 0 || !names) {
		(void)err_set(&e, -errno, "%.200s: %s", dir, err_str(-errno));
		status = tool_report(TOOL_APPLY, NULL, &e);
	} else {
		status = read_names(d, dir, names, (size_t)n, no_users);
	}
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	free(names);
	return status;
}

int device_dir_read(struct device_dir *d, const struct tool_args *a)
{
	const char *dir = a->config_dir ? a->config_dir : DEVICE_DIR;
	struct err e = { 0 };

	memset(d, 0, sizeof(*d));
	if (check_dir(dir, &e) < 0)
		return tool_report(TOOL_APPLY, NULL, &e);
	if (a->nnames)
		return read_names(d, dir, a->names, a->nnames, a->units);
	return read_all(d, dir, a->units);
}

void device_dir_free(struct device_dir *d)
{
	free(d->entries);
	d->entries = NULL;
	d->n = 0;
}

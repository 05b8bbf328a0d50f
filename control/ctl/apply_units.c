/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/apply_units.c - see apply_units.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/apply_units.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/ctl/report.h"

/* As systemd-escape --path does, but for "..", ".", and doubled slashes, which no such path has. */
static void print_unit_of_path(FILE *to, const char *path)
{
	for (const char *at = path + 1; *at; at++) {
		if (*at == '/')
			(void)fputc('-', to);
		else if (isalnum((unsigned char)*at) || *at == ':' || *at == '_' || (*at == '.' && at > path + 1))
			(void)fputc(*at, to);
		else
			(void)fprintf(to, "\\x%02x", (unsigned)(unsigned char)*at);
	}
}

/* A word in quotation marks, in which systemd leaves everything as it is but %, " and \. */
static void print_quoted(FILE *to, const char *text)
{
	(void)fputc('"', to);
	for (const char *at = text; *at; at++) {
		if (*at == '%')
			(void)fputc('%', to);
		if (*at == '\\')
			(void)fputc('\\', to);
		(void)fputc(*at, to);
	}
	(void)fputc('"', to);
}

static void print_dependencies(FILE *to, const char *path)
{
	(void)fputs("# vduse-ctl apply --units\n[Unit]\n", to);
	if (!device_file_is_node(path)) {
		(void)fputs("RequiresMountsFor=", to);
		print_quoted(to, path);
		(void)fputc('\n', to);
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		(void)fputs(i == 0 ? "Wants=" : "After=", to);
		print_unit_of_path(to, path);
		(void)fputs(".device\n", to);
	}
}

static int make_dir(const char *dir, struct err *e)
{
	if (mkdir(dir, 0755) == 0 || errno == EEXIST)
		return 0;
	return err_set(e, -errno, "%.200s: %s", dir, err_str(-errno));
}

static int write_drop_in(const char *dir, const struct device_file *f, struct err *e)
{
	char path[PATH_MAX];
	FILE *to;
	int rc;

	(void)snprintf(path, sizeof(path), "%.3000s/vduse@%s.service.d", dir, f->name);
	rc = make_dir(path, e);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "%.3000s/vduse@%s.service.d/50-file.conf", dir, f->name);
	to = fopen(path, "we");
	if (!to)
		return err_set(e, -errno, "%.200s: %s", path, err_str(-errno));
	print_dependencies(to, f->path);
	rc = ferror(to) ? -EIO : 0;
	if (fclose(to) != 0 && rc == 0)
		rc = -errno;
	return rc ? err_set(e, rc, "%.200s: %s", path, err_str(rc)) : 0;
}

static int write_want(const char *dir, const struct device_file *f, struct err *e)
{
	char path[PATH_MAX];
	int rc;

	(void)snprintf(path, sizeof(path), "%.3000s/vduse.target.wants", dir);
	rc = make_dir(path, e);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "%.3000s/vduse.target.wants/vduse@%s.service", dir, f->name);
	if (symlink("../vduse@.service", path) == 0 || errno == EEXIST)
		return 0;
	return err_set(e, -errno, "%.200s: %s", path, err_str(-errno));
}

int apply_units(const struct device_dir *d, const char *dir)
{
	struct err e = { 0 };
	int status = TOOL_OK;

	for (size_t i = 0; i < d->n; i++) {
		const struct device_file *f = &d->entries[i].file;

		/* one with a mistake is wanted, too: its unit fails, and says why */
		if (write_want(dir, f, &e) < 0 || (!d->entries[i].mistake.code && write_drop_in(dir, f, &e) < 0))
			status = tool_report(TOOL_APPLY, f->name, &e);
	}
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/disk_openers.c - see disk_openers.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/disk_openers.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/err.h"
#include "common/fd.h"
#include "control/ctl/disk_mounts.h"
#include "control/ctl/report.h"

#define NODES_MAX 64 /* a disk and its partitions */
#define LINES_MAX 16

struct nodes {
	mode_t kind; /* S_IFBLK or S_IFCHR */
	size_t n;
	dev_t dev[NODES_MAX];
};

/* "253:17" */
static bool parse_number(const char *text, dev_t *dev)
{
	char *end;
	unsigned long major_nr = strtoul(text, &end, 10);

	if (end == text || *end != ':')
		return false;
	*dev = makedev((unsigned)major_nr, (unsigned)strtoul(end + 1, NULL, 10));
	return true;
}

static void add_partitions(struct nodes *nodes)
{
	char path[64], text[32];
	struct dirent *d;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(nodes->dev[0]), minor(nodes->dev[0]));
	dir = opendir(path);
	while (dir && nodes->n < NODES_MAX && (d = readdir(dir))) {
		char dev[sizeof(d->d_name) + 8];

		if (d->d_name[0] == '.')
			continue;
		(void)snprintf(dev, sizeof(dev), "%s/dev", d->d_name);
		if (file_read(dirfd(dir), dev, text, sizeof(text)) > 0 && parse_number(text, &nodes->dev[nodes->n]))
			nodes->n++;
	}
	if (dir)
		(void)closedir(dir);
}

/*
 * What the kernel knows already: to ask for more on an open file of a dead network mount would
 * hang.
 */
static bool fd_is_node(int fds, const char *name, const struct nodes *nodes)
{
	struct statx st;

	if (statx(fds, name, AT_STATX_DONT_SYNC, STATX_TYPE, &st) != 0 || (st.stx_mode & S_IFMT) != nodes->kind)
		return false;
	for (size_t i = 0; i < nodes->n; i++)
		if (makedev(st.stx_rdev_major, st.stx_rdev_minor) == nodes->dev[i])
			return true;
	return false;
}

static bool process_has_node(int proc, const char *pid, const struct nodes *nodes)
{
	char path[32];
	struct dirent *d;
	bool found = false;
	DIR *dir;
	int fd;

	(void)snprintf(path, sizeof(path), "%.20s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		fd_close(&fd);
		return false;
	}
	while (!found && (d = readdir(dir)))
		found = d->d_name[0] != '.' && fd_is_node(fd, d->d_name, nodes);
	(void)closedir(dir);
	return found;
}

static void print_process(int proc, const char *pid, const char *node, FILE *out)
{
	char path[32], comm[32];

	(void)snprintf(path, sizeof(path), "%.20s/comm", pid);
	if (file_read(proc, path, comm, sizeof(comm)) <= 0)
		(void)snprintf(comm, sizeof(comm), "?");
	err_printable(comm);
	(void)fprintf(out, "vduse-ctl: process %s (%s) has %s open\n", pid, comm, node);
}

/* We ourselves do not count: a shell may have handed us what it has open. */
static int scan(DIR *proc, const char *node, const struct nodes *nodes, FILE *out)
{
	const long self = (long)getpid();
	struct dirent *d;
	int found = 0;

	while ((d = readdir(proc))) {
		if (!isdigit((unsigned char)d->d_name[0]) || strtol(d->d_name, NULL, 10) == self ||
		    !process_has_node(dirfd(proc), d->d_name, nodes))
			continue;
		if (++found <= LINES_MAX)
			print_process(dirfd(proc), d->d_name, node, out);
	}
	if (found > LINES_MAX)
		(void)fprintf(out, "vduse-ctl: and %d more processes\n", found - LINES_MAX);
	return found;
}

static bool read_number(const char *path, struct nodes *nodes)
{
	char text[32];

	return file_read(AT_FDCWD, path, text, sizeof(text)) > 0 && parse_number(text, &nodes->dev[0]);
}

/*
 * By sysfs, where that knows it: a node may have been renamed or removed, and something else lie at
 * its place.
 */
static bool find_number(const char *name, const char *node, struct nodes *nodes)
{
	char block[128], vhost[128];
	struct stat st;

	(void)snprintf(block, sizeof(block), "/sys/class/block/%s/dev", node + strlen("/dev/"));
	(void)snprintf(vhost, sizeof(vhost), "/sys/bus/vdpa/devices/%s/%s/dev", name, node + strlen("/dev/"));
	nodes->kind = S_IFBLK;
	if (read_number(block, nodes))
		return true;
	nodes->kind = S_IFCHR;
	if (read_number(vhost, nodes))
		return true;
	if (stat(node, &st) < 0 || !(S_ISBLK(st.st_mode) || S_ISCHR(st.st_mode)))
		return false;
	nodes->kind = st.st_mode & S_IFMT;
	nodes->dev[0] = st.st_rdev;
	return true;
}

int users_print(const char *name, const char *node, FILE *out)
{
	struct nodes nodes = { .n = 1 };
	int found = 0;
	DIR *proc;

	if (strncmp(node, "/dev/", 5) != 0 || strchr(node + 5, '/') || !find_number(name, node, &nodes))
		return 0;
	if (nodes.kind == S_IFBLK)
		add_partitions(&nodes);
	proc = opendir("/proc");
	if (proc) {
		found = scan(proc, node, &nodes, out);
		(void)closedir(proc);
	}
	if (nodes.kind == S_IFBLK)
		mounts_print(nodes.dev, nodes.n, out);
	return found;
}

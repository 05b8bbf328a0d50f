/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/disk_mounts.c - see disk_mounts.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/disk_mounts.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/err.h"
#include "common/fd.h"

#define NAMESPACES_MAX 512U /* one that does not fit may be named twice */
#define MOUNTS_MAX 16U

struct search {
	const dev_t *dev;
	size_t ndev, nseen, found;
	ino_t seen[NAMESPACES_MAX]; /* mount namespaces, by the inode that stands for them */
	FILE *out;
};

/* False too for one that the caller may not look into. */
static bool is_new_namespace(struct search *s, const char *pid)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", pid);
	if (stat(path, &st) != 0)
		return false;
	for (size_t i = 0; i < s->nseen; i++)
		if (s->seen[i] == st.st_ino)
			return false;
	if (s->nseen < NAMESPACES_MAX)
		s->seen[s->nseen++] = st.st_ino;
	return true;
}

static bool is_one(const struct search *s, dev_t number)
{
	for (size_t i = 0; i < s->ndev; i++)
		if (s->dev[i] == number)
			return true;
	return false;
}

static void print_mount(struct search *s, const char *pid, char *where)
{
	char path[64], comm[32];

	if (s->found++ >= MOUNTS_MAX)
		return;
	(void)snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	if (file_read(AT_FDCWD, path, comm, sizeof(comm)) <= 0)
		(void)snprintf(comm, sizeof(comm), "?");
	err_printable(comm);
	err_printable(where);
	(void)fprintf(s->out, "vduse-ctl: process %s (%s) has it mounted on %s\n", pid, comm, where);
}

/* proc(5), mountinfo: id parent major:minor root mountpoint ... */
static void look_into(struct search *s, const char *pid)
{
	char path[64], where[1024], *line = NULL;
	unsigned maj, min;
	size_t size = 0;
	FILE *in;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/mountinfo", pid);
	in = fopen(path, "re");
	while (in && getline(&line, &size, in) > 0)
		if (sscanf(line, "%*s %*s %u:%u %*s %1023s", &maj, &min, where) == 3 && is_one(s, makedev(maj, min)))
			print_mount(s, pid, where);
	free(line);
	if (in)
		(void)fclose(in);
}

void mounts_print(const dev_t *dev, size_t n, FILE *out)
{
	static struct search s; /* some KiB: not on the stack */
	DIR *proc = opendir("/proc");
	struct dirent *d;

	s = (struct search){ .dev = dev, .ndev = n, .out = out };
	(void)is_new_namespace(&s, "self");
	while (proc && (d = readdir(proc)))
		if (isdigit((unsigned char)d->d_name[0]) && is_new_namespace(&s, d->d_name))
			look_into(&s, d->d_name);
	if (proc)
		(void)closedir(proc);
}

/*
 * control/steps/disk_users.c - see disk_users.h. Reads /proc and /sys; mount points are paths that users chose,
 * so they are only ever printed (made printable by err_set).
 */
#include "control/steps/disk_users.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct finding {
	char text[VD_TEXT_SIZE / 2];
	size_t len;
};

static void add(struct finding *f, const char *what, const char *name)
{
	int n;

	if (f->len >= sizeof(f->text))
		return;
	n = snprintf(f->text + f->len, sizeof(f->text) - f->len, "%s%s %s", f->len ? ", " : "", what, name);
	f->len += n > 0 ? (size_t)n : 0;
}

/* "8:1" is disk "vdb" or a partition of it: sysfs keeps partitions below their disk. */
static bool number_is_disk(const char *number, const char *disk)
{
	char path[64], link[512], want[64], *at;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%.20s", number);
	n = readlink(path, link, sizeof(link) - 1);
	if (n <= 0)
		return false;
	link[n] = '\0';
	(void)snprintf(want, sizeof(want), "/block/%s", disk);
	at = strstr(link, want);
	return at && (at[strlen(want)] == '\0' || at[strlen(want)] == '/');
}

/* "/dev/vdb" or "/dev/vdb1", but not "/dev/vdbc". */
static bool source_is_node(const char *source, const char *node)
{
	size_t n = strlen(node);

	return strncmp(source, node, n) == 0 && strspn(source + n, "0123456789") == strlen(source + n);
}

/* proc(5), mountinfo: id parent major:minor root mountpoint options optional... - type source options */
static void find_mounts(const char *node, const char *disk, struct finding *f)
{
	char line[4096], number[32], where[1024], source[1024], *dash;
	FILE *in = fopen("/proc/self/mountinfo", "re");

	while (in && fgets(line, sizeof(line), in)) {
		if (sscanf(line, "%*s %*s %31s %*s %1023s", number, where) != 2)
			continue;
		dash = strstr(line, " - ");
		if (!dash || sscanf(dash, " - %*s %1023s", source) != 1)
			source[0] = '\0';
		if (number_is_disk(number, disk) || source_is_node(source, node))
			add(f, "mounted on", where);
	}
	if (in)
		(void)fclose(in);
}

static void find_swap(const char *node, struct finding *f)
{
	char line[1024], source[512];
	FILE *in = fopen("/proc/swaps", "re");

	while (in && fgets(line, sizeof(line), in))
		if (sscanf(line, "%511s", source) == 1 && source_is_node(source, node))
			add(f, "swap space", source);
	if (in)
		(void)fclose(in);
}

static void list_holders(const char *dir, struct finding *f)
{
	DIR *d = opendir(dir);
	struct dirent *de;

	while (d && (de = readdir(d)))
		if (de->d_name[0] != '.')
			add(f, "held by", de->d_name);
	if (d)
		(void)closedir(d);
}

static void find_holders(const char *disk, struct finding *f)
{
	char path[600];
	struct dirent *de;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/sys/block/%s/holders", disk);
	list_holders(path, f);
	(void)snprintf(path, sizeof(path), "/sys/block/%s", disk);
	d = opendir(path);
	while (d && (de = readdir(d))) {
		if (strncmp(de->d_name, disk, strlen(disk)) != 0)
			continue;
		(void)snprintf(path, sizeof(path), "/sys/block/%s/%s/holders", disk, de->d_name);
		list_holders(path, f);
	}
	if (d)
		(void)closedir(d);
}

int disk_use_error(const char *node, struct err *e)
{
	const char *disk = strrchr(node, '/') ? strrchr(node, '/') + 1 : node;
	struct finding f = { .len = 0 };

	find_mounts(node, disk, &f);
	find_swap(node, &f);
	find_holders(disk, &f);
	if (f.len)
		return err_set(e, -EBUSY,
			       "%s is in use (%s): free it first, or delete with --force and lose what is unwritten",
			       node, f.text);
	return err_set(
		e, -EBUSY,
		"%s is held open exclusively by a process, or mounted in another mount namespace: end that first, or "
		"delete with --force and lose what is unwritten",
		node);
}

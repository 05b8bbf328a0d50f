/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/uid_pool.c - see uid_pool.h. Runs in vdused's main process.
 */
#include "control/device/uid_pool.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"

static bool in_range(const struct uids *u, uint32_t uid)
{
	return uid >= u->first && uid - u->first < u->count;
}

static void set_used(struct uids *u, uint32_t uid, bool used)
{
	uint32_t i = uid - u->first;

	if (used)
		u->used[i / 8] |= (unsigned char)(1U << (i % 8));
	else
		u->used[i / 8] &= (unsigned char)~(1U << (i % 8));
}

/* Workers of an earlier vdused may still run: their numbers are not free. */
static void mark_running(struct uids *u)
{
	char path[300], status[1024], *line;
	struct dirent *de;
	DIR *d = opendir("/proc");
	uint32_t uid;

	while (d && (de = readdir(d))) {
		if (!isdigit((unsigned char)de->d_name[0]))
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/status", de->d_name);
		if (file_read(AT_FDCWD, path, status, sizeof(status)) <= 0)
			continue;
		line = strstr(status, "\nUid:");
		if (!line)
			continue;
		uid = (uint32_t)strtoul(line + strlen("\nUid:"), NULL, 10);
		if (in_range(u, uid))
			set_used(u, uid, true);
	}
	if (d)
		(void)closedir(d);
}

void uid_pool_init(struct uids *u, uint32_t first, uint32_t last)
{
	memset(u, 0, sizeof(*u));
	u->first = first;
	u->count = last - first + 1;
	mark_running(u);
}

uint32_t uid_pool_take(struct uids *u)
{
	for (uint32_t n = 0; n < u->count; n++) {
		uint32_t i = (u->next + n) % u->count;

		if (u->used[i / 8] & (1U << (i % 8)))
			continue;
		u->next = (i + 1) % u->count;
		set_used(u, u->first + i, true);
		return u->first + i;
	}
	return 0;
}

void uid_pool_reserve(struct uids *u, uint32_t uid)
{
	if (in_range(u, uid))
		set_used(u, uid, true);
}

void uid_pool_give_back(struct uids *u, uint32_t uid)
{
	if (in_range(u, uid))
		set_used(u, uid, false);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/msg_timeout.c - see msg_timeout.h. Runs in helpers without capabilities; talks to
 * sysfs only.
 */
#include "control/steps/msg_timeout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"

static void timeout_path(const char *name, char *path, size_t size)
{
	(void)snprintf(path, size, "/sys/class/vduse/%s/msg_timeout", name);
}

static int set(const char *name, uint32_t seconds, struct err *e)
{
	char path[96], text[16];
	int rc;

	timeout_path(name, path, sizeof(path));
	(void)snprintf(text, sizeof(text), "%u", seconds);
	rc = file_write(AT_FDCWD, path, text);
	return rc < 0 ? err_set(e, rc, "%s: %s", path, err_str(rc)) : 0;
}

static int get(const char *name, uint32_t *seconds, struct err *e)
{
	char path[96], text[32];
	int rc;

	timeout_path(name, path, sizeof(path));
	rc = file_read(AT_FDCWD, path, text, sizeof(text));
	if (rc < 0)
		return err_set(e, rc, "%s: %s", path, err_str(rc));
	*seconds = (uint32_t)strtoul(text, NULL, 10);
	return 0;
}

int msg_timeout_restore(const char *name, uint32_t seconds, struct err *e)
{
	uint32_t is;
	int rc = get(name, &is, e);

	return rc < 0 || is != MSG_TIMEOUT_SHORT_S ? rc : set(name, seconds, e);
}

int msg_timeout_look(const void *arg, struct helper_out *out)
{
	const struct msg_timeout_arg *a = arg;
	uint32_t is;
	int rc = get(a->name, &is, &out->result->err);

	if (rc == 0)
		memcpy(out->result->data, &is, sizeof(is));
	return rc;
}

int msg_timeout_shorten(const void *arg, struct helper_out *out)
{
	const struct msg_timeout_arg *a = arg;

	return set(a->name, MSG_TIMEOUT_SHORT_S, &out->result->err);
}

int msg_timeout_set_back(const void *arg, struct helper_out *out)
{
	const struct msg_timeout_arg *a = arg;

	return msg_timeout_restore(a->name, a->seconds, &out->result->err);
}

/*
 * control/steps/msg_timeout.c - see msg_timeout.h. Runs in helpers without capabilities; talks to sysfs only.
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

int msg_timeout_set(const char *name, uint32_t seconds, struct err *e)
{
	char path[96], text[16];
	int rc;

	timeout_path(name, path, sizeof(path));
	(void)snprintf(text, sizeof(text), "%u", seconds);
	rc = file_write(AT_FDCWD, path, text);
	return rc ? err_set(e, rc, "%s: %s", path, err_str(rc)) : 0;
}

int msg_timeout_shorten(const void *arg, struct helper_out *out)
{
	char path[96], text[32];
	uint32_t was;
	int rc;

	timeout_path(arg, path, sizeof(path));
	rc = file_read(AT_FDCWD, path, text, sizeof(text));
	if (rc < 0)
		return err_set(&out->result->err, rc, "%s: %s", path, err_str(rc));
	was = (uint32_t)strtoul(text, NULL, 10);
	memcpy(out->result->data, &was, sizeof(was));
	return msg_timeout_set(arg, MSG_TIMEOUT_SHORT_S, &out->result->err);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/autoprobe.c - see autoprobe.h. Runs in vdused's main process.
 */
#include "control/sys/autoprobe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"

#define SWITCH "/sys/bus/vdpa/drivers_autoprobe"

static unsigned holders;
static char old_value[8];

static void restore(const char *path, const char *value)
{
	int rc = file_write(AT_FDCWD, SWITCH, value);

	if (rc < 0 && rc != -ENOENT)
		log_warn("cannot restore " SWITCH " to %s: %s: write it there by hand", value, err_str(rc));
	if (rc == 0 || rc == -ENOENT)
		(void)unlink(path);
}

void autoprobe_restore(const char *path)
{
	char value[8];

	if (file_read(AT_FDCWD, path, value, sizeof(value)) != 1 || (value[0] != '0' && value[0] != '1'))
		return;
	log_note("restoring " SWITCH " to %s, which an earlier vdused left changed", value);
	restore(path, value);
}

static int save(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		rc = -EIO;
	fd_close(&fd);
	return rc;
}

int autoprobe_off(const char *path, struct err *e)
{
	int rc;

	if (holders == 0) {
		rc = file_read(AT_FDCWD, SWITCH, old_value, sizeof(old_value));
		if (rc < 0)
			return err_set(e, rc, SWITCH ": %s: load the module with \"modprobe vdpa\"", err_str(rc));
		rc = save(path, old_value);
		if (rc < 0)
			return err_set(e, rc, "%s: %s", path, err_str(rc));
		rc = file_write(AT_FDCWD, SWITCH, "0");
		if (rc < 0) {
			(void)unlink(path);
			return err_set(e, rc, SWITCH ": %s", err_str(rc));
		}
	}
	holders++;
	return 0;
}

void autoprobe_on(const char *path)
{
	if (holders > 0 && --holders == 0)
		restore(path, old_value);
}

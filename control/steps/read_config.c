/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/read_config.c - see read_config.h. Runs in a helper without capabilities.
 */
#include "control/steps/read_config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/err.h"
#include "control/config/load.h"
#include "control/config/options.h"

static int write_all(int fd, const void *buf, size_t size)
{
	const char *at = buf;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			at += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

int read_config(const void *arg, struct helper_out *out)
{
	static struct config c;
	struct err *e = &out->result->err;
	const struct options *o = arg;
	int rc = config_load(o->config, o->said & SAID_CONFIG, &c, e), fd;

	if (rc)
		return rc;
	fd = open(o->runtime_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", o->runtime_dir, err_str(-errno));
	rc = write_all(fd, &c, sizeof(c));
	if (rc)
		return err_set(e, rc, "%s: %s", o->runtime_dir, err_str(rc));
	out->fds[out->nfds++] = fd;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/text.c - see text.h. Trusts nothing about a file until its owner and mode are
 * known.
 */
#include "control/config/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/config/config.h"

static int check_file(int fd, const char *file, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set(e, -errno, "%s: %s", file, err_str(-errno));
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "%s: is no regular file: put one there", file);
	if (st.st_uid != 0 && st.st_uid != geteuid()) /* --check-config may be anybody's */
		return err_set(e, -EPERM, "%s: belongs to uid %u: it must be root's, see \"chown root\"", file,
			       st.st_uid);
	if (st.st_mode & 022)
		return err_set(e, -EPERM, "%s: others than root can write it: \"chmod go-w\" it", file);
	if (st.st_size > (off_t)CONFIG_FILE_MAX)
		return err_set(e, -EFBIG, "%s: has %lld bytes: a configuration has at most %u", file,
			       (long long)st.st_size, CONFIG_FILE_MAX);
	return 0;
}

static int read_text(int fd, const char *file, char *buf, size_t size, struct err *e)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, buf + len, size - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(e, -errno, "%s: %s", file, err_str(-errno));
		len += (size_t)n;
	}
	return (int)len;
}

static int text_of(int fd, const char *file, char **text, size_t *len, struct err *e)
{
	/* one more than allowed: config_tree() notices a file that grew */
	char *buf = malloc(CONFIG_FILE_MAX + 1);
	int rc;

	if (!buf)
		return err_set(e, -ENOMEM, "out of memory");
	rc = read_text(fd, file, buf, CONFIG_FILE_MAX + 1, e);
	if (rc < 0) {
		free(buf);
		return rc;
	}
	*text = buf;
	*len = (size_t)rc;
	return 0;
}

int config_text(const char *file, char **text, size_t *len, struct err *e)
{
	/* O_NONBLOCK: it may be a FIFO */
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;

	if (fd < 0)
		return err_set(e, -errno, "%s: %s", file, err_str(-errno));
	rc = check_file(fd, file, e);
	if (rc == 0)
		rc = text_of(fd, file, text, len, e);
	fd_close(&fd);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/worker_sock.c - see worker_sock.h. Runs in vdused's main process and in the adopt
 * helper. The path is root's own; it goes by way of /proc/self/fd because a socket's address is too
 * short for any runtime directory and any name.
 */
#include "control/sys/worker_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "proto/limits.h"

static int open_dir(const char *dir, struct err *e)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/worker", dir);
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd >= 0 ? fd : err_set(e, -errno, "%s: %s", path, err_str(-errno));
}

static void leaf_name(char *buf, size_t size, const char *name, uint32_t generation)
{
	(void)snprintf(buf, size, "%s.%u", name, generation);
}

/* A socket, and the address of its file below the directory dir_fd. */
static int make(int dir_fd, const char *name, uint32_t generation, struct sockaddr_un *sa, struct err *e)
{
	char leaf[VD_NAME_SIZE + 12];
	int fd;

	leaf_name(leaf, sizeof(leaf), name, generation);
	*sa = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%s", dir_fd, leaf);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	return fd >= 0 ? fd : err_set(e, -errno, "socket: %s", err_str(-errno));
}

int worker_sock_listen(const char *dir, const char *name, uint32_t generation, struct err *e)
{
	int dir_fd = open_dir(dir, e), fd, rc = 0;
	struct sockaddr_un sa;

	if (dir_fd < 0)
		return dir_fd;
	fd = make(dir_fd, name, generation, &sa, e);
	if (fd >= 0) {
		(void)unlink(sa.sun_path);
		if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 || listen(fd, 1) != 0)
			rc = err_set(e, -errno, "%s/worker/%s.%u: %s", dir, name, generation, err_str(-errno));
	}
	fd_close(&dir_fd);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

int worker_sock_connect(const char *dir, const char *name, uint32_t generation, struct err *e)
{
	int dir_fd = open_dir(dir, e), fd, rc = 0;
	struct sockaddr_un sa;

	if (dir_fd < 0)
		return dir_fd;
	fd = make(dir_fd, name, generation, &sa, e);
	if (fd >= 0 &&
	    (fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) != 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0))
		rc = err_set(e, -errno, "%s/worker/%s.%u: %s", dir, name, generation, err_str(-errno));
	fd_close(&dir_fd);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

void worker_sock_remove(const char *dir, const char *name, uint32_t generation)
{
	char path[256];

	/* without a descriptor: it must not fail because there are none left */
	(void)snprintf(path, sizeof(path), "%s/worker/%s.%u", dir, name, generation);
	(void)unlink(path);
}

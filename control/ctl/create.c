/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/create.c - vduse-ctl create: opens the backing file with its caller's own rights and
 * passes it on, so that vdused never opens a path of a tenant's choosing.
 */
#include "control/ctl/create.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/ctl/args.h"
#include "control/ctl/ask.h"
#include "control/ctl/command.h"
#include "control/ctl/conn.h"
#include "control/ctl/json.h"
#include "control/ctl/number.h"
#include "control/ctl/path.h"
#include "control/ctl/report.h"

static int bad_kind(mode_t mode, const char *path, struct err *e)
{
	const char *kind = "something else";

	if (S_ISREG(mode) || S_ISBLK(mode))
		return 0;
	if (S_ISDIR(mode))
		kind = "a directory";
	else if (S_ISCHR(mode))
		kind = "a character device";
	else if (S_ISFIFO(mode))
		kind = "a FIFO";
	else if (S_ISSOCK(mode))
		kind = "a socket";
	return err_class(e, CTL_E_INVALID, "%.200s is %s: give a regular file or a block device", path, kind);
}

static int cannot_open(const char *path, int code, bool read_only, struct err *e)
{
	switch (code) {
	case -EACCES:
	case -EPERM:
		return err_class(e, CTL_E_DENIED, "%.200s: you (uid %u) may not open it for %s%s", path, geteuid(),
				 read_only ? "reading" : "reading and writing",
				 read_only ? "" : ": get the right to, or use --read-only");
	case -ENOENT:
		return err_set(e, code,
			       "%.200s does not exist: make it first, for example with \"truncate -s 1G FILE\"", path);
	case -EROFS:
		return err_set(e, code, "%.200s is on a read-only file system: use --read-only", path);
	}
	return err_set(e, code, "%.200s: cannot be opened: %s", path, err_str(code));
}

/*
 * Opening some device nodes does things, so look before; the look decides nothing: vdused checks
 * the descriptor. O_NONBLOCK, lest a FIFO that slips in between blocks us.
 */
static int open_kind(const struct tool_args *a, struct err *e)
{
	int flags = (a->read_only ? O_RDONLY : O_RDWR) | O_NOCTTY | O_NONBLOCK;
	struct stat st;
	int rc = path_look(a->file, a->no_links, &st);

	if (rc == 0 && bad_kind(st.st_mode, a->file, e) < 0)
		return e->code;
	return rc < 0 ? rc : path_open(a->file, flags, a->no_links);
}

int create_open(const struct tool_args *a, struct err *e)
{
	int fd = open_kind(a, e);

	if (fd >= 0 || e->code)
		return fd;
	if (fd == -ELOOP && a->no_links)
		return err_class(e, CTL_E_DENIED, "%.200s: there is a symbolic link on the way: name the file itself",
				 a->file);
	return cannot_open(a->file, fd, a->read_only, e);
}

static void fill_request(const struct tool_args *a, struct ctl_create *m)
{
	*m = (struct ctl_create){ 0 };
	msg_init(m, CTL_CREATE, sizeof(*m));
	msg_set_string(m->name, sizeof(m->name), a->name);
	msg_set_string(m->serial, sizeof(m->serial), a->serial ? a->serial : "");
	m->flags = (a->read_only ? CTL_F_READ_ONLY : 0) | (a->direct ? CTL_F_DIRECT : 0) |
		   (a->probe ? CTL_F_PROBE : 0) | (a->stop ? CTL_F_STOP : 0);
	m->bus = a->bus;
	m->queues = a->queues;
	m->queue_size = a->queue_size;
	m->block_size = a->block_size;
}

/* The two records of a create (proto/ctl_msg.h). On success node is printable. */
static int request(struct tool_conn *c, const struct tool_args *a, int fd, char *node, size_t size, struct err *e)
{
	struct ctl_plain file = { 0 };
	struct ctl_create create;
	union ctl_any answer;
	int rc;

	fill_request(a, &create);
	rc = tool_ask(c, &create, sizeof(create), CTL_SEND_FILE, &answer, e);
	if (rc < 0)
		return rc;
	msg_init(&file, CTL_FILE, sizeof(file));
	rc = tool_send(c, &file, sizeof(file), fd, e);
	if (rc == 0)
		rc = tool_answer(c, CTL_CREATED, &answer, e);
	if (rc < 0)
		return rc;
	err_printable(answer.created.node);
	msg_set_string(node, size, answer.created.node);
	if (node[0] == '\0')
		return err_class(e, CTL_E_PROTOCOL, "vdused reports success without a node");
	return 0;
}

int create_device(const struct tool_args *a, const struct tool_env *env, int fd, char *node, size_t size, struct err *e)
{
	struct tool_conn c = { .fd = -1 };
	int rc = fd < 0 ? fd : tool_connect(&c, a->socket, env, e);

	if (rc == 0) {
		tool_grant(&c, env->change_ms, "attach", a->name);
		rc = request(&c, a, fd, node, size, e);
	}
	tool_disconnect(&c);
	return rc;
}

/* There is one of that name: its node, if it has one already; else e stays as it is. */
static int node_of(const struct tool_args *a, const struct tool_env *env, char *node, size_t size, struct err *e)
{
	struct tool_conn c = { .fd = -1 };
	struct err other = { 0 };
	struct ctl_info info;
	int rc = tool_connect(&c, a->socket, env, &other);

	if (rc == 0)
		rc = tool_ask_device(&c, a->name, &info, &other);
	tool_disconnect(&c);
	if (rc < 0 || info.node[0] == '\0')
		return e->code;
	msg_set_string(node, size, info.node);
	return 0;
}

int tool_create(const struct tool_args *a, const struct tool_env *env)
{
	char node[VD_NODE_SIZE];
	struct err e = { 0 };
	int fd = create_open(a, &e), rc = create_device(a, env, fd, node, sizeof(node), &e);
	bool opened = fd >= 0;

	fd_close(&fd);
	if (rc < 0 && a->if_absent && (!opened || e.class == CTL_E_EXISTS))
		rc = node_of(a, env, node, sizeof(node), &e);
	if (rc < 0)
		return tool_report(TOOL_CREATE, a->name, &e);
	if (a->json)
		return print_created_json(a->name, node);
	(void)puts(node);
	return TOOL_OK;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/reload.c - see reload.h. Runs in vdused's main process, and step_read() in a helper. The
 * helper hands the parsed configuration back as an unnamed file: it is our own code's word, as a
 * helper's always is.
 */
#include "control/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/config/load.h"
#include "control/helper/helper.h"
#include "control/sys/sd_notify.h"

#define READ_MS 20000U

static struct config configs[2]; /* the one that holds, and the next */
static struct options line, merged;
static enum { IDLE, READING, READ_AGAIN } state;

/* ---- helper ---------------------------------------------------------------------------------- */

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

/* helper_fn. Result: a descriptor of a struct config. */
static int step_read(const void *arg, struct helper_out *out)
{
	static struct config c;
	struct err *e = &out->result->err;
	const struct options *o = arg;
	int rc = config_load(o->config, o->said & SAID_CONFIG, &c, e), fd;

	if (rc < 0)
		return rc;
	fd = open(o->runtime_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", o->runtime_dir, err_str(-errno));
	rc = write_all(fd, &c, sizeof(c));
	if (rc < 0)
		return err_set(e, rc, "%s: %s", o->runtime_dir, err_str(rc));
	out->fds[out->nfds++] = fd;
	return 0;
}

/* ---- main process ---------------------------------------------------------------------------- */

static void take(struct service *svc, struct config *c, const struct options *o)
{
	svc->config = c;
	svc->limits.memory = c->worker_memory;
	svc->limits.tasks = c->worker_pids;
	svc->limits.cpu = c->worker_cpu;
	merged = *o;
	log_init("vdused", merged.level);
	log_note("%s: %s; tenants: %u; %s", merged.config, c->from_file ? "read" : "there is none", c->ntenants,
		 c->restricted      ? "tenants, administrators and root are served"
		 : merged.has_group ? "whoever can connect is served: root and the socket's group"
				    : "whoever can connect is served: root only");
	if (c->ntenants && !merged.has_group)
		log_warn("%s: tenants cannot reach the socket: set socket-group to a group that they are in",
			 merged.config);
}

int reload_first(struct service *svc, const struct options *o, struct err *e)
{
	struct options now;
	int rc;

	line = *o;
	rc = config_load(line.config, line.said & SAID_CONFIG, &configs[0], e);
	if (rc < 0)
		return rc;
	options_merge(&now, &line, &configs[0]);
	svc->opt = &merged;
	take(svc, &configs[0], &now);
	return 0;
}

/* What was used up at the start stays as it is. */
static void keep_fixed(struct options *now, struct config *c)
{
	if (now->has_group != merged.has_group || now->group != merged.group)
		log_warn("%s: socket-group has changed: that takes effect when vdused is started again", merged.config);
	if (now->uid_first != merged.uid_first || now->uid_last != merged.uid_last)
		log_warn("%s: worker-uids has changed: that takes effect when vdused is started again", merged.config);
	now->has_group = merged.has_group;
	now->group = merged.group;
	now->uid_first = c->uid_first = merged.uid_first;
	now->uid_last = c->uid_last = merged.uid_last;
}

static void use(struct service *svc, int fd)
{
	struct config *next = svc->config == &configs[0] ? &configs[1] : &configs[0];
	struct options now;

	if (pread(fd, next, sizeof(*next), 0) != (ssize_t)sizeof(*next)) {
		log_error("%s: cannot be taken over from the helper: the old configuration stays", merged.config);
		return;
	}
	options_merge(&now, &line, next);
	keep_fixed(&now, next);
	take(svc, next, &now);
}

static void on_read(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct service *svc = ctx;
	bool again = state == READ_AGAIN;

	if (res->err.code || nfds != 1)
		log_error("%s: the old configuration stays", res->err.code ? res->err.text : "no result");
	else
		use(svc, fds[0]);
	while (nfds > 0)
		fd_close(&fds[--nfds]);
	state = IDLE;
	if (again)
		reload_begin(svc);
	else
		notify("READY=1");
}

void reload_begin(struct service *svc)
{
	struct helper_spec spec = { .name = "configuration", .fn = step_read, .arg = &line, .deadline_ms = READ_MS };
	struct err e = { 0 };

	if (svc->stopping)
		return;
	if (state != IDLE) {
		state = READ_AGAIN;
		return;
	}
	log_note("%s: reading it again", line.config);
	if (helper_start(svc->base, &spec, on_read, svc, &e) < 0) {
		log_error("%s: the old configuration stays", e.text);
		return;
	}
	state = READING;
	notify("RELOADING=1");
}

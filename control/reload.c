/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/reload.c - see reload.h. Runs in vdused's main process; the file is read by a helper.
 */
#include "control/reload.h"

#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/config/load.h"
#include "control/steps/table.h"
#include "control/sys/sd_notify.h"

static struct config configs[2]; /* the one that holds, and the next */
static struct options line, merged;
static enum { IDLE, READING, READ_AGAIN } state;

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

static void on_read(void *ctx, struct helper_result *res)
{
	struct service *svc = ctx;
	bool again = state == READ_AGAIN;
	int fd = res->nfds ? fd_take(&res->fds[0]) : -1; /* an unnamed file of ours */

	if (res->err.code || fd < 0)
		log_error("%s: the old configuration stays", res->err.code ? res->err.text : "no result");
	else
		use(svc, fd);
	fd_close(&fd);
	state = IDLE;
	if (again)
		reload_begin(svc);
	else
		notify("READY=1");
}

void reload_begin(struct service *svc)
{
	struct helper_call call = { .arg = &line };
	struct err e = { 0 };

	if (svc->stopping)
		return;
	if (state != IDLE) {
		state = READ_AGAIN;
		return;
	}
	log_note("%s: reading it again", line.config);
	if (helper_start(svc->base, &helper_kinds[HELPER_CONFIGURATION], &call, on_read, svc, &e)) {
		log_error("%s: the old configuration stays", e.text);
		return;
	}
	state = READING;
	notify("RELOADING=1");
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/server/requests.c - what each request of the control socket does. Runs in vdused's main
 * process. The message's form was checked by proto/ctl_msg.c (size, reserved fields, terminated
 * strings); here its content is checked against the rules a person can break, each with a text. Who
 * may do what is asked of control/device/access.h; no answer here says anything about a device that
 * its caller may not see.
 */
#include "control/server/requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/access.h"
#include "control/ops/create.h"
#include "control/ops/delete.h"
#include "control/ops/recover.h"
#include "control/ops/resize.h"
#include "control/ops/resume.h"
#include "control/ops/upgrade.h"
#include "control/server/client.h"
#include "control/server/params.h"
#include "control/sys/log_limit.h"
#include "control/sys/own_limits.h"
#include "proto/name.h"

#define DEVICES_MAX 1024U

/* ---- version, list, show --------------------------------------------------------------------- */

static void do_version(struct client *c, const void *buf)
{
	struct ctl_version_is m;

	(void)buf;
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_VERSION_IS, sizeof(m));
	msg_set_string(m.version, sizeof(m.version), VDUSED_VERSION);
	m.pid = (uint32_t)getpid();
	m.devices = access_count(client_service(c), client_owner(c));
	client_answer(c, &m, sizeof(m));
}

static void do_list(struct client *c, const void *buf)
{
	const struct ctl_list *req = buf;
	static struct ctl_list_page page; /* some KiB: not on the stack */
	const struct owner *who = client_owner(c);
	struct err e = { 0 };
	struct device *d;

	if (policy_may(client_service(c)->config, who, POLICY_LIST, &e) < 0) {
		client_error(c, &e);
		return;
	}
	d = access_after(client_service(c), who, req->after);
	memset(&page, 0, sizeof(page));
	msg_init(&page, CTL_LIST_PAGE, sizeof(page));
	for (; d && page.count < CTL_PAGE; d = access_after(client_service(c), who, d->name))
		device_info(d, &page.entry[page.count++]);
	page.more = d != NULL;
	client_answer(c, &page, sizeof(page));
}

/* What vdused refuses is in its log, too. */
static bool refused(struct client *c, const struct device *d, enum device_request request, const char *word)
{
	struct err e = { 0 };

	if (device_refuses(d, request, &e) == 0)
		return false;
	if (log_limit_allows(client_owner(c)->uid))
		log_warn("%s: %s: %s", d->name, word, e.text);
	client_error(c, &e);
	return true;
}

static struct device *find_or_refuse(struct client *c, enum policy_op op, const char *name)
{
	struct err e = { 0 };
	struct device *d = access_find(client_service(c), client_owner(c), op, name, &e);

	if (!d)
		client_error(c, &e);
	return d;
}

static void do_show(struct client *c, const void *buf)
{
	const struct ctl_name *req = buf;
	struct device *d = find_or_refuse(c, POLICY_SHOW, req->name);
	struct ctl_device m;

	if (!d)
		return;
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_DEVICE, sizeof(m));
	device_info(d, &m.info);
	client_answer(c, &m, sizeof(m));
}

/* ---- create ---------------------------------------------------------------------------------- */

/*
 * A worker that dies must find what its replacement takes: creates leave that alone, and those
 * under way count as well.
 */
static int fds_for_create(const struct service *svc, struct err *e)
{
	unsigned left = own_fds_free(), wanted = FDS_SPARE + FDS_CREATE;
	const struct device *d;

	TAILQ_FOREACH(d, &svc->devices, link)
		wanted += d->state == DEV_CREATING ? FDS_CREATE : 0;
	if (left >= wanted)
		return 0;
	return err_set(
		e, -EMFILE,
		"vdused can open only %u more descriptors, and a create must leave %u: delete a device, or start "
		"vdused with a higher limit (ulimit -n, LimitNOFILE=)",
		left, FDS_SPARE);
}

/* What the caller may not do comes before what is there: so he learns nothing of others' names. */
static int check_create(struct client *c, const struct ctl_create *r, const struct tenant **t, struct err *e)
{
	struct service *svc = client_service(c);
	const struct policy_request p = {
		.name = r->name,
		.queues = params_queues(r),
		.bus = r->bus,
		.probe = r->flags & CTL_F_PROBE,
		.stop = r->flags & CTL_F_STOP,
		.bounce = svc->config->bounce_size,
	};
	int rc = access_start(client_owner(c), client_owner(c)->uid, e);

	if (rc < 0)
		return rc;
	if (svc->stopping)
		return err_set(e, -ESHUTDOWN, "vdused is being stopped");
	if (!name_valid(r->name))
		return err_class(e, CTL_E_INVALID, "bad name: a device's name is " NAME_RULE);
	if (!serial_valid(r->serial))
		return err_class(e, CTL_E_INVALID, "bad serial: a serial is " SERIAL_RULE);
	rc = params_check(r, e);
	if (rc == 0)
		rc = access_create(svc, client_owner(c), &p, t, e);
	if (rc < 0)
		return rc;
	if (device_find(svc, r->name))
		return err_class(e, CTL_E_EXISTS,
				 "there is already a device of that name: choose another, or delete that one");
	if (svc->ndevices >= DEVICES_MAX)
		return err_class(e, CTL_E_LIMIT, "there are %u devices, as many as vdused serves: delete one first",
				 DEVICES_MAX);
	return fds_for_create(svc, e);
}

static void on_file_taken(struct device *d)
{
	if (d->client)
		client_watch(d->client);
}

static void on_create_done(struct device *d, const struct err *e)
{
	struct client *c = d->client;
	struct ctl_created m;

	if (!c)
		return;
	if (e->code) {
		client_error(c, e);
		return;
	}
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_CREATED, sizeof(m));
	memcpy(m.node, d->node, sizeof(m.node));
	client_answer(c, &m, sizeof(m));
}

static void do_create(struct client *c, const void *buf)
{
	struct service *svc = client_service(c);
	const struct ctl_create *r = buf;
	struct ctl_plain go;
	const struct tenant *t = NULL;
	struct err e = { 0 };
	struct device *d;

	if (check_create(c, r, &t, &e) < 0) {
		client_error(c, &e);
		return;
	}
	d = device_new(svc, r->name);
	if (!d) {
		(void)err_class(&e, CTL_E_LIMIT, "out of memory");
		client_error(c, &e);
		return;
	}
	params_set(d, r);
	d->owner = *client_owner(c);
	d->bounce_size = svc->config->bounce_size;
	if (t)
		memcpy(d->tenant, t->name, sizeof(d->tenant));
	client_wait(c, d);
	client_pause(c);
	if (create_run(d, client_fd(c), on_file_taken, on_create_done, &e) < 0) {
		client_error(c, &e);
		device_free(d);
		return;
	}
	memset(&go, 0, sizeof(go));
	msg_init(&go, CTL_SEND_FILE, sizeof(go));
	/* if it was dropped, the create is cancelled by that */
	(void)client_send(c, &go, sizeof(go));
}

static void answer_ok(struct client *c)
{
	struct ctl_plain ok;

	memset(&ok, 0, sizeof(ok));
	msg_init(&ok, CTL_OK, sizeof(ok));
	client_answer(c, &ok, sizeof(ok));
}

/* ---- delete ---------------------------------------------------------------------------------- */

static void on_delete_done(struct device *d, const struct err *e)
{
	struct client *c = d->client;

	if (e->code && log_limit_allows(c ? client_owner(c)->uid : d->owner.uid))
		log_warn("%s: delete: %s: %s", d->name, e->step, e->text);
	if (!e->code)
		log_note("%s: deleted", d->name);
	if (c && e->code) {
		client_error(c, e);
	} else if (c) {
		answer_ok(c);
	}
}

static void do_delete(struct client *c, const void *buf)
{
	const struct ctl_name *r = buf;
	bool force = r->flags & CTL_DELETE_FORCE;
	struct device *d = find_or_refuse(c, POLICY_DELETE, r->name);
	struct err e = { 0 };

	if (!d || refused(c, d, force ? DEV_DELETE_FORCE : DEV_DELETE, "delete"))
		return;
	if (access_start_delete(d, client_owner(c), &e) < 0) {
		client_error(c, &e);
		return;
	}
	client_wait(c, d);
	delete_run(d, force, on_delete_done);
}

/* ---- upgrade, recover, resize, resume -------------------------------------------------------- */

static void on_changed(struct device *d, const struct err *e)
{
	if (e->code && log_limit_allows(d->client ? client_owner(d->client)->uid : d->owner.uid))
		log_warn("%s: %s: %s", d->name, d->op.name, e->text);
	if (d->client && e->code)
		client_error(d->client, e);
	else if (d->client)
		answer_ok(d->client);
}

static void on_resize_done(struct device *d, const struct err *e)
{
	struct ctl_resized m;

	if (e->code || !d->client) {
		on_changed(d, e);
		return;
	}
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_RESIZED, sizeof(m));
	m.size = d->backing.size;
	client_answer(d->client, &m, sizeof(m));
}

/* The device that the caller may change, and that can be changed now; else he has been told. */
static struct device *to_change(struct client *c, const char *name, enum device_request request, const char *change)
{
	struct device *d = find_or_refuse(c, POLICY_CHANGE, name);

	return d && !refused(c, d, request, change) ? d : NULL;
}

/* The same for a change that starts helpers. */
static struct device *to_change_by_helper(struct client *c, const char *name, enum device_request request,
					  const char *change)
{
	struct device *d = to_change(c, name, request, change);
	struct err e = { 0 };

	if (!d || access_start(client_owner(c), d->owner.uid, &e) == 0)
		return d;
	client_error(c, &e);
	return NULL;
}

static void do_upgrade(struct client *c, const void *buf)
{
	struct device *d = to_change_by_helper(c, ((const struct ctl_name *)buf)->name, DEV_UPGRADE, "upgrade");

	if (!d)
		return;
	client_wait(c, d);
	change_upgrade(d, on_changed);
}

static void do_recover(struct client *c, const void *buf)
{
	struct device *d = to_change_by_helper(c, ((const struct ctl_name *)buf)->name, DEV_RECOVER, "recover");

	if (!d)
		return;
	client_wait(c, d);
	change_recover(d, on_changed);
}

static void do_resize(struct client *c, const void *buf)
{
	const struct ctl_resize *r = buf;
	struct device *d = to_change_by_helper(c, r->name, DEV_RESIZE, "resize");

	if (!d)
		return;
	client_wait(c, d);
	change_resize(d, r->size, on_resize_done);
}

static void do_resume(struct client *c, const void *buf)
{
	struct device *d = to_change(c, ((const struct ctl_name *)buf)->name, DEV_RESUME, "resume");

	if (!d)
		return;
	client_wait(c, d);
	change_resume(d, on_changed);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static const struct {
	uint16_t type;
	void (*run)(struct client *c, const void *buf);
} handlers[] = {
	{ CTL_VERSION, do_version }, { CTL_CREATE, do_create }, { CTL_LIST, do_list },
	{ CTL_SHOW, do_show },       { CTL_DELETE, do_delete }, { CTL_RECOVER, do_recover },
	{ CTL_UPGRADE, do_upgrade }, { CTL_RESIZE, do_resize }, { CTL_RESUME, do_resume },
};

void request_handle(struct client *c, uint16_t type, const void *buf)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].type == type) {
			handlers[i].run(c, buf);
			return;
		}
}

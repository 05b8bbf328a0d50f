/*
 * control/watch/unkillable.c - see unkillable.h. Main process of vdused; the setting is written by a helper without capabilities.
 */
#include "control/watch/unkillable.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/helper/helper.h"
#include "control/steps/msg_timeout.h"

#define LOOK_S 1
#define WRITE_MS 5000U

static struct {
	struct service *svc;
	struct event *timer;
	char name[VD_NAME_SIZE]; /* the device whose timeout a helper shortens, "" = none */
} watch;

static void on_shortened(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = device_find(watch.svc, watch.name);

	(void)ctx;
	helper_drop_fds(fds, nfds);
	watch.name[0] = '\0';
	if (!d)
		return;
	if (res->err.code) { /* msg_timeout is not known: nothing to set back, and it is tried again */
		log_warn("%s: %s", d->name, res->err.text);
		return;
	}
	memcpy(&d->msg_timeout, res->data, sizeof(d->msg_timeout));
	d->timeout_short = true;
	log_error("%s: its worker %d does not end although killed, as the kernel waits for memory of its driver: the "
		  "next message to it is waited for %u s, and then the device is lost",
		  d->name, (int)d->worker->pid, MSG_TIMEOUT_SHORT_S);
}

static bool hangs(const struct device *d)
{
	const struct worker *w = d->worker;

	return d->bus == CTL_BUS_VHOST && d->attached && !d->broken && !d->timeout_short && w->pidfd >= 0 &&
	       w->killed_ms && now_ms() - w->killed_ms > HUNG_MS;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct helper_spec spec = {
		.name = "message timeout", .fn = msg_timeout_shorten, .arg = watch.name, .deadline_ms = WRITE_MS
	};
	struct err e = { 0 };
	struct device *d;

	(void)fd;
	(void)what;
	(void)arg;
	if (watch.name[0])
		return;
	TAILQ_FOREACH(d, &watch.svc->devices, link)
		if (hangs(d))
			break;
	if (!d)
		return;
	memcpy(watch.name, d->name, sizeof(watch.name));
	if (helper_start(watch.svc->base, &spec, on_shortened, NULL, &e))
		watch.name[0] = '\0';
}

int hung_watch(struct service *svc, struct err *e)
{
	struct timeval tv = { .tv_sec = LOOK_S };

	watch.svc = svc;
	watch.timer = event_new(svc->base, -1, EV_PERSIST, on_tick, NULL);
	if (!watch.timer || event_add(watch.timer, &tv) != 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/watch/unkillable.c: whose message timeout is set back, in turns, and whose
 * is not by mistake. Everything around it is a stand-in.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "control/device/saved.h"
#include "control/helper/helper.h"
#include "control/steps/msg_timeout.h"
#include "control/sys/proc_sched.h"
#include "control/watch/netlink_watch.h"
#include "control/watch/unkillable.h"

static struct service svc;
static struct device dev[2];
static event_callback_fn tick;
static helper_done *helper_ends;
static char asked[VD_NAME_SIZE]; /* the device that the helper is at */
static long long hopeless; /* when the last worker that could be the cause was replaced */

/* ---- stand-ins ------------------------------------------------------------------------------- */

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg)
{
	(void)base;
	(void)fd;
	(void)what;
	(void)arg;
	tick = fn;
	return (struct event *)(void *)&tick;
}

int event_add(struct event *ev, const struct timeval *tv)
{
	return ev && tv ? 0 : -1;
}

int helper_start(struct event_base *base, const struct helper_kind *kind, const struct helper_call *call,
		 helper_done *done, void *ctx, struct err *e)
{
	const struct msg_timeout_arg *a = call->arg;

	(void)base;
	(void)ctx;
	(void)e;
	assert_null(helper_ends);
	assert_string_equal(kind->name, "message timeout");
	memcpy(asked, a->name, sizeof(asked));
	helper_ends = done;
	return 0;
}

struct device *device_find(struct service *s, const char *name)
{
	struct device *d;

	TAILQ_FOREACH(d, &s->devices, link)
		if (strcmp(d->name, name) == 0)
			return d;
	return NULL;
}

struct device *device_after(struct service *s, const char *after)
{
	struct device *d;

	TAILQ_FOREACH(d, &s->devices, link)
		if (strcmp(d->name, after) > 0)
			return d;
	return NULL;
}

int saved_write(struct device *d)
{
	assert_non_null(d);
	return 0;
}

bool proc_runnable(pid_t pid)
{
	return pid == 0;
}

long long netlink_watch_hopeless_ms(void)
{
	return hopeless;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void end_helper(int code)
{
	struct helper_result res = { 0 };
	helper_done *done = helper_ends;

	if (code)
		(void)err_set(&res.err, code, "it failed");
	helper_ends = NULL;
	done(NULL, &res);
}

/* Two devices whose timeout is short still, and whose workers have ended. */
static int setup(void **state)
{
	static const char *const names[] = { "one", "two" };
	struct err e = { 0 };

	(void)state;
	memset(dev, 0, sizeof(dev));
	TAILQ_INIT(&svc.devices);
	for (unsigned i = 0; i < 2; i++) {
		msg_set_string(dev[i].name, sizeof(dev[i].name), names[i]);
		dev[i].id = i + 1;
		dev[i].has_kernel_dev = dev[i].timeout_short = true;
		dev[i].worker = &dev[i].slot[0];
		dev[i].worker->pidfd = -1;
		TAILQ_INSERT_TAIL(&svc.devices, &dev[i], link);
	}
	helper_ends = NULL;
	hopeless = 0;
	return unkillable_watch(&svc, &e);
}

static void test_what_fails_for_one_keeps_no_other_waiting(void **state)
{
	(void)state;
	tick(-1, 0, NULL);
	assert_string_equal(asked, "one");
	tick(-1, 0, NULL); /* one helper at a time */
	end_helper(-EIO);
	tick(-1, 0, NULL);
	assert_string_equal(asked, "two");
	end_helper(0);
	assert_false(dev[1].timeout_short);
	tick(-1, 0, NULL);
	assert_string_equal(asked, "one");
	end_helper(0);
	assert_false(dev[0].timeout_short);
	tick(-1, 0, NULL);
	assert_null(helper_ends);
}

/* It was deleted and made again while the helper was at it. */
static void test_another_of_that_name(void **state)
{
	(void)state;
	dev[1].timeout_short = false;
	tick(-1, 0, NULL);
	assert_string_equal(asked, "one");
	dev[0].id = 3;
	end_helper(0);
	assert_true(dev[0].timeout_short);
	tick(-1, 0, NULL);
	end_helper(0);
	assert_false(dev[0].timeout_short);
}

/* Its process has ended, and what it began has not: nobody answers in its place, either. */
static void test_io_that_does_not_end(void **state)
{
	(void)state;
	dev[0].timeout_short = dev[1].timeout_short = false;
	dev[1].bus = CTL_BUS_VHOST;
	dev[1].attached = dev[1].respawn.active = true;
	hopeless = now_ms();
	tick(-1, 0, NULL);
	assert_null(helper_ends);
	dev[1].respawn.io_since = now_ms() - HUNG_MS - 1;
	tick(-1, 0, NULL);
	assert_string_equal(asked, "two");
	end_helper(0);
	end_helper(0); /* looked at, and shortened */
	assert_true(dev[1].timeout_short);
	tick(-1, 0, NULL);
	assert_null(helper_ends); /* not while it lasts */
	dev[1].respawn.io_since = 0;
	tick(-1, 0, NULL);
	end_helper(0);
	assert_false(dev[1].timeout_short);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_what_fails_for_one_keeps_no_other_waiting, setup),
		cmocka_unit_test_setup(test_another_of_that_name, setup),
		cmocka_unit_test_setup(test_io_that_does_not_end, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

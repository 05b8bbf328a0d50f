/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When netlink hangs: whose worker is replaced, in which order, and how often; never one that then
 * counts as dead. Everything around control/watch/netlink_watch.c is a stand-in; the helper is
 * "stuck" when the test says so.
 */
#include "tests/unit/unit.h"

#include <event2/event.h>
#include <string.h>

#include "common/fd.h"
#include "control/device/saved.h"
#include "control/helper/helper.h"
#include "control/watch/netlink_watch.h"

#define DEVICES 40

static struct service svc;
static struct device dev[DEVICES];
static unsigned kills[DEVICES];
static event_callback_fn tick;
static helper_done *answered;
static unsigned asked, stuck;
static long long clock_ms;

long long now_ms(void)
{
	return clock_ms;
}

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
	(void)ev;
	assert_int_equal(tv->tv_sec * 1000 + tv->tv_usec / 1000, STALL_ASK_MS);
	return 0;
}

int saved_write(struct device *d)
{
	assert_non_null(d);
	return 0;
}

int helper_start(struct event_base *base, const struct helper_kind *kind, const struct helper_call *call,
		 helper_done *done, void *ctx, struct err *e)
{
	(void)base;
	(void)ctx;
	(void)e;
	assert_int_equal(kind->caps, 0);
	assert_int_equal(call->uid, UINT32_MAX);
	answered = done;
	asked++;
	return 0;
}

unsigned helper_given_up(uint32_t uid)
{
	(void)uid;
	return stuck;
}

void worker_replace(struct worker *w, const char *why)
{
	(void)why;
	for (unsigned i = 0; i < DEVICES; i++)
		if (w == dev[i].worker)
			kills[i]++;
}

static unsigned killed(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DEVICES; i++)
		n += kills[i];
	return n;
}

static void step(void)
{
	clock_ms += STALL_ASK_MS;
	tick(-1, 0, NULL);
}

/* The time until the next round, with nobody replaced before its end. */
static void next_round(void)
{
	unsigned before = killed();

	for (unsigned ms = STALL_ASK_MS; ms < STALL_ROUND_MS; ms += STALL_ASK_MS) {
		step();
		assert_int_equal(killed(), before);
	}
	step();
}

static void answer(unsigned is_stuck)
{
	static struct helper_result res;

	stuck = is_stuck;
	answered(NULL, &res);
}

static int setup(void **state)
{
	struct err e = { 0 };

	(void)state;
	memset(dev, 0, sizeof(dev));
	memset(kills, 0, sizeof(kills));
	asked = stuck = 0;
	clock_ms += 1000000;
	TAILQ_INIT(&svc.devices);
	for (unsigned i = 0; i < DEVICES; i++) {
		dev[i].worker = &dev[i].slot[0];
		dev[i].worker->phase = WORKER_SERVING;
		dev[i].attached = true;
		dev[i].bus = CTL_BUS_VHOST;
		TAILQ_INSERT_TAIL(&svc.devices, &dev[i], link);
	}
	return netlink_watch_start(&svc, &e);
}

static void test_nobody_is_asked_without_a_suspect(void **state)
{
	(void)state;
	for (unsigned i = 0; i < DEVICES; i++)
		dev[i].bus = CTL_BUS_VIRTIO;
	step();
	assert_int_equal(asked, 0);
	dev[3].bind_watch.helper = (struct helper *)(void *)&dev; /* a bind or detach */
	step();
	assert_int_equal(asked, 1);
	answer(0);
	dev[3].attached = false;
	step();
	assert_int_equal(asked, 1);
}

static void test_one_question_at_a_time_and_an_answer_harms_nobody(void **state)
{
	(void)state;
	step();
	step();
	assert_int_equal(asked, 1);
	answer(0);
	step();
	assert_int_equal(asked, 2);
	answer(0);
	assert_int_equal(killed(), 0);
}

static void test_more_each_round_and_none_twice(void **state)
{
	long long before = netlink_watch_hopeless_ms();

	(void)state;
	dev[2].worker->phase = WORKER_NONE;
	dev[5].bus = CTL_BUS_VIRTIO;
	dev[6].broken = true;
	step();
	answer(1);
	assert_int_equal(killed(), STALL_FIRST_ROUND);
	next_round();
	assert_int_equal(killed(), 3 * STALL_FIRST_ROUND);
	next_round();
	assert_int_equal(killed(), 37);
	assert_int_equal(netlink_watch_hopeless_ms(), before);
	next_round();
	next_round();
	assert_int_equal(killed(), 37);
	assert_int_equal(netlink_watch_hopeless_ms(), clock_ms); /* whoever it is does not end */
	assert_int_equal(kills[2] + kills[5] + kills[6], 0);
	for (unsigned i = 0; i < DEVICES; i++)
		assert_in_range(kills[i], 0, 1);
	assert_int_equal(asked, 1); /* the first is stuck still */
	stuck = 0;
	step();
	assert_int_equal(asked, 2);
	answer(1); /* again, within a minute */
	assert_int_equal(killed(), 37);
	clock_ms += STALL_SPARE_MS;
	step();
	assert_int_equal(killed(), 37 + 2 * STALL_FIRST_ROUND);
}

static void test_those_in_a_step_come_first(void **state)
{
	(void)state;
	dev[15].bind_watch.helper = dev[16].bind_watch.helper = (struct helper *)(void *)&dev;
	dev[16].bus = CTL_BUS_VIRTIO;
	step();
	answer(1);
	assert_int_equal(killed(), 2);
	assert_int_equal(kills[15] + kills[16], 2);
	next_round();
	assert_int_equal(killed(), 2 + STALL_FIRST_ROUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nobody_is_asked_without_a_suspect, setup),
		cmocka_unit_test_setup(test_one_question_at_a_time_and_an_answer_harms_nobody, setup),
		cmocka_unit_test_setup(test_more_each_round_and_none_twice, setup),
		cmocka_unit_test_setup(test_those_in_a_step_come_first, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

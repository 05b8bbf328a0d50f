/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/life.c - see life.h. Stand-ins with the names of what they stand for.
 */
#include "tests/unit/life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/access.h"
#include "control/device/saved.h"
#include "control/helper/close_elsewhere.h"
#include "control/helper/helper.h"
#include "control/steps/vdpa_bus.h"
#include "control/sys/autoprobe.h"
#include "control/sys/cgroup.h"
#include "control/sys/fence.h"
#include "control/sys/log_limit.h"
#include "control/watch/respawn.h"

struct service life_svc;
struct err life_last;
bool life_no_helper, life_no_worker, life_no_save, life_frozen, life_unbound, life_close_waits;
struct err life_no_room;
void (*life_look)(const void *arg);
char life_log[LOG_LINE_SIZE];
bool life_wrong_moves;

static struct options opt;
static char words[2000];
static long long clock_ms = 1000000;
static helper_done *helper_ends;
static void *helper_ctx;
static struct helper **helper_handle;
static struct worker *worker;
static worker_started *when_started;
static worker_stopped *when_stopped;
static worker_resized *when_resized;
static event_callback_fn timer_fn;
static void *timer_arg;
static bool standby;

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *fmt, ...)
{
	size_t n = strlen(words);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words + n, sizeof(words) - n, fmt, ap);
	va_end(ap);
	n = strlen(words);
	assert_true(n + 2 < sizeof(words));
	memcpy(words + n, " ", 2);
}

void life_forget(void)
{
	words[0] = '\0';
}

void life_expect(const char *wanted)
{
	size_t n = strlen(words);

	if (n)
		words[n - 1] = '\0';
	assert_string_equal(words, wanted);
	words[0] = '\0';
}

/* ---- the log --------------------------------------------------------------------------------- */

void __real_log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void __wrap_log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* In the place of log_line(). */
void __wrap_log_line(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(life_log, sizeof(life_log), fmt, ap);
	va_end(ap);
	if (strstr(life_log, "this must not be") && !life_wrong_moves)
		fail_msg("%s", life_log);
	__real_log_line(level, "%s", life_log);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* In the place of now_ms(): see control.mk. */
long long __wrap_now_ms(void);
long long __wrap_now_ms(void)
{
	return clock_ms;
}

void life_sleep(long long ms)
{
	clock_ms += ms;
}

struct timer { /* what a struct event * of ours points to */
	event_callback_fn fn;
	void *arg;
};

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg)
{
	struct timer *t = malloc(sizeof(*t));

	(void)base;
	(void)fd;
	(void)what;
	assert_non_null(t);
	*t = (struct timer){ .fn = fn, .arg = arg };
	return (struct event *)(void *)t;
}

int event_add(struct event *ev, const struct timeval *tv)
{
	const struct timer *t = (const void *)ev;

	timer_fn = t->fn;
	timer_arg = t->arg;
	say("timer:%lld", (long long)tv->tv_sec * 1000 + tv->tv_usec / 1000);
	return 0;
}

int event_del(struct event *ev)
{
	const struct timer *t = (const void *)ev;

	if (timer_fn == t->fn)
		timer_fn = NULL;
	return 0;
}

void event_free(struct event *ev)
{
	(void)event_del(ev);
	free((void *)ev);
}

void life_timer(void)
{
	event_callback_fn fn = timer_fn;

	assert_non_null(fn);
	timer_fn = NULL;
	fn(-1, EV_TIMEOUT, timer_arg);
}

/* ---- helpers --------------------------------------------------------------------------------- */

int helper_start(struct event_base *base, const struct helper_kind *kind, const struct helper_call *call,
		 helper_done *done, void *ctx, struct err *e)
{
	(void)base;
	assert_null(helper_ends); /* one at a time */
	if (life_no_helper)
		return err_set(e, -EAGAIN, "no process");
	assert_int_equal(call->uid, LIFE_OWNER); /* or nobody's limit counts it */
	say("helper:%s", kind->name);
	helper_ends = done;
	helper_ctx = ctx;
	if (life_look)
		life_look(call->arg);
	helper_handle = call->handle;
	if (helper_handle)
		*helper_handle = (struct helper *)(void *)&helper_ends;
	return 0;
}

static void helper_end(struct helper_result *res, int fd)
{
	helper_done *done = helper_ends;

	assert_non_null(done);
	helper_ends = NULL;
	if (helper_handle)
		*helper_handle = NULL;
	helper_handle = NULL;
	res->fds[0] = fd;
	res->nfds = fd >= 0;
	done(helper_ctx, res);
	fd_close(&res->fds[0]); /* what was not taken */
}

void life_helper_fails(int code)
{
	struct helper_result res = { 0 };

	(void)err_set(&res.err, code, "it failed");
	helper_end(&res, -1);
}

void life_helper_starves(void)
{
	struct helper_result res = { .starved = true };

	(void)err_set(&res.err, -ETIMEDOUT, "it did not finish in time");
	helper_end(&res, -1);
}

void life_helper_ends(const void *data, size_t size, int fd)
{
	struct helper_result res = { 0 };

	assert_true(size <= sizeof(res.data));
	if (size)
		memcpy(res.data, data, size);
	helper_end(&res, fd);
}

void helper_cancel(struct helper *h)
{
	assert_non_null(h);
	say("cancel");
}

void close_elsewhere(struct event_base *base, int *fd, uint32_t uid)
{
	(void)base;
	(void)uid;
	fd_close(fd);
}

int close_elsewhere_and_tell(struct event_base *base, int *fd, uint32_t uid, helper_done *done, void *ctx)
{
	(void)base;
	assert_int_equal(uid, LIFE_OWNER);
	if (!life_close_waits)
		return -EAGAIN;
	assert_null(helper_ends);
	say("close");
	fd_close(fd);
	helper_ends = done;
	helper_ctx = ctx;
	return 0;
}

/* ---- workers --------------------------------------------------------------------------------- */

void worker_init(struct worker *w, struct device *d, const struct worker_events *events)
{
	memset(w, 0, sizeof(*w));
	w->dev = d;
	w->events = events;
	w->pidfd = w->chan = -1;
}

int worker_start(struct worker *w, const struct worker_params *p, bool stand_by, worker_started *started, struct err *e)
{
	assert_int_equal(w->phase, WORKER_NONE);
	if (life_no_worker)
		return err_set(e, -EAGAIN, "no process");
	say("start");
	worker = w;
	when_started = started;
	standby = stand_by;
	w->phase = WORKER_SPAWNING;
	w->generation = p->setup.generation;
	return 0;
}

void worker_promote(struct worker *w, worker_started *started)
{
	assert_int_equal(w->phase, WORKER_STANDBY);
	say("promote");
	worker = w;
	when_started = started;
	standby = false;
	w->phase = WORKER_HANDOVER;
}

static void worker_outcome(const struct err *e, enum worker_phase phase)
{
	worker_started *started = when_started;

	assert_non_null(started);
	when_started = NULL;
	worker->phase = phase;
	worker->pid = phase == WORKER_NONE ? 0 : 1234;
	started(worker->dev, e);
}

void life_worker_serves(void)
{
	struct err ok = { 0 };

	worker_outcome(&ok, standby ? WORKER_STANDBY : WORKER_SERVING);
}

void life_worker_fails(int code)
{
	struct err e = { 0 };

	(void)err_set(&e, code, "it did not start");
	worker_outcome(&e, WORKER_NONE);
}

void worker_stop(struct worker *w, worker_stopped *done)
{
	when_started = NULL;
	if (w->phase == WORKER_NONE) {
		done(w->dev);
		return;
	}
	say("stop");
	w->phase = WORKER_STOPPING;
	worker = w;
	when_stopped = done;
}

void life_worker_stops(void)
{
	worker_stopped *done = when_stopped;

	assert_non_null(done);
	when_stopped = NULL;
	worker->phase = WORKER_NONE;
	worker->pid = 0;
	done(worker->dev);
}

void worker_kill(struct worker *w, const char *why)
{
	(void)w;
	assert_non_null(why);
	say("kill");
}

void worker_replace(struct worker *w, const char *why)
{
	(void)w;
	assert_non_null(why);
	say("replace");
}

void life_worker_dies(struct device *d)
{
	struct err why = { 0 };

	(void)err_set(&why, -EIO, "killed by signal 9");
	d->worker->phase = WORKER_NONE;
	d->worker->pid = 0;
	d->worker->exit_code = -1;
	d->worker->events->died(d, &why);
}

int worker_resize(struct worker *w, uint64_t capacity, worker_resized *resized)
{
	say("resize:%llu", (unsigned long long)capacity);
	worker = w;
	when_resized = resized;
	return 0;
}

void life_resized(int code)
{
	worker_resized *resized = when_resized;
	struct err e = { 0 };

	when_resized = NULL;
	if (code)
		(void)err_set(&e, code, "it did not");
	resized(worker->dev, &e);
}

int worker_resume(struct worker *w)
{
	say("resume");
	w->halted = 0;
	return 0;
}

bool life_goes_on(int code)
{
	if (helper_ends && code)
		life_helper_fails(code);
	else if (helper_ends)
		life_helper_ends(NULL, 0, dup(0));
	else if (when_stopped)
		life_worker_stops();
	else if (when_started && code)
		life_worker_fails(code);
	else if (when_started)
		life_worker_serves();
	else if (when_resized)
		life_resized(code);
	else if (timer_fn)
		life_timer();
	else
		return false;
	return true;
}

int life_io_goes_on(const struct device *d)
{
	char path[PATH_MAX];
	int fd;

	device_state_path(d, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fence_take(fd, 0), 0);
	return fd;
}

/* ---- what is on /run and in /sys ------------------------------------------------------------- */

int saved_write(struct device *d)
{
	static const char letter[] = {
		[CTL_DEV_CREATING] = 'C', [CTL_DEV_LIVE] = 'L', [CTL_DEV_FAILED] = 'F', [CTL_DEV_DELETING] = 'D'
	};

	if (life_no_save)
		return -ENOSPC;
	say("save:%c%s%s%s%s", letter[device_recorded(d)], d->has_kernel_dev ? "K" : "", d->attached ? "A" : "",
	    d->fail_mode ? "F" : "", d->broken ? "B" : "");
	return 0;
}

void saved_note_path(struct device *d)
{
	if (d->path_fd >= 0)
		(void)snprintf(d->backing_path, sizeof(d->backing_path), "/where/it/is");
}

void saved_remove(const struct device *d)
{
	(void)d;
	say("gone");
}

int autoprobe_off(const char *path, struct err *e)
{
	(void)path;
	(void)e;
	say("hold");
	return 0;
}

void autoprobe_on(const char *path)
{
	(void)path;
	say("let");
}

void cgroup_remove(const char *name)
{
	(void)name;
}

bool cgroup_frozen(const char *name)
{
	(void)name;
	return life_frozen;
}

bool log_limit_allows(uint32_t uid)
{
	(void)uid;
	return false;
}

int access_size(const struct device *d, struct err *e)
{
	(void)d;
	*e = life_no_room;
	return e->code;
}

bool access_sees(const struct device *d, const struct owner *who)
{
	return d->owner.uid == who->uid;
}

bool bus_has(const char *name)
{
	(void)name;
	return false;
}

bool bus_is_bound(const char *name)
{
	(void)name;
	return !life_unbound;
}

bool backing_same(const struct backing_info *a, const struct backing_info *b)
{
	return a->ino == b->ino;
}

/* ---- devices --------------------------------------------------------------------------------- */

static char dir[64];

int life_setup(void **state)
{
	char path[100];

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/vdused-life.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	memset(&opt, 0, sizeof(opt));
	memset(&life_svc, 0, sizeof(life_svc));
	memset(&life_last, 0, sizeof(life_last));
	memset(&life_no_room, 0, sizeof(life_no_room));
	(void)snprintf(opt.runtime_dir, sizeof(opt.runtime_dir), "%s", dir);
	opt.max_deaths = 3;
	life_svc.opt = &opt;
	life_svc.worker_died = respawn_died;
	TAILQ_INIT(&life_svc.devices);
	life_svc.uids.first = 64000;
	life_svc.uids.count = 8;
	life_no_helper = life_no_worker = life_no_save = life_frozen = life_unbound = life_close_waits =
		life_wrong_moves = false;
	helper_ends = NULL;
	helper_handle = NULL;
	life_look = NULL;
	when_started = NULL;
	when_stopped = NULL;
	when_resized = NULL;
	timer_fn = NULL;
	words[0] = '\0';
	return 0;
}

int life_teardown(void **state)
{
	char command[120];

	(void)state;
	while (!TAILQ_EMPTY(&life_svc.devices))
		device_free(TAILQ_FIRST(&life_svc.devices));
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

struct device *life_new(void)
{
	struct device *d = device_new(&life_svc, "disk0");

	assert_non_null(d);
	d->queues = 1;
	d->queue_size = 256;
	d->block_size = 512;
	d->bus = CTL_BUS_VIRTIO;
	d->owner.uid = LIFE_OWNER;
	d->client = (struct client *)(void *)&life_svc;
	return d;
}

struct device *life_live(void)
{
	struct device *d = life_new();

	d->state = DEV_LIVE;
	d->has_kernel_dev = d->attached = true;
	d->backing.size = 1 << 20;
	d->path_fd = dup(0);
	d->worker->phase = WORKER_SERVING;
	d->worker->pid = 1234;
	return d;
}

void life_done(struct device *d, const struct err *e)
{
	assert_non_null(d);
	life_last = *e;
	say("end:%d", e->code);
}

void life_taken(struct device *d)
{
	assert_non_null(d);
	say("taken");
}

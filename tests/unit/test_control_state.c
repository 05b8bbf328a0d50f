/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/device/state.c: every state and every other, every request in every state,
 * what clients are shown, and what comes back from a record.
 */
#include "tests/unit/life.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "proto/io_how.h"
#include "proto/state_file.h"

static struct device *d;

static int live(void **state)
{
	int rc = life_setup(state);

	d = life_live();
	return rc;
}

/* ---- moves ----------------------------------------------------------------------------------- */

static const char *const names[DEV_STATES] = { "creating", "live",         "fail mode", "no worker",
					       "broken",   "half deleted", "detached",  "deleting" };

/*
 * The drawing of state.h, as a table: from those at the end of the lines to those above, in the
 * same order.
 */
static const char *const drawing[DEV_STATES] = {
	". y . . . . . y", /* creating */
	". . y y y . . y", /* live */
	". y . y y . . y", /* fail mode */
	". y y . . . . y", /* no worker */
	". . . . . . . y", /* broken */
	". y y y y . . y", /* half deleted */
	". . . . y . . y", /* detached */
	". y y y y y y .", /* deleting */
};

static bool drawn(enum device_state from, enum device_state to)
{
	assert_int_equal(strlen(drawing[from]), 2 * DEV_STATES - 1);
	return drawing[from][2 * to] == 'y';
}

static void moves(enum device_state from, enum device_state to)
{
	char line[100];

	d->state = from;
	device_step(d, "bind");
	device_move(d, to, "why");
	(void)snprintf(line, sizeof(line), "disk0: %s -> %s: why%s", names[from], names[to],
		       drawn(from, to) ? "" : ": this must not be: report it");
	assert_string_equal(life_log, line);
	assert_int_equal(d->state, to);
	assert_string_equal(d->step, "");
}

static void test_every_state_and_every_other(void **state)
{
	(void)state;
	life_wrong_moves = true;
	for (enum device_state from = 0; from < DEV_STATES; from++)
		for (enum device_state to = 0; to < DEV_STATES; to++) {
			if (device_may_move(from, to) != drawn(from, to))
				fail_msg("%s -> %s", names[from], names[to]);
			if (from != to)
				moves(from, to);
		}
}

/* No line, but what else has changed is on record. */
static void test_to_the_same_state_is_no_move(void **state)
{
	(void)state;
	for (enum device_state s = 0; s < DEV_STATES; s++) {
		d->state = s;
		life_log[0] = '\0';
		device_move(d, s, "why");
		assert_string_equal(life_log, "");
		assert_int_equal(d->state, s);
	}
	life_expect("save:CKA save:LKA save:FKA save:FKA save:FKA save:FKA save:FKA save:DKA");
}

/* ---- how it fares ---------------------------------------------------------------------------- */

struct fares {
	bool broken, attached, worker, respawns, fail_mode, whole;
	enum device_state is;
};

static const struct fares fares[] = {
	{ true, true, true, false, true, true, DEV_BROKEN },
	{ true, false, false, false, false, false, DEV_BROKEN },
	{ false, false, false, false, true, true, DEV_DETACHED },
	{ false, true, false, false, false, true, DEV_NO_WORKER },
	{ false, true, false, false, true, false, DEV_NO_WORKER },
	{ false, true, false, true, true, true, DEV_FAIL_MODE },
	{ false, true, true, false, true, false, DEV_FAIL_MODE },
	{ false, true, true, false, false, true, DEV_LIVE },
	{ false, true, false, true, false, true, DEV_LIVE },
	{ false, true, true, false, false, false, DEV_HALF_DELETED },
};

static void set_facts(const struct fares *f)
{
	d->broken = f->broken;
	d->attached = f->attached;
	d->worker->phase = f->worker ? WORKER_SERVING : WORKER_NONE;
	d->respawn.active = f->respawns;
	d->fail_mode = f->fail_mode;
}

static void test_how_it_fares(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(fares) / sizeof(fares[0]); i++) {
		set_facts(&fares[i]);
		assert_int_equal(device_rest_state(d, fares[i].whole), fares[i].is);
	}
}

/* One that is being made or removed goes on with that, whatever becomes of its workers. */
static void test_it_settles_only_at_rest(void **state)
{
	(void)state;
	d->fail_mode = true;
	for (enum device_state s = 0; s < DEV_STATES; s++) {
		d->state = s;
		assert_int_equal(device_at_rest(d), s != DEV_CREATING && s != DEV_DELETING);
	}
	d->state = DEV_CREATING;
	device_step(d, "bind");
	device_settle(d, "why");
	assert_int_equal(d->state, DEV_CREATING);
	assert_string_equal(d->step, "bind");
	d->state = DEV_HALF_DELETED;
	device_settle(d, "why");
	assert_int_equal(d->state, DEV_FAIL_MODE);
	life_expect("save:CKAF save:FKAF");
}

/* ---- requests -------------------------------------------------------------------------------- */

static const struct reason {
	char letter;
	enum ctl_code class;
	const char *text;
} reasons[] = {
	{ 'c', CTL_E_BUSY, "the device is still being created: try again when it is there" },
	{ 'd', CTL_E_BUSY, "the device is being deleted" },
	{ 'g', CTL_E_BUSY, "the device is being changed already: try again when that is done" },
	{ 'a', CTL_E_BUSY, "it is being looked at by a vdused that was just started: try again in a moment" },
	{ 'b', CTL_E_FAILED, "the kernel gave the device up, and no worker can serve it: delete it" },
	{ 'D', CTL_E_INVALID, "it is not attached any more: delete it" },
	{ 'u', CTL_E_INVALID, "it has failed: \"vduse-ctl recover disk0\" gives it a worker of the installed binary" },
	{ 'l', CTL_E_INVALID, "it is not in fail mode: there is nothing to recover from" },
	{ 'n', CTL_E_INVALID, "it has no worker: \"vduse-ctl recover disk0\" first" },
	{ 'f', CTL_E_INVALID, "it is in fail mode: \"vduse-ctl recover disk0\" first" },
	{ 'h', CTL_E_INVALID, "it has failed: \"vduse-ctl recover disk0\" first" },
	{ 'r', CTL_E_BUSY, "its worker is being replaced: try again in a moment" },
	{ 'F', CTL_E_INVALID, "its backing file was not found: \"vduse-ctl recover disk0\" first" },
	{ 'x', CTL_E_INVALID, "it is not stopped: there is nothing to resume" },
	{ 's', CTL_E_BUSY,
	  "it is stopped, and a request waits: resume it first, or delete with --force and lose what is unwritten" },
};

enum { PLAIN, ADOPTING, CHANGING, REPLACED, WAITS, NO_FILE, CASES };

/*
 * Per state and case one letter for each request: delete, delete --force, upgrade, upgrade now,
 * recover, resize, resume.
 */
static const char *const asked[DEV_STATES][CASES] = {
	/* plain      adopting   changing   replaced   waits      no file */
	{ "ccccccc", "ccccccc", "ccccccc", "ccccccc", "ccccccc", "ccccccc" }, /* creating */
	{ "....l.x", "....aaa", "ggg.ggg", "...rlrr", "s...l..", "....lFx" }, /* live */
	{ "..uu.ff", "..uuaaa", "ggguggg", "..uu.ff", "s.uu.ff", "..uu.ff" }, /* fail mode */
	{ "..uu.nn", "..uuaaa", "ggguggg", "..uu.nn", "s.uu.nn", "..uu.nn" }, /* no worker */
	{ "..bbbbb", "..bbaaa", "gggbggg", "..bbbbb", "s.bbbbb", "..bbbbb" }, /* broken */
	{ "..uu.hh", "..uuaaa", "ggguggg", "..uu.hh", "s.uu.hh", "..uu.hh" }, /* half deleted */
	{ "..uuDDD", "..uuaaa", "ggguggg", "..uuDDD", "s.uuDDD", "..uuDDD" }, /* detached */
	{ "ddddddd", "ddddddd", "ddddddd", "ddddddd", "ddddddd", "ddddddd" }, /* deleting */
};

static void set_case(int c)
{
	static int no_fd = -1;

	d->adopting = c == ADOPTING;
	d->op.asked = c == CHANGING;
	d->respawn.active = c == REPLACED;
	d->worker->halted = c == WAITS ? -ENOSPC : 0;
	if ((c == NO_FILE) != (d->path_fd < 0)) { /* kept aside meanwhile */
		int fd = d->path_fd;

		d->path_fd = no_fd;
		no_fd = fd;
	}
}

static void ask(enum device_request request, char letter)
{
	struct err e = { 0 };
	int rc = device_refuses(d, request, &e);

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].letter == letter) {
			assert_string_equal(e.text, reasons[i].text);
			assert_int_equal(e.class, reasons[i].class);
			assert_true(rc < 0);
			assert_int_equal(e.code, rc);
			return;
		}
	assert_int_equal(letter, '.');
	assert_string_equal(e.text, "");
	assert_int_equal(rc, 0);
}

static void test_every_request_in_every_state(void **state)
{
	(void)state;
	for (enum device_state s = 0; s < DEV_STATES; s++)
		for (int c = 0; c < CASES; c++) {
			d->state = s;
			set_case(c);
			assert_int_equal(strlen(asked[s][c]), DEV_REQUESTS);
			for (enum device_request r = 0; r < DEV_REQUESTS; r++)
				ask(r, asked[s][c][r]);
		}
	set_case(PLAIN);
}

/*
 * A worker that is there, but does not serve, is being replaced, whichever part of that is under
 * way.
 */
static void test_every_phase_of_a_worker(void **state)
{
	(void)state;
	for (enum worker_phase p = WORKER_NONE; p <= WORKER_STOPPING; p++) {
		d->worker->phase = p;
		ask(DEV_DELETE, '.');
		ask(DEV_UPGRADE, '.');
		ask(DEV_RESIZE, p == WORKER_SERVING ? '.' : 'r');
	}
}

/* ---- words ----------------------------------------------------------------------------------- */

struct words {
	enum ctl_state state;
	const char *step;
};

static const struct words words[DEV_STATES] = {
	[DEV_CREATING] = { CTL_DEV_CREATING, "" },         [DEV_LIVE] = { CTL_DEV_LIVE, "" },
	[DEV_FAIL_MODE] = { CTL_DEV_FAILED, "fail mode" }, [DEV_NO_WORKER] = { CTL_DEV_FAILED, "no worker" },
	[DEV_BROKEN] = { CTL_DEV_FAILED, "broken" },       [DEV_HALF_DELETED] = { CTL_DEV_FAILED, "" },
	[DEV_DETACHED] = { CTL_DEV_FAILED, "" },           [DEV_DELETING] = { CTL_DEV_DELETING, "" },
};

static void shown(enum ctl_state state, const char *step)
{
	struct ctl_info info;

	device_info(d, &info);
	assert_int_equal(info.state, state);
	assert_string_equal(info.step, step);
	assert_int_equal(info.halted, state == CTL_DEV_STOPPED ? ENOSPC : 0);
}

/*
 * In each state, without and with a step under way, a worker that is replaced, and a request that
 * waits.
 */
static void test_words(void **state)
{
	(void)state;
	for (enum device_state s = 0; s < DEV_STATES; s++)
		for (unsigned i = 0; i < 8; i++) {
			bool step = i & 1, replaced = i & 2, waits = i & 4;
			enum ctl_state of_live = replaced ? CTL_DEV_RECOVERING : waits ? CTL_DEV_STOPPED : CTL_DEV_LIVE;

			d->state = s;
			device_step(d, step ? "adopt" : "");
			d->respawn.active = replaced;
			d->worker->halted = waits ? -ENOSPC : 0;
			shown(s == DEV_LIVE ? of_live : words[s].state, step ? "adopt" : words[s].step);
		}
}

/* The worker wrote these words, or whoever has taken it over. */
static void io_shown(struct state_io io, uint32_t how, uint32_t error)
{
	char path[PATH_MAX];
	struct ctl_info info;
	int fd;

	device_state_path(d, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &io, sizeof(io), offsetof(struct state_file, io)), sizeof(io));
	fd_close(&fd);
	device_info(d, &info);
	assert_int_equal(info.io, how);
	assert_int_equal(info.io_error, error);
}

static void test_how_io_is_done(void **state)
{
	uint32_t g = 7;

	(void)state;
	d->worker->generation = g;
	d->worker->pid = 4711;
	io_shown((struct state_io){ .generation = g, .how = IO_HOW_ASYNC }, IO_HOW_ASYNC, 0);
	io_shown((struct state_io){ .generation = g, .how = IO_HOW_INLINE, .error = -11 }, IO_HOW_INLINE, 11);
	/* of the one before, and of nobody any more */
	io_shown((struct state_io){ .generation = g - 1, .how = IO_HOW_ASYNC }, IO_HOW_UNKNOWN, 0);
	d->worker->pid = 0;
	io_shown((struct state_io){ .generation = g, .how = IO_HOW_ASYNC }, IO_HOW_UNKNOWN, 0);
	d->worker->pid = 4711;
	/* what no client would take */
	io_shown((struct state_io){ .generation = g, .how = IO_HOW_LAST + 1, .error = -11 }, IO_HOW_UNKNOWN, 0);
	io_shown((struct state_io){ .generation = g, .how = IO_HOW_INLINE, .error = 11 }, IO_HOW_INLINE, 0);
	io_shown((struct state_io){ .generation = g, .how = IO_HOW_INLINE, .error = INT32_MIN }, IO_HOW_INLINE, 0);
}

/* ---- the record ------------------------------------------------------------------------------ */

/*
 * What is recorded as failed is what the rest of the record says; one without a worker is given the
 * next.
 */
static void test_what_comes_back(void **state)
{
	static const struct fares rows[] = {
		{ true, true, false, false, true, false, DEV_BROKEN },
		{ false, false, false, false, false, false, DEV_DETACHED },
		{ false, true, false, false, true, false, DEV_FAIL_MODE },
		{ false, true, false, false, false, false, DEV_HALF_DELETED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		set_facts(&rows[i]);
		device_set_recorded(d, CTL_DEV_FAILED);
		assert_int_equal(d->state, rows[i].is);
	}
	for (enum device_state s = 0; s < DEV_STATES; s++) {
		d->state = s;
		assert_int_equal(device_recorded(d), words[s].state);
		device_set_recorded(d, device_recorded(d));
		assert_int_equal(device_recorded(d), words[s].state);
	}
}

#define LIVE(name) cmocka_unit_test_setup_teardown(test_##name, live, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(every_state_and_every_other),
		LIVE(to_the_same_state_is_no_move),
		LIVE(how_it_fares),
		LIVE(it_settles_only_at_rest),
		LIVE(every_request_in_every_state),
		LIVE(every_phase_of_a_worker),
		LIVE(words),
		LIVE(how_io_is_done),
		LIVE(what_comes_back),
	};

	log_init("vdused", LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

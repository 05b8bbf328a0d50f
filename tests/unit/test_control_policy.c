/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may do what: every kind of caller by every command by every kind of device (P14, C16), quotas
 * (P16).
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "control/config/policy.h"
#include "proto/ctl_msg.h"

static struct config closed, open_to_all;
static struct err e;

static const char text[] =
	"worker-uids = \"9000-9009\";\n"
	"admins = { users = [ 100, 9001 ]; groups = [ 50 ]; };\n"
	"tenants = (\n"
	"{ name = \"alice\"; users = [ 1001, 9002 ]; groups = [ 2001 ]; prefix = \"alice-\"; devices = 4; queues = 8;\n"
	"  bytes = \"10G\"; bounce = \"192M\"; bus = [ \"virtio\", \"vhost\" ]; },\n"
	"{ name = \"bob\"; users = [ 1002 ]; groups = [ 2002 ]; prefix = \"bob.\"; devices = 1; queues = 1; bytes = "
	"1;\n"
	"  bounce = \"64M\"; bus = [ \"vhost\" ]; probe = true; }\n"
	");\n";

static int parse_both(void **state)
{
	(void)state;
	if (config_parse(text, sizeof(text) - 1, "f", &closed, &e))
		fail_msg("%s", e.text);
	config_defaults(&open_to_all);
	open_to_all.uid_first = 9000;
	open_to_all.uid_last = 9009;
	return 0;
}

/* ---- the callers ----------------------------------------------------------------------------- */

static const struct caller {
	const char *what;
	struct owner who;
	enum policy_role closed, open;
	const char *tenants; /* his, in the closed configuration */
} callers[] = {
	{ "root", { .uid = 0 }, POLICY_ADMIN, POLICY_ADMIN, "" },
	{ "root in alice's group", { .uid = 0, .gid = 2001 }, POLICY_ADMIN, POLICY_ADMIN, "" },
	{ "admin by uid", { .uid = 100, .gid = 100 }, POLICY_ADMIN, POLICY_ANYBODY, "" },
	{ "admin by gid", { .uid = 101, .gid = 50 }, POLICY_ADMIN, POLICY_ANYBODY, "" },
	{ "admin by group", { .uid = 102, .gid = 102, 2, { 7, 50 } }, POLICY_ADMIN, POLICY_ANYBODY, "" },
	{ "admin and tenant", { .uid = 1001, .gid = 50 }, POLICY_ADMIN, POLICY_ANYBODY, "" },
	{ "alice by uid", { .uid = 1001, .gid = 1001 }, POLICY_TENANT, POLICY_ANYBODY, "alice" },
	{ "alice by gid", { .uid = 1500, .gid = 2001 }, POLICY_TENANT, POLICY_ANYBODY, "alice" },
	{ "alice by group", { .uid = 1501, .gid = 3, 3, { 3, 4, 2001 } }, POLICY_TENANT, POLICY_ANYBODY, "alice" },
	{ "bob by uid", { .uid = 1002, .gid = 1002 }, POLICY_TENANT, POLICY_ANYBODY, "bob" },
	{ "alice and bob", { .uid = 1001, .gid = 1001, 1, { 2002 } }, POLICY_TENANT, POLICY_ANYBODY, "alice bob" },
	{ "stranger", { .uid = 1003, .gid = 1003, 1, { 4 } }, POLICY_STRANGER, POLICY_ANYBODY, "" },
	{ "a uid that is a tenant's gid", { .uid = 2001, .gid = 1001 }, POLICY_STRANGER, POLICY_ANYBODY, "" },
	{ "groups past the count", { .uid = 1003, .gid = 1, 0, { 50, 2001 } }, POLICY_STRANGER, POLICY_ANYBODY, "" },
	{ "nobody", { .uid = 65534, .gid = 65534 }, POLICY_STRANGER, POLICY_ANYBODY, "" },
	{ "a worker's uid", { .uid = 9000, .gid = 9000 }, POLICY_STRANGER, POLICY_STRANGER, "" },
	{ "a worker's uid, entered as admin", { .uid = 9001 }, POLICY_STRANGER, POLICY_STRANGER, "" },
	{ "a worker's uid, entered as tenant", { .uid = 9002, .gid = 2001 }, POLICY_STRANGER, POLICY_STRANGER, "" },
	{ "just below the workers' uids", { .uid = 8999 }, POLICY_STRANGER, POLICY_ANYBODY, "" },
	{ "just above the workers' uids", { .uid = 9010 }, POLICY_STRANGER, POLICY_ANYBODY, "" },
	{ "the highest uid", { .uid = UINT32_MAX - 1, .gid = 1 }, POLICY_STRANGER, POLICY_ANYBODY, "" },
};

#define CALLERS (sizeof(callers) / sizeof(callers[0]))

static bool is_his(const struct caller *c, const char *tenant)
{
	return tenant[0] && strstr(c->tenants, tenant);
}

/* ---- the devices; NULL stands for "there is no device of that name" -------------------------- */

static const struct there {
	const char *name;
	const char *tenant;
	uint32_t owner_uid;
	bool missing;
} things[] = {
	{ "alice-1", "alice", 1001, false },
	{ "alice-2", "alice", 1500, false }, /* another user of the same tenant */
	{ "alice-3", "alice", 0, false },
	{ "alice-admin", "", 0, false }, /* an administrator's, in alice's names */
	{ "alice-old", "", 1001, false }, /* made by alice before there were tenants */
	{ "alice-none", "", 0, true },
	{ "bob.1", "bob", 1002, false },
	{ "old-prefix", "alice", 1001, false }, /* alice's prefix was another one */
	{ "gone-1", "carol", 1003, false }, /* a tenant that is not in the configuration any more */
	{ "bob.none", "", 0, true },
	{ "disk0", "", 0, false },
	{ "none", "", 0, true },
};

#define THINGS (sizeof(things) / sizeof(things[0]))

static bool in_his_names(const struct caller *c, const char *name)
{
	return (is_his(c, "alice") && strncmp(name, "alice-", 6) == 0) ||
	       (is_his(c, "bob") && strncmp(name, "bob.", 4) == 0);
}

/* What the manual says, put in other words than the code. */
static int expected(const struct caller *c, bool is_open, enum policy_op op, const struct there *t)
{
	switch (is_open ? c->open : c->closed) {
	case POLICY_STRANGER:
		return -EACCES;
	case POLICY_ADMIN:
		return t->missing ? -ENOENT : 0;
	case POLICY_ANYBODY:
		if (t->missing)
			return -ENOENT;
		return op == POLICY_SHOW || t->owner_uid == c->who.uid ? 0 : -EACCES;
	case POLICY_TENANT:
		break;
	}
	if (!t->missing && is_his(c, t->tenant))
		return 0;
	return t->missing && in_his_names(c, t->name) ? -ENOENT : -EACCES;
}

/* The class that the caller of vduse-ctl is told by its exit status. */
static int with_class(int rc)
{
	if (rc < 0)
		assert_int_equal(e.class, rc == -ENOENT ? CTL_E_NOT_FOUND : rc == -EDQUOT ? CTL_E_LIMIT : CTL_E_DENIED);
	return rc;
}

static int ask(const struct config *c, const struct owner *who, enum policy_op op, const struct there *t)
{
	const struct policy_device d = { .name = t->name, .tenant = t->tenant, .owner_uid = t->owner_uid };

	memset(&e, 0, sizeof(e));
	return with_class(policy_device(c, who, op, t->name, t->missing ? NULL : &d, &e));
}

static void test_roles(void **state)
{
	(void)state;
	for (size_t i = 0; i < CALLERS; i++) {
		if (policy_role(&closed, &callers[i].who) != callers[i].closed)
			fail_msg("%s, closed", callers[i].what);
		if (policy_role(&open_to_all, &callers[i].who) != callers[i].open)
			fail_msg("%s, open", callers[i].what);
	}
}

/*
 * A tenant's users count together whatever their uids, and so do all strangers: subordinate uids
 * are no help.
 */
static void test_connections_that_count_together(void **state)
{
	(void)state;
	for (size_t i = 0; i < CALLERS; i++)
		for (size_t j = 0; j < CALLERS; j++) {
			const struct caller *a = &callers[i], *b = &callers[j];
			bool same = policy_share(&closed, &a->who) == policy_share(&closed, &b->who);

			if (a->closed != b->closed)
				assert_false(same);
			else if (a->closed == POLICY_STRANGER)
				assert_true(same);
			else if (a->closed == POLICY_ADMIN)
				assert_int_equal(same, a->who.uid == b->who.uid);
			else
				assert_int_equal(same, strncmp(a->tenants, b->tenants, strlen("bob")) == 0);
		}
}

static void test_P14_version_and_list_by_caller(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * CALLERS; i++) {
		const struct caller *c = &callers[i / 2];
		const struct config *conf = i % 2 ? &open_to_all : &closed;
		int want = (i % 2 ? c->open : c->closed) == POLICY_STRANGER ? -EACCES : 0;

		assert_int_equal(policy_may(conf, &c->who, POLICY_VERSION, &e), 0);
		if (policy_may(conf, &c->who, POLICY_LIST, &e) != want)
			fail_msg("%s: list", c->what);
		if (policy_may(conf, &c->who, POLICY_CREATE, &e) != want)
			fail_msg("%s: create", c->what);
		if (want)
			assert_non_null(strstr(e.text, "ask the administrator"));
	}
}

static void test_P14_C16_show_and_delete_by_caller_and_device(void **state)
{
	static const enum policy_op ops[] = { POLICY_SHOW, POLICY_DELETE };
	unsigned cells = 0;

	(void)state;
	for (size_t i = 0; i < CALLERS * THINGS * 4; i++) {
		const struct caller *c = &callers[i / (THINGS * 4)];
		const struct there *t = &things[i / 4 % THINGS];
		enum policy_op op = ops[i / 2 % 2];
		bool is_open = i % 2;
		int got = ask(is_open ? &open_to_all : &closed, &c->who, op, t), want = expected(c, is_open, op, t);

		if (got != want)
			fail_msg("%s, %s, %s %s: %d instead of %d", c->what, is_open ? "open" : "closed",
				 op == POLICY_SHOW ? "show" : "delete", t->name, got, want);
		if (got && !e.text[0])
			fail_msg("%s, %s: no reason is given", c->what, t->name);
		cells++;
	}
	assert_int_equal(cells, CALLERS * THINGS * 4);
}

static void test_C16_list_shows_what_show_shows(void **state)
{
	(void)state;
	for (size_t i = 0; i < CALLERS * THINGS * 2; i++) {
		const struct caller *c = &callers[i / (THINGS * 2)];
		const struct there *t = &things[i / 2 % THINGS];
		const struct config *conf = i % 2 ? &open_to_all : &closed;
		const struct policy_device d = { .name = t->name, .tenant = t->tenant, .owner_uid = t->owner_uid };

		if (!t->missing)
			assert_int_equal(policy_sees(conf, &c->who, &d), ask(conf, &c->who, POLICY_SHOW, t) == 0);
	}
}

/*
 * Neither the result nor the text tells a tenant whether somebody else has a device of that name.
 */
static void test_C16_no_hint_of_others_devices(void **state)
{
	const struct owner *alice = &callers[6].who, *stranger = &callers[11].who;
	struct err there;

	(void)state;
	for (enum policy_op op = POLICY_SHOW; op <= POLICY_DELETE; op += POLICY_DELETE - POLICY_SHOW) {
		assert_int_equal(ask(&closed, alice, op, &things[6]), -EACCES);
		there = e;
		assert_int_equal(ask(&closed, alice, op, &things[9]), -EACCES);
		assert_string_equal(e.text, there.text);
		assert_null(strstr(e.text, "bob"));
		assert_int_equal(ask(&closed, stranger, op, &things[6]), -EACCES);
		there = e;
		assert_int_equal(ask(&closed, stranger, op, &things[9]), -EACCES);
		assert_string_equal(e.text, there.text);
	}
}

/* ---- create ---------------------------------------------------------------------------------- */

static void test_P14_create_by_caller_and_name(void **state)
{
	static const char *const names[] = { "alice-1", "alice-", "alice", "Alice-1", "bob.1",
					     "bob",     "bobx",   "disk0", "a" };
	const struct tenant *t;

	(void)state;
	for (size_t i = 0; i < CALLERS; i++)
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			const struct caller *c = &callers[i];
			bool may =
				c->closed == POLICY_ADMIN || (c->closed == POLICY_TENANT && in_his_names(c, names[n]));
			int got = policy_create(&closed, &c->who, names[n], &t, &e);

			if (got != (may ? 0 : -EACCES))
				fail_msg("%s creates %s: %d", c->what, names[n], got);
			if (may && (c->closed == POLICY_TENANT) != (t != NULL))
				fail_msg("%s creates %s: whose is it?", c->what, names[n]);
			if (t && strncmp(names[n], t->prefix, strlen(t->prefix)) != 0)
				fail_msg("%s creates %s: %s's", c->what, names[n], t->name);
			got = policy_create(&open_to_all, &c->who, names[n], &t, &e);
			assert_int_equal(got, c->open == POLICY_STRANGER ? -EACCES : 0);
			assert_null(t);
		}
}

static void test_create_says_the_prefix(void **state)
{
	const struct tenant *t;

	(void)state;
	assert_int_equal(policy_create(&closed, &callers[9].who, "alice-1", &t, &e), -EACCES);
	assert_non_null(strstr(e.text, "\"bob.\""));
}

static int fits(const char *tenant, struct policy_request r, struct policy_use use)
{
	r.name = "x";
	memset(&e, 0, sizeof(e));
	return with_class(policy_fits(config_tenant(&closed, tenant), &r, &use, &e));
}

#define ALICE(...) fits("alice", (struct policy_request){ __VA_ARGS__ }, use)

static void test_P16_devices_queues_bounce(void **state)
{
	struct policy_use use = { .devices = 3, .queues = 4, .bounce = 128 << 20 };

	(void)state;
	assert_int_equal(ALICE(.queues = 4, .bounce = 64 << 20), 0);
	assert_int_equal(ALICE(.queues = 5, .bounce = 64 << 20), -EDQUOT);
	assert_string_equal(e.text,
			    "tenant \"alice\" has 4 of 8 queues, and this device takes 5: delete one, or ask the "
			    "administrator for more");
	assert_int_equal(ALICE(.queues = 4, .bounce = (64 << 20) + 1), -EDQUOT);
	assert_non_null(strstr(e.text, "128M of 192M bytes of bounce memory"));
	use.devices = 4;
	assert_int_equal(ALICE(.queues = 1), -EDQUOT);
	assert_non_null(strstr(e.text, "4 of 4 devices"));
	/* more than there may be: the limits were lowered by a reload */
	use.devices = 5;
	assert_int_equal(ALICE(.queues = 1), -EDQUOT);
	use = (struct policy_use){ .queues = 9 };
	assert_int_equal(ALICE(.queues = 0), -EDQUOT);
	assert_int_equal(policy_fits(NULL, &(struct policy_request){ .queues = 16 }, &use, &e), 0);
}

static void test_P16_overflow(void **state)
{
	struct policy_use use = { 0 };
	const struct tenant *t = config_tenant(&closed, "alice");

	(void)state;
	assert_int_equal(ALICE(.queues = UINT32_MAX), -EDQUOT);
	assert_int_equal(ALICE(.queues = 1, .bounce = UINT64_MAX), -EDQUOT);
	use = (struct policy_use){ UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX };
	assert_int_equal(ALICE(.queues = 1, .bounce = 1), -EDQUOT);
	use.devices = use.queues = 0;
	assert_int_equal(ALICE(.queues = 1, .bounce = 1), -EDQUOT);
	use = (struct policy_use){ .bytes = 1 };
	assert_int_equal(policy_size_fits(t, UINT64_MAX, &use, &e), -EDQUOT);
	use.bytes = UINT64_MAX;
	assert_int_equal(policy_size_fits(t, 1, &use, &e), -EDQUOT);

	/* sums stop instead of wrapping round */
	memset(&use, 0, sizeof(use));
	for (int i = 0; i < 8; i++)
		policy_count(&use, UINT32_MAX, VD_CAPACITY_MAX, VD_CAPACITY_MAX);
	assert_int_equal(use.devices, 8);
	assert_int_equal(use.queues, 8ULL * UINT32_MAX);
	assert_true(use.bytes == UINT64_MAX && use.bounce == UINT64_MAX);
}

static void test_P16_bytes(void **state)
{
	const struct tenant *t = config_tenant(&closed, "alice");
	struct policy_use use = { .bytes = 9ULL << 30 };

	(void)state;
	assert_int_equal(policy_size_fits(t, 1ULL << 30, &use, &e), 0);
	assert_int_equal(policy_size_fits(t, (1ULL << 30) + 512, &use, &e), -EDQUOT);
	assert_non_null(strstr(e.text, "tenant \"alice\" has 9G of 10G bytes"));
	assert_int_equal(policy_size_fits(NULL, UINT64_MAX, &use, &e), 0);
}

static void test_buses_and_probe(void **state)
{
	struct policy_use use = { 0 };

	(void)state;
	assert_int_equal(ALICE(.bus = CTL_BUS_VHOST, .queues = 1), 0);
	assert_int_equal(ALICE(.bus = CTL_BUS_VIRTIO, .queues = 1), 0);
	assert_int_equal(ALICE(.bus = CTL_BUS_LAST + 1, .queues = 1), -EACCES);
	assert_int_equal(ALICE(.bus = UINT32_MAX, .queues = 1), -EACCES);
	assert_int_equal(ALICE(.probe = true, .queues = 1), -EACCES);
	assert_non_null(strstr(e.text, "--probe"));
	/* tasks of this host must not wait for a tenant's file */
	assert_int_equal(ALICE(.stop = true, .queues = 1), -EACCES);
	assert_non_null(strstr(e.text, "--on-error stop"));
	assert_int_equal(fits("bob", (struct policy_request){ .bus = CTL_BUS_VHOST, .queues = 1, .stop = true }, use),
			 0);
	assert_int_equal(fits("bob", (struct policy_request){ .bus = CTL_BUS_VIRTIO, .queues = 1 }, use), -EACCES);
	assert_non_null(strstr(e.text, "give --bus vhost"));
	assert_int_equal(fits("bob", (struct policy_request){ .bus = CTL_BUS_VHOST, .queues = 1, .probe = true }, use),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_connections_that_count_together),
		cmocka_unit_test(test_P14_version_and_list_by_caller),
		cmocka_unit_test(test_P14_C16_show_and_delete_by_caller_and_device),
		cmocka_unit_test(test_C16_list_shows_what_show_shows),
		cmocka_unit_test(test_C16_no_hint_of_others_devices),
		cmocka_unit_test(test_P14_create_by_caller_and_name),
		cmocka_unit_test(test_create_says_the_prefix),
		cmocka_unit_test(test_P16_devices_queues_bounce),
		cmocka_unit_test(test_P16_overflow),
		cmocka_unit_test(test_P16_bytes),
		cmocka_unit_test(test_buses_and_probe),
	};

	return cmocka_run_group_tests_name("control_policy", tests, parse_both, NULL);
}

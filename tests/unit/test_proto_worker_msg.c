/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_proto_worker_msg.c - every message between vdused and a worker, both directions:
 * cases C1 to C5, C7, C10, C18 and F1 to F5 of the catalogue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/log.h"
#include "proto/worker_msg.h"
#include "tests/unit/proto_cases.h"

static void sample(const struct msg_rule *rule, void *buf)
{
	union work_any *m = buf;

	switch (rule->type) {
	case WORK_SETUP:
		break;
	case WORK_READY:
		m->ready.state_version = 1;
		m->ready.state_size = 4096;
		return;
	case WORK_DEVICE:
		if (rule->size < WORK_DEVICE_SIZE_2)
			return;
		m->device.mem_align = 512;
		m->device.len_align = 4096;
		return;
	case WORK_RESIZE:
	case WORK_RESIZED: /* capacity is at the same place */
		m->resize.capacity = 1U << 20;
		return;
	case WORK_HALTED:
		m->halted.error = -28;
		return;
	case WORK_ADOPTED:
		m->adopted.generation = 1;
		return;
	default:
		return;
	}
	msg_set_string(m->setup.name, sizeof(m->setup.name), "disk0");
	msg_set_string(m->setup.serial, sizeof(m->setup.serial), "disk0");
	m->setup.capacity = 1U << 20;
	m->setup.queues = 1;
	m->setup.queue_size = 256;
	m->setup.block_size = 512;
	m->setup.generation = 1;
}

static struct channel to_worker = {
	.table = work_to_worker,
	.all_states = WORK_W_BORN | WORK_W_SEALED | WORK_W_SERVING | WORK_W_ORPHAN,
	.sample = sample,
};
static struct channel to_supervisor = {
	.table = work_to_supervisor,
	.all_states = WORK_S_SETUP | WORK_S_READY | WORK_S_SERVING,
	.sample = sample,
};
static struct channel to_adopter = {
	.table = work_to_adopter,
	.all_states = WORK_A_ASKED | 0x2U,
	.sample = sample,
};

static int setup(void **state)
{
	(void)state;
	to_adopter.rows = work_to_adopter_rows;
	to_worker.rows = work_to_worker_rows;
	to_supervisor.rows = work_to_supervisor_rows;
	return 0;
}

/* All directions, by one of the common cases. */
#define BOTH(test, function)                                                                                           \
	static void test(void **state)                                                                                 \
	{                                                                                                              \
		(void)state;                                                                                           \
		function(&to_worker);                                                                                  \
		function(&to_supervisor);                                                                              \
		function(&to_adopter);                                                                                 \
	}
BOTH(good_messages, case_good)
BOTH(C1_lengths, case_lengths)
BOTH(C2_truncated, case_truncated)
BOTH(C3_two_glued, case_glued)
BOTH(C4_versions, case_versions)
BOTH(C5_unknown_types, case_unknown)
BOTH(C10_wrong_fd_counts, case_fds)
BOTH(C18_wrong_states, case_states)

/*
 * No descriptor ever comes from a worker, but for the one that an adopting helper asks for; to it,
 * only the three of WORK_DEVICE, and only when it is sealed.
 */
static void C10_fds_go_one_way(void **state)
{
	(void)state;
	for (size_t i = 0; i < work_to_supervisor_rows; i++)
		assert_int_equal(work_to_supervisor[i].fds, 0);
	for (size_t i = 0; i < work_to_worker_rows; i++) {
		if (work_to_worker[i].fds == 0)
			continue;
		assert_int_equal(work_to_worker[i].type, WORK_DEVICE);
		assert_int_equal(work_to_worker[i].fds, WORK_DEVICE_FDS);
		assert_int_equal(work_to_worker[i].states, WORK_W_SEALED);
	}
}

/* A worker that says the same again, or steps out of order, is told apart by its state alone. */
static void C18_ready_and_serving_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < work_to_supervisor_rows; i++) {
		if (work_to_supervisor[i].type == WORK_READY)
			assert_int_equal(work_to_supervisor[i].states, WORK_S_SETUP);
		if (work_to_supervisor[i].type == WORK_SERVING)
			assert_int_equal(work_to_supervisor[i].states, WORK_S_READY);
		if (work_to_supervisor[i].type == WORK_PONG)
			assert_int_equal(work_to_supervisor[i].states, WORK_S_SERVING);
	}
}

/*
 * What was ever sent to workers, in whatever version: a vdused that was started before the present
 * binary was installed sends the earlier sizes. Lines are added here, never changed.
 */
static void a_worker_understands_every_earlier_vdused(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t size;
	} sent[] = {
		{ WORK_SETUP, 128 }, { WORK_DEVICE, 8 }, { WORK_PING, 16 },   { WORK_STOP, 8 },    { WORK_RESIZE, 16 },
		{ WORK_RESUME, 8 },  { WORK_ADOPT, 8 },  { WORK_DEVICE, 16 }, { WORK_DEVICE, 24 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		const struct msg_rule *rule = work_to_worker, *end = rule + work_to_worker_rows;
		union record r;

		while (rule < end && (rule->type != sent[i].type || rule->size != sent[i].size))
			rule++;
		assert_true(rule < end);
		case_build(&to_worker, rule, &r);
		assert_int_equal(case_verdict(&to_worker, rule, &r, sent[i].size), MSG_OK);
	}
	assert_int_equal(work_to_worker_rows, sizeof(sent) / sizeof(sent[0]));
}

#define FIELD(s, f) offsetof(struct s, f), sizeof(((struct s *)0)->f)

static void reserved_fields(void **state)
{
	(void)state;
	case_reserved(&to_worker, WORK_SETUP, FIELD(work_setup, reserved));
	case_reserved(&to_worker, WORK_DEVICE, FIELD(work_device, reserved));
	case_reserved(&to_supervisor, WORK_RESIZED, FIELD(work_resized, reserved));
}

static void C7_strings(void **state)
{
	(void)state;
	case_string(&to_worker, WORK_SETUP, FIELD(work_setup, name));
	case_string(&to_worker, WORK_SETUP, FIELD(work_setup, serial));
	case_string(&to_supervisor, WORK_LOG, FIELD(work_log, text));
}

static enum msg_verdict setup_verdict(const struct work_setup *m)
{
	const struct msg_rule *rule;

	return msg_check(work_to_worker, work_to_worker_rows, m, sizeof(*m), false, 0, WORK_W_BORN, &rule);
}

static struct work_setup good_setup(void)
{
	union record r;
	struct work_setup m;

	case_build(&to_worker, &work_to_worker[0], &r);
	memcpy(&m, r.bytes, sizeof(m));
	assert_int_equal(m.hdr.type, WORK_SETUP);
	return m;
}

static void F1_to_F5_names(void **state)
{
	static const char *const bad[] = { "",        ".",     "..",
					   "control", "a/b",   "a!b",
					   "a\nb",    "a\xff", "123456789012345678901234567890123" };
	struct work_setup m = good_setup();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		msg_set_string(m.name, sizeof(m.name), bad[i]);
		assert_int_equal(setup_verdict(&m), MSG_CONTENT);
	}
	m = good_setup();
	msg_set_string(m.serial, sizeof(m.serial), "123456789012345678901");
	assert_int_equal(setup_verdict(&m), MSG_CONTENT);
	msg_set_string(m.serial, sizeof(m.serial), "");
	assert_int_equal(setup_verdict(&m), MSG_OK);
}

static void setup_numbers(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
		enum msg_verdict want;
	} cases[] = {
		{ offsetof(struct work_setup, queues), 0, MSG_CONTENT },
		{ offsetof(struct work_setup, queues), VD_QUEUES_MAX, MSG_OK },
		{ offsetof(struct work_setup, queues), VD_QUEUES_MAX + 1, MSG_CONTENT },
		{ offsetof(struct work_setup, queues), 0xffffffff, MSG_CONTENT },
		{ offsetof(struct work_setup, queue_size), 0, MSG_CONTENT },
		{ offsetof(struct work_setup, queue_size), 8, MSG_CONTENT },
		{ offsetof(struct work_setup, queue_size), VD_QUEUE_SIZE_MIN, MSG_OK },
		{ offsetof(struct work_setup, queue_size), 100, MSG_CONTENT },
		{ offsetof(struct work_setup, queue_size), VD_QUEUE_SIZE_MAX, MSG_OK },
		{ offsetof(struct work_setup, queue_size), 2 * VD_QUEUE_SIZE_MAX, MSG_CONTENT },
		{ offsetof(struct work_setup, queue_size), 0x80000000, MSG_CONTENT },
		{ offsetof(struct work_setup, block_size), 0, MSG_CONTENT },
		{ offsetof(struct work_setup, block_size), 1024, MSG_CONTENT },
		{ offsetof(struct work_setup, block_size), 4096, MSG_OK },
		{ offsetof(struct work_setup, block_size), 0xffffffff, MSG_CONTENT },
		{ offsetof(struct work_setup, generation), 0, MSG_CONTENT },
		{ offsetof(struct work_setup, generation), 0xffffffff, MSG_OK },
		{ offsetof(struct work_setup, flags), WORK_F_ALL, MSG_OK },
		{ offsetof(struct work_setup, flags), WORK_F_ALL + 1, MSG_CONTENT },
		{ offsetof(struct work_setup, flags), 0x80000000, MSG_CONTENT },
		{ offsetof(struct work_setup, log_level), LOG_DEBUG, MSG_OK },
		{ offsetof(struct work_setup, log_level), LOG_DEBUG + 1, MSG_CONTENT },
		{ offsetof(struct work_setup, log_level), 0xffffffff, MSG_CONTENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		case_value(&to_worker, WORK_SETUP, cases[i].offset, cases[i].value, cases[i].want);
}

static void device_alignments(void **state)
{
	static const struct {
		uint32_t value;
		enum msg_verdict want;
	} cases[] = {
		{ 0, MSG_CONTENT },          { 1, MSG_OK },
		{ 3, MSG_CONTENT },          { 512, MSG_OK },
		{ WORK_ALIGN_MAX, MSG_OK },  { 2 * WORK_ALIGN_MAX, MSG_CONTENT },
		{ 0x80000000, MSG_CONTENT }, { 0xffffffff, MSG_CONTENT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		case_value(&to_worker, WORK_DEVICE, offsetof(struct work_device, mem_align), cases[i].value,
			   cases[i].want);
		case_value(&to_worker, WORK_DEVICE, offsetof(struct work_device, len_align), cases[i].value,
			   cases[i].want);
	}
}

static void device_flags(void **state)
{
	(void)state;
	case_value(&to_worker, WORK_DEVICE, offsetof(struct work_device, flags), WORK_D_ALL, MSG_OK);
	case_value(&to_worker, WORK_DEVICE, offsetof(struct work_device, flags), WORK_D_ALL + 1, MSG_CONTENT);
}

static void setup_capacity(void **state)
{
	static const struct {
		uint64_t capacity;
		uint32_t block_size;
		enum msg_verdict want;
	} cases[] = {
		{ 0, 512, MSG_CONTENT },
		{ 512, 512, MSG_OK },
		{ 513, 512, MSG_CONTENT },
		{ 512, 4096, MSG_CONTENT },
		{ VD_CAPACITY_MAX, 4096, MSG_OK },
		{ VD_CAPACITY_MAX + 4096, 4096, MSG_CONTENT },
		{ UINT64_MAX - 511, 512, MSG_CONTENT },
	};
	struct work_setup m = good_setup();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		m.capacity = cases[i].capacity;
		m.block_size = cases[i].block_size;
		assert_int_equal(setup_verdict(&m), cases[i].want);
	}
}

static void bad_log_levels(void **state)
{
	const size_t level = offsetof(struct work_log, level);

	(void)state;
	case_value(&to_supervisor, WORK_LOG, level, LOG_DEBUG, MSG_OK);
	case_value(&to_supervisor, WORK_LOG, level, LOG_DEBUG + 1, MSG_CONTENT);
	case_value(&to_supervisor, WORK_LOG, level, 0xffffffff, MSG_CONTENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_messages),
		cmocka_unit_test(C1_lengths),
		cmocka_unit_test(C2_truncated),
		cmocka_unit_test(C3_two_glued),
		cmocka_unit_test(C4_versions),
		cmocka_unit_test(C5_unknown_types),
		cmocka_unit_test(C7_strings),
		cmocka_unit_test(C10_wrong_fd_counts),
		cmocka_unit_test(C10_fds_go_one_way),
		cmocka_unit_test(C18_wrong_states),
		cmocka_unit_test(C18_ready_and_serving_once),
		cmocka_unit_test(F1_to_F5_names),
		cmocka_unit_test(a_worker_understands_every_earlier_vdused),
		cmocka_unit_test(reserved_fields),
		cmocka_unit_test(setup_numbers),
		cmocka_unit_test(device_alignments),
		cmocka_unit_test(device_flags),
		cmocka_unit_test(setup_capacity),
		cmocka_unit_test(bad_log_levels),
	};

	return cmocka_run_group_tests_name("proto_worker_msg", tests, setup, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_proto_ctl.c - every message of the admin channel, both directions: cases C1 to
 * C5, C7, C10 and C18 of the catalogue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/ctl_msg.h"
#include "proto/io_how.h"
#include "tests/unit/proto_cases.h"

static void sample_info(struct ctl_info *i, const char *name)
{
	msg_set_string(i->name, sizeof(i->name), name);
	msg_set_string(i->node, sizeof(i->node), "/dev/vdb");
	i->state = CTL_DEV_LIVE;
}

static void sample(const struct msg_rule *rule, void *buf)
{
	union ctl_any *m = buf;

	switch (rule->type) {
	case CTL_CREATE:
		msg_set_string(m->create.name, sizeof(m->create.name), "disk0");
		break;
	case CTL_SHOW:
	case CTL_DELETE:
	case CTL_RECOVER:
	case CTL_UPGRADE:
	case CTL_RESUME:
		msg_set_string(m->name.name, sizeof(m->name.name), "disk0");
		break;
	case CTL_RESIZE:
		msg_set_string(m->resize.name, sizeof(m->resize.name), "disk0");
		break;
	case CTL_RESIZED:
		m->resized.size = 1U << 20;
		break;
	case CTL_ERROR:
		m->error.code = CTL_E_FAILED;
		break;
	case CTL_LIST_PAGE:
		m->page.count = 2;
		sample_info(&m->page.entry[0], "a");
		sample_info(&m->page.entry[1], "b");
		break;
	case CTL_DEVICE:
		sample_info(&m->device.info, "disk0");
		break;
	}
}

static struct channel requests = { .table = ctl_requests, .all_states = CTL_S_IDLE | CTL_S_FILE, .sample = sample };
static struct channel answers = { .table = ctl_answers, .all_states = CTL_S_IDLE, .sample = sample };

static int setup(void **state)
{
	(void)state;
	requests.rows = ctl_request_rows;
	answers.rows = ctl_answer_rows;
	return 0;
}

/* Both directions, by one of the common cases. */
#define BOTH(test, function)                                                                                           \
	static void test(void **state)                                                                                 \
	{                                                                                                              \
		(void)state;                                                                                           \
		function(&requests);                                                                                   \
		function(&answers);                                                                                    \
	}
BOTH(good_messages, case_good)
BOTH(C1_lengths, case_lengths)
BOTH(C2_truncated, case_truncated)
BOTH(C3_two_glued, case_glued)
BOTH(C4_versions, case_versions)
BOTH(C5_unknown_types, case_unknown)
BOTH(C10_wrong_fd_counts, case_fds)
BOTH(C18_wrong_states, case_states)

static void only_file_carries_a_fd(void **state)
{
	(void)state;
	for (size_t i = 0; i < ctl_request_rows; i++)
		assert_int_equal(ctl_requests[i].fds, ctl_requests[i].type == CTL_FILE ? 1 : 0);
	for (size_t i = 0; i < ctl_answer_rows; i++)
		assert_int_equal(ctl_answers[i].fds, 0);
}

static void buffers_hold_every_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < ctl_request_rows; i++)
		assert_true(ctl_requests[i].size <= sizeof(union ctl_request));
	for (size_t i = 0; i < ctl_answer_rows; i++)
		assert_true(ctl_answers[i].size <= sizeof(union ctl_any));
}

#define FIELD(s, f) offsetof(struct s, f), sizeof(((struct s *)0)->f)

static void reserved_fields(void **state)
{
	const size_t page = offsetof(struct ctl_list_page, entry);

	(void)state;
	case_reserved(&requests, CTL_CREATE, FIELD(ctl_create, reserved));
	case_reserved(&requests, CTL_SHOW, FIELD(ctl_name, reserved));
	case_reserved(&requests, CTL_SHOW, FIELD(ctl_name, flags));
	case_reserved(&requests, CTL_DELETE, FIELD(ctl_name, reserved));
	case_reserved(&requests, CTL_RECOVER, FIELD(ctl_name, flags));
	case_reserved(&requests, CTL_UPGRADE, FIELD(ctl_name, flags));
	case_reserved(&requests, CTL_RESUME, FIELD(ctl_name, flags));
	case_reserved(&answers, CTL_ERROR, FIELD(ctl_error, reserved));
	/* The entries of a page that are not counted: the first and the last of them. */
	case_reserved(&answers, CTL_LIST_PAGE, page + 2 * sizeof(struct ctl_info), sizeof(struct ctl_info));
	case_reserved(&answers, CTL_LIST_PAGE, page + 15 * sizeof(struct ctl_info), sizeof(struct ctl_info));
}

static void C7_strings_of_requests(void **state)
{
	(void)state;
	case_string(&requests, CTL_CREATE, FIELD(ctl_create, name));
	case_string(&requests, CTL_CREATE, FIELD(ctl_create, serial));
	case_string(&requests, CTL_LIST, FIELD(ctl_list, after));
	case_string(&requests, CTL_SHOW, FIELD(ctl_name, name));
	case_string(&requests, CTL_DELETE, FIELD(ctl_name, name));
	case_string(&requests, CTL_RESIZE, FIELD(ctl_resize, name));
}

static void C7_strings_of_answers(void **state)
{
	const size_t info = offsetof(struct ctl_device, info);
	const size_t second = offsetof(struct ctl_list_page, entry) + sizeof(struct ctl_info);

	(void)state;
	case_string(&answers, CTL_ERROR, FIELD(ctl_error, step));
	case_string(&answers, CTL_ERROR, FIELD(ctl_error, text));
	case_string(&answers, CTL_VERSION_IS, FIELD(ctl_version_is, version));
	case_string(&answers, CTL_CREATED, FIELD(ctl_created, node));
	case_string(&answers, CTL_DEVICE, info + FIELD(ctl_info, name));
	case_string(&answers, CTL_DEVICE, info + FIELD(ctl_info, node));
	case_string(&answers, CTL_DEVICE, info + FIELD(ctl_info, serial));
	case_string(&answers, CTL_DEVICE, info + FIELD(ctl_info, file));
	case_string(&answers, CTL_DEVICE, info + FIELD(ctl_info, step));
	case_string(&answers, CTL_LIST_PAGE, second + FIELD(ctl_info, name));
	case_string(&answers, CTL_LIST_PAGE, second + FIELD(ctl_info, file));
}

static void unknown_flags(void **state)
{
	(void)state;
	for (uint32_t bit = 1; bit != 0; bit <<= 1) {
		case_value(&requests, CTL_CREATE, offsetof(struct ctl_create, flags), bit,
			   bit & CTL_F_ALL ? MSG_OK : MSG_CONTENT);
		case_value(&requests, CTL_DELETE, offsetof(struct ctl_name, flags), bit,
			   bit & CTL_DELETE_FORCE ? MSG_OK : MSG_CONTENT);
		case_value(&answers, CTL_DEVICE, offsetof(struct ctl_device, info.flags), bit,
			   bit & CTL_F_ALL ? MSG_OK : MSG_CONTENT);
	}
}

static void bad_enums(void **state)
{
	const uint32_t bad[] = { 0, CTL_E_LAST + 1, 0x7fffffff, 0x80000000, 0xffffffff };

	(void)state;
	for (uint32_t code = 1; code <= CTL_E_LAST; code++)
		case_value(&answers, CTL_ERROR, offsetof(struct ctl_error, code), code, MSG_OK);
	for (uint32_t s = 1; s <= CTL_DEV_LAST; s++)
		case_value(&answers, CTL_DEVICE, offsetof(struct ctl_device, info.state), s, MSG_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		case_value(&answers, CTL_ERROR, offsetof(struct ctl_error, code), bad[i], MSG_CONTENT);
		case_value(&answers, CTL_DEVICE, offsetof(struct ctl_device, info.state), bad[i], MSG_CONTENT);
		case_value(&answers, CTL_LIST_PAGE, offsetof(struct ctl_list_page, entry[1].state), bad[i],
			   MSG_CONTENT);
	}
	case_value(&answers, CTL_DEVICE, offsetof(struct ctl_device, info.state), CTL_DEV_LAST + 1, MSG_CONTENT);
	case_value(&answers, CTL_DEVICE, offsetof(struct ctl_device, info.io), IO_HOW_LAST, MSG_OK);
	case_value(&answers, CTL_DEVICE, offsetof(struct ctl_device, info.io), IO_HOW_LAST + 1, MSG_CONTENT);
	case_value(&answers, CTL_DEVICE, offsetof(struct ctl_device, info.io_error), 4095, MSG_OK);
	case_value(&answers, CTL_DEVICE, offsetof(struct ctl_device, info.io_error), 4096, MSG_CONTENT);
}

static void page_counts(void **state)
{
	const size_t count = offsetof(struct ctl_list_page, count), more = offsetof(struct ctl_list_page, more);
	const struct msg_rule *found;
	struct ctl_list_page page = { 0 };

	(void)state;
	/* one more entry than counted */
	case_value(&answers, CTL_LIST_PAGE, count, 1, MSG_CONTENT);
	case_value(&answers, CTL_LIST_PAGE, count, 3, MSG_CONTENT); /* an empty entry is counted */
	case_value(&answers, CTL_LIST_PAGE, count, CTL_PAGE + 1, MSG_CONTENT);
	case_value(&answers, CTL_LIST_PAGE, count, 0xffffffff, MSG_CONTENT);
	case_value(&answers, CTL_LIST_PAGE, more, 1, MSG_OK);
	case_value(&answers, CTL_LIST_PAGE, more, 2, MSG_CONTENT);
	msg_init(&page, CTL_LIST_PAGE, sizeof(page));
	assert_int_equal(msg_check(ctl_answers, ctl_answer_rows, &page, sizeof(page), false, 0, CTL_S_IDLE, &found),
			 MSG_OK);
	page.more = 1; /* more of nothing */
	assert_int_equal(msg_check(ctl_answers, ctl_answer_rows, &page, sizeof(page), false, 0, CTL_S_IDLE, &found),
			 MSG_CONTENT);
}

static void full_page(void **state)
{
	struct ctl_list_page page = { .count = CTL_PAGE, .more = 1 };
	const struct msg_rule *found;

	(void)state;
	msg_init(&page, CTL_LIST_PAGE, sizeof(page));
	for (uint32_t i = 0; i < CTL_PAGE; i++)
		sample_info(&page.entry[i], "x");
	assert_int_equal(msg_check(ctl_answers, ctl_answer_rows, &page, sizeof(page), false, 0, CTL_S_IDLE, &found),
			 MSG_OK);
}

static void states_have_words(void **state)
{
	(void)state;
	for (uint32_t s = 1; s <= CTL_DEV_LAST; s++)
		assert_string_not_equal(ctl_state_text(s), "unknown");
	assert_string_equal(ctl_state_text(CTL_DEV_LIVE), "live");
	assert_string_equal(ctl_state_text(0), "unknown");
	assert_string_equal(ctl_state_text(CTL_DEV_LAST + 1), "unknown");
	assert_string_equal(ctl_state_text(0xffffffff), "unknown");
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
		cmocka_unit_test(C7_strings_of_requests),
		cmocka_unit_test(C7_strings_of_answers),
		cmocka_unit_test(C10_wrong_fd_counts),
		cmocka_unit_test(C18_wrong_states),
		cmocka_unit_test(only_file_carries_a_fd),
		cmocka_unit_test(buffers_hold_every_message),
		cmocka_unit_test(reserved_fields),
		cmocka_unit_test(unknown_flags),
		cmocka_unit_test(bad_enums),
		cmocka_unit_test(page_counts),
		cmocka_unit_test(full_page),
		cmocka_unit_test(states_have_words),
	};

	return cmocka_run_group_tests_name("proto_ctl", tests, setup, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_ctl.c - target "ctl": the admin channel in both directions, names and serials (C
 * and F cases). Run by libFuzzer.
 */
#include <string.h>

#include "proto/ctl_msg.h"
#include "proto/io_how.h"
#include "proto/name.h"
#include "tests/fuzz/message.h"

#define AT(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)
#define INFO_TYPE 0xffffU /* no message: struct ctl_info inside of several */

static const struct field request_fields[] = {
	{ CTL_CREATE, FIELD_TEXT, AT(ctl_create, name), 0, 0 },
	{ CTL_CREATE, FIELD_TEXT, AT(ctl_create, serial), 0, 0 },
	{ CTL_CREATE, FIELD_MASK, AT(ctl_create, flags), 0, CTL_F_ALL },
	{ CTL_CREATE, FIELD_RANGE, AT(ctl_create, bus), 0, CTL_BUS_LAST },
	{ CTL_CREATE, FIELD_ZERO, AT(ctl_create, reserved), 0, 0 },
	{ CTL_LIST, FIELD_TEXT, AT(ctl_list, after), 0, 0 },
	{ CTL_SHOW, FIELD_TEXT, AT(ctl_name, name), 0, 0 },
	{ CTL_SHOW, FIELD_ZERO, AT(ctl_name, flags), 0, 0 },
	{ CTL_SHOW, FIELD_ZERO, AT(ctl_name, reserved), 0, 0 },
	{ CTL_DELETE, FIELD_TEXT, AT(ctl_name, name), 0, 0 },
	{ CTL_DELETE, FIELD_MASK, AT(ctl_name, flags), 0, CTL_DELETE_FORCE },
	{ CTL_DELETE, FIELD_ZERO, AT(ctl_name, reserved), 0, 0 },
	{ CTL_RECOVER, FIELD_TEXT, AT(ctl_name, name), 0, 0 },
	{ CTL_RECOVER, FIELD_ZERO, AT(ctl_name, flags), 0, 0 },
	{ CTL_RECOVER, FIELD_ZERO, AT(ctl_name, reserved), 0, 0 },
	{ CTL_UPGRADE, FIELD_TEXT, AT(ctl_name, name), 0, 0 },
	{ CTL_UPGRADE, FIELD_ZERO, AT(ctl_name, flags), 0, 0 },
	{ CTL_UPGRADE, FIELD_ZERO, AT(ctl_name, reserved), 0, 0 },
	{ CTL_RESUME, FIELD_TEXT, AT(ctl_name, name), 0, 0 },
	{ CTL_RESUME, FIELD_ZERO, AT(ctl_name, flags), 0, 0 },
	{ CTL_RESUME, FIELD_ZERO, AT(ctl_name, reserved), 0, 0 },
	{ CTL_RESIZE, FIELD_TEXT, AT(ctl_resize, name), 0, 0 },
};

static const struct field answer_fields[] = {
	{ CTL_ERROR, FIELD_RANGE, AT(ctl_error, code), 1, CTL_E_LAST },
	{ CTL_ERROR, FIELD_ZERO, AT(ctl_error, reserved), 0, 0 },
	{ CTL_ERROR, FIELD_TEXT, AT(ctl_error, step), 0, 0 },
	{ CTL_ERROR, FIELD_TEXT, AT(ctl_error, text), 0, 0 },
	{ CTL_VERSION_IS, FIELD_TEXT, AT(ctl_version_is, version), 0, 0 },
	{ CTL_CREATED, FIELD_TEXT, AT(ctl_created, node), 0, 0 },
	{ CTL_RESIZED, FIELD_RANGE, AT(ctl_resized, size), 1, UINT64_MAX },
	{ CTL_LIST_PAGE, FIELD_RANGE, AT(ctl_list_page, count), 0, CTL_PAGE },
	{ CTL_LIST_PAGE, FIELD_RANGE, AT(ctl_list_page, more), 0, 1 },
};

static const struct field info_fields[] = {
	{ INFO_TYPE, FIELD_TEXT, AT(ctl_info, name), 0, 0 },
	{ INFO_TYPE, FIELD_TEXT, AT(ctl_info, node), 0, 0 },
	{ INFO_TYPE, FIELD_TEXT, AT(ctl_info, serial), 0, 0 },
	{ INFO_TYPE, FIELD_TEXT, AT(ctl_info, file), 0, 0 },
	{ INFO_TYPE, FIELD_TEXT, AT(ctl_info, step), 0, 0 },
	{ INFO_TYPE, FIELD_RANGE, AT(ctl_info, state), 1, CTL_DEV_LAST },
	{ INFO_TYPE, FIELD_MASK, AT(ctl_info, flags), 0, CTL_F_ALL },
	{ INFO_TYPE, FIELD_RANGE, AT(ctl_info, bus), 0, CTL_BUS_LAST },
	{ INFO_TYPE, FIELD_RANGE, AT(ctl_info, halted), 0, 4095 },
	{ INFO_TYPE, FIELD_RANGE, AT(ctl_info, io), 0, IO_HOW_LAST },
	{ INFO_TYPE, FIELD_RANGE, AT(ctl_info, io_error), 0, 4095 },
};

static bool info_good(const void *info)
{
	return message_fields_good(info_fields, sizeof(info_fields) / sizeof(info_fields[0]), INFO_TYPE, info,
				   SIZE_MAX);
}

static bool page_good(const struct ctl_list_page *p)
{
	static const struct ctl_info none;

	if (p->more && p->count == 0)
		return false;
	for (uint32_t i = 0; i < CTL_PAGE; i++)
		if (i < p->count ? !info_good(&p->entry[i]) : memcmp(&p->entry[i], &none, sizeof(none)) != 0)
			return false;
	return true;
}

static bool answer_more(uint16_t type, const uint8_t *msg)
{
	if (type == CTL_LIST_PAGE)
		return page_good((const void *)msg);
	if (type == CTL_DEVICE)
		return info_good(msg + offsetof(struct ctl_device, info));
	return true;
}

/* A page with two entries or with as many as fit. */
static void answer_sample(uint16_t type, uint8_t variant, uint8_t *msg)
{
	struct ctl_list_page *p = (void *)msg;
	struct ctl_device *d = (void *)msg;

	if (type == CTL_DEVICE)
		d->info.state = CTL_DEV_LIVE;
	if (type != CTL_LIST_PAGE)
		return;
	p->count = variant & 1 ? CTL_PAGE : 2;
	for (uint32_t i = 0; i < p->count; i++)
		p->entry[i].state = CTL_DEV_LIVE;
}

static void one_record(bool from_client, struct input *in)
{
	const struct channel requests = { ctl_requests,   ctl_request_rows,
					  request_fields, sizeof(request_fields) / sizeof(request_fields[0]),
					  NULL,           NULL };
	const struct channel answers = { ctl_answers,   ctl_answer_rows,
					 answer_fields, sizeof(answer_fields) / sizeof(answer_fields[0]),
					 answer_more,   answer_sample };

	message_one(from_client ? &requests : &answers, in);
}

/* ---- names ---- */

static bool all_plain(const char *s, size_t len)
{
	return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static void one_name(struct input *in)
{
	size_t len = in->left;
	char *s = malloc(len + 1);
	bool plain;

	PROMISE(s, "there is memory");
	memcpy(s, in->p, len);
	s[len] = '\0';
	len = strlen(s);
	plain = all_plain(s, len);
	PROMISE(serial_valid(s) == (plain && len <= VD_SERIAL_MAX), "a serial is accepted by its rule");
	PROMISE(name_valid(s) ==
			(plain && len >= 1 && len <= VD_NAME_MAX && !strchr("._-", s[0]) && strcmp(s, "control") != 0),
		"a name is accepted by its rule");
	free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t mode = in8(&in);

	PROMISE(ctl_state_text(mode)[0] != '\0', "every state has a word");
	if (mode & 1)
		one_name(&in);
	else
		one_record(!(mode & 2), &in);
	return 0;
}

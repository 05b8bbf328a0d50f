/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/ctl_msg.c - rules of the admin channel. Runs in vdused on a hostile client's bytes, and in
 * vduse-ctl on vdused's.
 */
#include "proto/ctl_msg.h"

#include "proto/io_how.h"
#include "proto/name.h"

static bool name_field(const char *s)
{
	return msg_string(s, VD_NAME_SIZE);
}

/*
 * Form only: what a person may have typed wrong (a bad name, 3 queues of 100) is answered by rule,
 * with a text.
 */
static bool valid_create(const void *msg)
{
	const struct ctl_create *m = msg;

	return name_field(m->name) && msg_string(m->serial, sizeof(m->serial)) && (m->flags & ~CTL_F_ALL) == 0 &&
	       m->bus <= CTL_BUS_LAST && msg_zero(m->reserved, sizeof(m->reserved));
}

static bool valid_list(const void *msg)
{
	const struct ctl_list *m = msg;

	return name_field(m->after);
}

static bool valid_resize(const void *msg)
{
	const struct ctl_resize *m = msg;

	return name_field(m->name);
}

static bool valid_resized(const void *msg)
{
	const struct ctl_resized *m = msg;

	return m->size > 0;
}

static bool valid_named(const void *msg)
{
	const struct ctl_name *m = msg;

	return name_field(m->name) && m->flags == 0 && m->reserved == 0;
}

static bool valid_delete(const void *msg)
{
	const struct ctl_name *m = msg;

	return name_field(m->name) && (m->flags & ~CTL_DELETE_FORCE) == 0 && m->reserved == 0;
}

static bool valid_error(const void *msg)
{
	const struct ctl_error *m = msg;

	return m->code >= 1 && m->code <= CTL_E_LAST && m->reserved == 0 && msg_string(m->step, sizeof(m->step)) &&
	       msg_string(m->text, sizeof(m->text));
}

static bool valid_version_is(const void *msg)
{
	const struct ctl_version_is *m = msg;

	return msg_string(m->version, sizeof(m->version));
}

static bool valid_created(const void *msg)
{
	const struct ctl_created *m = msg;

	return msg_string(m->node, sizeof(m->node));
}

static bool valid_info(const struct ctl_info *i)
{
	return name_field(i->name) && msg_string(i->node, sizeof(i->node)) &&
	       msg_string(i->serial, sizeof(i->serial)) && msg_string(i->file, sizeof(i->file)) &&
	       msg_string(i->step, sizeof(i->step)) && i->state >= 1 && i->state <= CTL_DEV_LAST &&
	       (i->flags & ~CTL_F_ALL) == 0 && i->bus <= CTL_BUS_LAST && i->halted <= 4095 && i->io <= IO_HOW_LAST &&
	       i->io_error <= 4095;
}

/* "More" after an empty page would have a client ask the same for ever. */
static bool valid_page(const void *msg)
{
	const struct ctl_list_page *m = msg;

	if (m->count > CTL_PAGE || m->more > 1 || m->more > m->count)
		return false;
	for (uint32_t i = 0; i < m->count; i++)
		if (!valid_info(&m->entry[i]))
			return false;
	return msg_zero(&m->entry[m->count], (CTL_PAGE - m->count) * sizeof(m->entry[0]));
}

static bool valid_device(const void *msg)
{
	const struct ctl_device *m = msg;

	return valid_info(&m->info);
}

const struct msg_rule ctl_requests[] = {
	{ CTL_VERSION, 0, sizeof(struct ctl_plain), CTL_S_IDLE, NULL, "version" },
	{ CTL_CREATE, 0, sizeof(struct ctl_create), CTL_S_IDLE, valid_create, "create" },
	{ CTL_FILE, 1, sizeof(struct ctl_plain), CTL_S_FILE, NULL, "file" },
	{ CTL_LIST, 0, sizeof(struct ctl_list), CTL_S_IDLE, valid_list, "list" },
	{ CTL_SHOW, 0, sizeof(struct ctl_name), CTL_S_IDLE, valid_named, "show" },
	{ CTL_DELETE, 0, sizeof(struct ctl_name), CTL_S_IDLE, valid_delete, "delete" },
	{ CTL_RECOVER, 0, sizeof(struct ctl_name), CTL_S_IDLE, valid_named, "recover" },
	{ CTL_UPGRADE, 0, sizeof(struct ctl_name), CTL_S_IDLE, valid_named, "upgrade" },
	{ CTL_RESIZE, 0, sizeof(struct ctl_resize), CTL_S_IDLE, valid_resize, "resize" },
	{ CTL_RESUME, 0, sizeof(struct ctl_name), CTL_S_IDLE, valid_named, "resume" },
};
const size_t ctl_request_rows = sizeof(ctl_requests) / sizeof(ctl_requests[0]);

const struct msg_rule ctl_answers[] = {
	{ CTL_OK, 0, sizeof(struct ctl_plain), CTL_S_IDLE, NULL, "ok" },
	{ CTL_ERROR, 0, sizeof(struct ctl_error), CTL_S_IDLE, valid_error, "error" },
	{ CTL_VERSION_IS, 0, sizeof(struct ctl_version_is), CTL_S_IDLE, valid_version_is, "version" },
	{ CTL_SEND_FILE, 0, sizeof(struct ctl_plain), CTL_S_IDLE, NULL, "send file" },
	{ CTL_CREATED, 0, sizeof(struct ctl_created), CTL_S_IDLE, valid_created, "created" },
	{ CTL_LIST_PAGE, 0, sizeof(struct ctl_list_page), CTL_S_IDLE, valid_page, "list page" },
	{ CTL_DEVICE, 0, sizeof(struct ctl_device), CTL_S_IDLE, valid_device, "device" },
	{ CTL_RESIZED, 0, sizeof(struct ctl_resized), CTL_S_IDLE, valid_resized, "resized" },
};
const size_t ctl_answer_rows = sizeof(ctl_answers) / sizeof(ctl_answers[0]);

const char *ctl_state_text(uint32_t state)
{
	switch (state) {
	case CTL_DEV_CREATING:
		return "creating";
	case CTL_DEV_LIVE:
		return "live";
	case CTL_DEV_RECOVERING:
		return "recovering";
	case CTL_DEV_FAILED:
		return "failed";
	case CTL_DEV_DELETING:
		return "deleting";
	case CTL_DEV_STOPPED:
		return "stopped";
	}
	return "unknown";
}

_Static_assert(sizeof(struct ctl_plain) == 8, "wire size");
_Static_assert(sizeof(struct ctl_create) == 8 + 40 + 24 + 16 + 16, "wire size");
_Static_assert(sizeof(struct ctl_name) == 8 + 40 + 8, "wire size");
_Static_assert(sizeof(struct ctl_error) == 8 + 8 + 24 + 480, "wire size");
_Static_assert(sizeof(struct ctl_info) == 40 + 40 + 24 + 256 + 24 + 11 * 8 + 14 * 4, "wire size");
_Static_assert(sizeof(struct ctl_list_page) == 16 + CTL_PAGE * sizeof(struct ctl_info), "wire size");

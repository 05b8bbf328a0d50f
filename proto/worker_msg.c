/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/worker_msg.c - rules of the worker channel. Runs in vdused on a hostile worker's bytes, and
 * in the worker on vdused's.
 */
#include "proto/worker_msg.h"

#include "proto/name.h"

static bool power_of_two(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

static bool valid_setup(const void *msg)
{
	const struct work_setup *m = msg;

	return msg_string(m->name, sizeof(m->name)) && name_valid(m->name) &&
	       msg_string(m->serial, sizeof(m->serial)) && serial_valid(m->serial) &&
	       (m->block_size == 512 || m->block_size == 4096) && m->capacity > 0 && m->capacity <= VD_CAPACITY_MAX &&
	       m->capacity % m->block_size == 0 && (m->flags & ~WORK_F_ALL) == 0 && m->queues >= 1 &&
	       m->queues <= VD_QUEUES_MAX && power_of_two(m->queue_size) && m->queue_size >= VD_QUEUE_SIZE_MIN &&
	       m->queue_size <= VD_QUEUE_SIZE_MAX && m->generation >= 1 && m->log_level <= 3 &&
	       msg_zero(m->reserved, sizeof(m->reserved));
}

static bool valid_align(uint32_t v)
{
	return power_of_two(v) && v <= WORK_ALIGN_MAX;
}

static bool valid_device_2(const void *msg)
{
	const struct work_device *m = msg;

	return valid_align(m->mem_align) && valid_align(m->len_align);
}

static bool valid_device(const void *msg)
{
	const struct work_device *m = msg;

	return valid_device_2(msg) && (m->flags & ~WORK_D_ALL) == 0 && m->reserved == 0;
}

static bool valid_log(const void *msg)
{
	const struct work_log *m = msg;

	return m->level <= 3 && msg_string(m->text, sizeof(m->text));
}

static bool valid_ready(const void *msg)
{
	const struct work_ready *m = msg;

	return m->state_version >= 1 && m->state_size >= 1;
}

static bool valid_capacity(uint64_t bytes)
{
	return bytes > 0 && bytes <= VD_CAPACITY_MAX && bytes % VD_SECTOR_SIZE == 0;
}

static bool valid_resize(const void *msg)
{
	const struct work_resize *m = msg;

	return valid_capacity(m->capacity);
}

static bool negative_errno(int32_t error)
{
	return error < 0 && error >= -4095;
}

static bool valid_resized(const void *msg)
{
	const struct work_resized *m = msg;

	return valid_capacity(m->capacity) && (m->error == 0 || negative_errno(m->error)) && m->reserved == 0;
}

static bool valid_halted(const void *msg)
{
	const struct work_halted *m = msg;

	return negative_errno(m->error) && m->queue < VD_QUEUES_MAX;
}

static bool valid_adopted(const void *msg)
{
	const struct work_adopted *m = msg;

	return m->generation >= 1 && (m->halted == 0 || negative_errno(m->halted));
}

const struct msg_rule work_to_worker[] = {
	{ WORK_SETUP, 0, sizeof(struct work_setup), WORK_W_BORN, valid_setup, "setup" },
	{ WORK_DEVICE, WORK_DEVICE_FDS, sizeof(struct work_device), WORK_W_SEALED, valid_device, "device" },
	{ WORK_DEVICE, WORK_DEVICE_FDS, WORK_DEVICE_SIZE_2, WORK_W_SEALED, valid_device_2,
	  "device of an earlier vdused" },
	{ WORK_DEVICE, WORK_DEVICE_FDS, WORK_DEVICE_SIZE_1, WORK_W_SEALED, NULL, "device of an earlier vdused" },
	{ WORK_PING, 0, sizeof(struct work_cookie), WORK_W_SERVING, NULL, "ping" },
	{ WORK_STOP, 0, sizeof(struct work_plain), WORK_W_SEALED | WORK_W_SERVING, NULL, "stop" },
	{ WORK_RESIZE, 0, sizeof(struct work_resize), WORK_W_SERVING, valid_resize, "resize" },
	{ WORK_RESUME, 0, sizeof(struct work_plain), WORK_W_SERVING, NULL, "resume" },
	{ WORK_ADOPT, 0, sizeof(struct work_plain), WORK_W_ORPHAN, NULL, "adopt" },
};
const size_t work_to_worker_rows = sizeof(work_to_worker) / sizeof(work_to_worker[0]);

const struct msg_rule work_to_supervisor[] = {
	{ WORK_READY, 0, sizeof(struct work_ready), WORK_S_SETUP, valid_ready, "ready" },
	{ WORK_SERVING, 0, sizeof(struct work_plain), WORK_S_READY, NULL, "serving" },
	{ WORK_PONG, 0, sizeof(struct work_cookie), WORK_S_SERVING, NULL, "pong" },
	{ WORK_LOG, 0, sizeof(struct work_log), WORK_S_SETUP | WORK_S_READY | WORK_S_SERVING, valid_log, "log" },
	{ WORK_RESIZED, 0, sizeof(struct work_resized), WORK_S_SERVING, valid_resized, "resized" },
	{ WORK_HALTED, 0, sizeof(struct work_halted), WORK_S_SERVING, valid_halted, "halted" },
	{ WORK_RESUMED, 0, sizeof(struct work_plain), WORK_S_SERVING, NULL, "resumed" },
};
const size_t work_to_supervisor_rows = sizeof(work_to_supervisor) / sizeof(work_to_supervisor[0]);

const struct msg_rule work_to_adopter[] = {
	{ WORK_ADOPTED, 1, sizeof(struct work_adopted), WORK_A_ASKED, valid_adopted, "adopted" },
};
const size_t work_to_adopter_rows = sizeof(work_to_adopter) / sizeof(work_to_adopter[0]);

_Static_assert(sizeof(struct msg_hdr) == 8, "wire size");
_Static_assert(sizeof(struct work_setup) == 8 + 40 + 24 + 16 + 24 + 16, "wire size");
_Static_assert(sizeof(struct work_plain) == 8, "wire size");
_Static_assert(sizeof(struct work_device) == 24, "wire size");
_Static_assert(sizeof(struct work_cookie) == 16, "wire size");
_Static_assert(sizeof(struct work_ready) == 16, "wire size");
_Static_assert(sizeof(struct work_resize) == 16, "wire size");
_Static_assert(sizeof(struct work_resized) == 24, "wire size");
_Static_assert(sizeof(struct work_halted) == 16, "wire size");
_Static_assert(sizeof(struct work_adopted) == 16, "wire size");
_Static_assert(sizeof(struct work_log) == 8 + 8 + 240, "wire size");

/*
 * proto/work.c - rules of the worker channel. Runs in vdused on a hostile worker's bytes, and in
 * the worker on vdused's.
 */
#include "proto/work.h"

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

static bool valid_log(const void *msg)
{
	const struct work_log *m = msg;

	return m->level <= 3 && msg_string(m->text, sizeof(m->text));
}

const struct msg_rule work_to_worker[] = {
	{ WORK_SETUP, 0, sizeof(struct work_setup), WORK_W_BORN, valid_setup, "setup" },
	{ WORK_DEVICE, WORK_DEVICE_FDS, sizeof(struct work_plain), WORK_W_SEALED, NULL, "device" },
	{ WORK_PING, 0, sizeof(struct work_cookie), WORK_W_SERVING, NULL, "ping" },
	{ WORK_STOP, 0, sizeof(struct work_plain), WORK_W_SEALED | WORK_W_SERVING, NULL, "stop" },
};
const size_t work_to_worker_rows = sizeof(work_to_worker) / sizeof(work_to_worker[0]);

const struct msg_rule work_to_supervisor[] = {
	{ WORK_READY, 0, sizeof(struct work_plain), WORK_S_SETUP, NULL, "ready" },
	{ WORK_SERVING, 0, sizeof(struct work_plain), WORK_S_READY, NULL, "serving" },
	{ WORK_PONG, 0, sizeof(struct work_cookie), WORK_S_SERVING, NULL, "pong" },
	{ WORK_LOG, 0, sizeof(struct work_log), WORK_S_SETUP | WORK_S_READY | WORK_S_SERVING, valid_log, "log" },
};
const size_t work_to_supervisor_rows = sizeof(work_to_supervisor) / sizeof(work_to_supervisor[0]);

_Static_assert(sizeof(struct msg_hdr) == 8, "wire size");
_Static_assert(sizeof(struct work_setup) == 8 + 40 + 24 + 16 + 24 + 16, "wire size");
_Static_assert(sizeof(struct work_cookie) == 16, "wire size");
_Static_assert(sizeof(struct work_log) == 8 + 8 + 240, "wire size");

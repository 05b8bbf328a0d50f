/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_work.c - target "work": the channel between vdused and a worker, both tables
 * (P13). Run by libFuzzer.
 */
#include <string.h>

#include "proto/name.h"
#include "proto/worker_msg.h"
#include "tests/fuzz/message.h"

#define AT(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)

static const struct field to_supervisor[] = {
	{ WORK_READY, FIELD_RANGE, AT(work_ready, state_version), 1, UINT32_MAX },
	{ WORK_READY, FIELD_RANGE, AT(work_ready, state_size), 1, UINT32_MAX },
	{ WORK_RESIZED, FIELD_RANGE, AT(work_resized, capacity), 512, VD_CAPACITY_MAX },
	{ WORK_RESIZED, FIELD_ZERO, AT(work_resized, reserved), 0, 0 },
	{ WORK_HALTED, FIELD_RANGE, AT(work_halted, queue), 0, VD_QUEUES_MAX - 1 },
	{ WORK_LOG, FIELD_RANGE, AT(work_log, level), 0, 3 },
	{ WORK_LOG, FIELD_TEXT, AT(work_log, text), 0, 0 },
};

static const struct field to_worker[] = {
	{ WORK_DEVICE, FIELD_RANGE, AT(work_device, mem_align), 1, WORK_ALIGN_MAX },
	{ WORK_DEVICE, FIELD_RANGE, AT(work_device, len_align), 1, WORK_ALIGN_MAX },
	{ WORK_DEVICE, FIELD_MASK, AT(work_device, flags), 0, WORK_D_ALL },
	{ WORK_DEVICE, FIELD_ZERO, AT(work_device, reserved), 0, 0 },
	{ WORK_RESIZE, FIELD_RANGE, AT(work_resize, capacity), 512, VD_CAPACITY_MAX },
	{ WORK_SETUP, FIELD_TEXT, AT(work_setup, name), 0, 0 },
	{ WORK_SETUP, FIELD_TEXT, AT(work_setup, serial), 0, 0 },
	{ WORK_SETUP, FIELD_RANGE, AT(work_setup, capacity), 512, VD_CAPACITY_MAX },
	{ WORK_SETUP, FIELD_MASK, AT(work_setup, flags), 0, WORK_F_ALL },
	{ WORK_SETUP, FIELD_RANGE, AT(work_setup, queues), 1, VD_QUEUES_MAX },
	{ WORK_SETUP, FIELD_RANGE, AT(work_setup, queue_size), VD_QUEUE_SIZE_MIN, VD_QUEUE_SIZE_MAX },
	{ WORK_SETUP, FIELD_RANGE, AT(work_setup, block_size), 512, 4096 },
	{ WORK_SETUP, FIELD_RANGE, AT(work_setup, generation), 1, UINT32_MAX },
	{ WORK_SETUP, FIELD_RANGE, AT(work_setup, log_level), 0, 3 },
	{ WORK_SETUP, FIELD_ZERO, AT(work_setup, reserved), 0, 0 },
};

static const struct field to_adopter[] = {
	{ WORK_ADOPTED, FIELD_RANGE, AT(work_adopted, generation), 1, UINT32_MAX },
};

static bool error_good(int32_t error, bool may_be_none)
{
	return (error < 0 && error >= -4095) || (may_be_none && error == 0);
}

static bool up_more(uint16_t type, const uint8_t *msg)
{
	const struct work_resized *r = (const void *)msg;
	const struct work_halted *h = (const void *)msg;
	const struct work_adopted *a = (const void *)msg;

	if (type == WORK_RESIZED)
		return r->capacity % VD_SECTOR_SIZE == 0 && error_good(r->error, true);
	if (type == WORK_HALTED)
		return error_good(h->error, false);
	return type != WORK_ADOPTED || error_good(a->halted, true);
}

static void up_sample(uint16_t type, uint8_t variant, uint8_t *msg)
{
	int32_t error = variant & 1 ? -28 : -5;

	if (type == WORK_HALTED)
		memcpy(msg + offsetof(struct work_halted, error), &error, sizeof(error));
}

static bool down_more(uint16_t type, const uint8_t *msg)
{
	const struct work_setup *m = (const void *)msg;
	const struct work_device *d = (const void *)msg;

	if (type == WORK_DEVICE)
		return __builtin_popcount(d->mem_align) == 1 && __builtin_popcount(d->len_align) == 1;
	if (type == WORK_RESIZE)
		return ((const struct work_resize *)(const void *)msg)->capacity % VD_SECTOR_SIZE == 0;
	if (type != WORK_SETUP)
		return true;
	return name_valid(m->name) && serial_valid(m->serial) && __builtin_popcount(m->queue_size) == 1 &&
	       (m->block_size == 512 || m->block_size == 4096) && m->capacity % m->block_size == 0;
}

static void setup_sample(uint16_t type, uint8_t variant, uint8_t *msg)
{
	(void)variant;
	if (type == WORK_SETUP)
		msg[offsetof(struct work_setup, name)] = 'd';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct channel up = { work_to_supervisor,
				    work_to_supervisor_rows,
				    to_supervisor,
				    sizeof(to_supervisor) / sizeof(to_supervisor[0]),
				    up_more,
				    up_sample };
	const struct channel adopt = { work_to_adopter, work_to_adopter_rows,
				       to_adopter,      sizeof(to_adopter) / sizeof(to_adopter[0]),
				       up_more,         up_sample };
	const struct channel down = { work_to_worker, work_to_worker_rows,
				      to_worker,      sizeof(to_worker) / sizeof(to_worker[0]),
				      down_more,      setup_sample };
	struct input in = { data, size };
	uint8_t which;

	which = in8(&in);
	message_one(which & 2 ? &down : which & 4 ? &adopt : &up, &in);
	return 0;
}

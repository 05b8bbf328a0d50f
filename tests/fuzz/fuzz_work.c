/*
 * tests/fuzz/fuzz_work.c - target "work": the channel between vdused and a worker, both tables (P13). Run by libFuzzer.
 */
#include <string.h>

#include "proto/name.h"
#include "proto/work.h"
#include "tests/fuzz/message.h"

#define AT(type, name) offsetof(struct type, name), sizeof(((struct type *)0)->name)

static const struct field to_supervisor[] = {
	{ WORK_LOG, FIELD_RANGE, AT(work_log, level), 0, 3 },
	{ WORK_LOG, FIELD_TEXT, AT(work_log, text), 0, 0 },
};

static const struct field to_worker[] = {
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

static bool setup_more(uint16_t type, const uint8_t *msg)
{
	const struct work_setup *m = (const void *)msg;

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
				    NULL,
				    NULL };
	const struct channel down = { work_to_worker, work_to_worker_rows,
				      to_worker,      sizeof(to_worker) / sizeof(to_worker[0]),
				      setup_more,     setup_sample };
	struct input in = { data, size };

	message_one(in8(&in) & 2 ? &down : &up, &in);
	return 0;
}

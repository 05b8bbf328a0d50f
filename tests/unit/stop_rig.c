/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/stop_rig.c - see stop_rig.h.
 */
#include "tests/unit/stop_rig.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "tests/unit/unit.h"
#include "worker/blk/engine_pread.h"
#include "worker/commands.h"
#include "worker/device/error_stop.h"
#include "worker/device/queue_halt.h"

int vdused;
_Atomic uint64_t bad_from;
_Atomic int bad_error;
_Atomic unsigned tried, syncs;
_Atomic int sync_error;

static enum engine_answer submit(struct engine *e, struct io *io)
{
	if (io->op == IO_FLUSH) {
		syncs++;
		io->result = sync_error;
		return ENGINE_DONE;
	}
	tried++;
	if (io->range[0].offset / 512 < bad_from)
		return engine_pread.submit(e, io);
	io->result = bad_error;
	return ENGINE_DONE;
}

static const struct engine_ops failing = { .name = "failing", .depth = 1, .submit = submit };

static void with_disk(void)
{
	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		rig.d->queue[q].engine.ops = &failing;
}

void replaced(uint32_t generation, uint32_t flags)
{
	rig_replace(generation, flags);
	orders_take(&rig.link, rig.d);
	if (!(flags & WORK_F_FAIL))
		with_disk();
}

int stop_setup(void **state)
{
	int sv[2];

	if (rig_setup(state) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	replaced(2, WORK_F_STOP);
	assert_int_equal(link_init(&rig.link, sv[0]), 0);
	rig.link.state = WORK_W_SERVING;
	orders_take(&rig.link, rig.d);
	vdused = sv[1];
	bad_from = NEVER;
	bad_error = -EIO;
	tried = syncs = 0;
	sync_error = 0;
	return 0;
}

int stop_teardown(void **state)
{
	(void)close(vdused);
	(void)close(rig.link.fd);
	rig.link.fd = -1;
	return rig_teardown(state);
}

bool told(struct work_halted *m)
{
	union work_any a;
	struct chan_msg c;

	(void)device_notes(rig.d);
	while (chan_wait(vdused, 0) == 0) {
		assert_int_equal(chan_recv(vdused, &a, sizeof(a), false, &c), 0);
		if (a.hdr.type != WORK_HALTED)
			continue;
		*m = a.halted;
		return true;
	}
	return false;
}

void is_told(uint32_t queue, int error)
{
	struct work_halted m = { 0 };
	bool heard = false;

	for (int i = 0; i < 10000 && !heard; i++) {
		heard = told(&m);
		rig_pause();
	}
	assert_true(heard);
	assert_int_equal(m.queue, queue);
	assert_int_equal(m.error, error);
	assert_int_equal(error_stop_error(rig.d), error);
}

void is_told_nothing(void)
{
	struct work_halted m;

	for (int i = 0; i < 10; i++) {
		assert_false(told(&m));
		rig_pause();
	}
}

void resume(void)
{
	struct work_plain m = { 0 };

	msg_init(&m, WORK_RESUME, sizeof(m));
	assert_int_equal(chan_send(vdused, &m, sizeof(m), NULL, 0), 0);
	link_serve(&rig.link);
}

void offer_write(uint32_t q, unsigned slot, uint64_t sector, int c, bool kick)
{
	memset(rig_data(q, slot), c, 512);
	rig_offer(q, slot, VIRTIO_BLK_T_OUT, sector, 512, kick);
}

int disk_byte(uint64_t sector)
{
	char c;

	assert_int_equal(pread(rig.disk, &c, 1, 512 * (off_t)sector), 1);
	return c;
}

void halted(void)
{
	rig_run();
	bad_from = 8;
	offer_write(0, 0, 9, 'a', true);
	is_told(0, -EIO);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
}

void repaired(void)
{
	bad_from = NEVER;
	resume();
	rig_wait_used(0, 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(disk_byte(9), 'a');
	assert_int_equal(error_stop_error(rig.d), 0);
}

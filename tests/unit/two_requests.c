/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/two_requests.c - see two_requests.h.
 */
#include "tests/unit/two_requests.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

const int passing[4] = { -ENOMEM, -EMFILE, -ENFILE, -EAGAIN };

bool has_failed(void)
{
	return rig.d->queue[0].failed;
}

bool is_published(void)
{
	return ring_used_idx(&rig.ring[0]) == 1;
}

bool both_published(void)
{
	return ring_used_idx(&rig.ring[0]) == 2;
}

bool was_asked_often(void)
{
	return rig.guest.gets > SOME_TRIES;
}

void hold(void)
{
	rig_quiesce();
}

void go(void)
{
	assert_int_equal(rig_iotlb(0, 0), OK); /* of no memory that there is */
}

void write_to_9(void)
{
	hold();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_offer(0, 1, VIRTIO_BLK_T_OUT, 9, 512, false);
	memset(rig_data(0, 1), 'x', 512);
}

int sector_9(void)
{
	char c;

	assert_int_equal(pread(rig.disk, &c, 1, 9 * 512), 1);
	return c;
}

void status_at(uint64_t iova)
{
	write_to_9();
	ring_desc(&rig.ring[0], 5, iova, 1, VRING_DESC_F_WRITE, 0);
}

void table_at(uint64_t iova)
{
	write_to_9();
	ring_desc(&rig.ring[0], 3, iova, 48, VRING_DESC_F_INDIRECT, 0);
}

void data_at(uint64_t iova)
{
	write_to_9();
	ring_desc(&rig.ring[0], 4, iova, 512, VRING_DESC_F_NEXT, 5);
}

void only_the_first_is_completed(void)
{
	assert_int_equal(ring_used_idx(&rig.ring[0]), 1);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 0);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(rig.state->queue[0].desc[0].inflight, 0);
	assert_int_equal(rig.state->queue[0].desc[3].inflight, 1);
	assert_int_equal(sector_9(), 0);
}

void fails(void)
{
	go();
	rig_until(has_failed);
	fake_kick(0);
	rig_settle();
	only_the_first_is_completed();
	assert_int_equal(rig.state->queue[0].failed, 1);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true); /* the other queue does not care */
	rig_wait_used(1, 1);
}

void is_done_in_the_end(void)
{
	rig_until(both_published);
	assert_false(has_failed());
	assert_int_equal(ring_used_id(&rig.ring[0], 1), 3);
	assert_int_equal(sector_9(), 'x');
	for (unsigned i = 0; i < RIG_NUM; i++)
		assert_int_equal(rig.state->queue[0].desc[i].inflight, 0);
}

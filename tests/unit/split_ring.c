/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/split_ring.c - see split_ring.h.
 */
#include "tests/unit/split_ring.h"

#include "tests/unit/unit.h"
#include "worker/ring/virtq_split.h"
#include <errno.h>
#include <string.h>

struct ring ring;
struct virtq vq;
struct chain chain;
struct state_queue log_file;

void split_begin(bool event_idx, bool indirect, uint16_t used_idx)
{
	ring_init(&ring, &guest, NUM, RING);
	ring.avail_idx = used_idx;
	ring_set_avail_idx(&ring, used_idx);
	ring_set_used_idx(&ring, used_idx);
	memset(&log_file, 0, sizeof(log_file));
	memset(&vq, 0, sizeof(vq));
	vq.ops = &virtq_split;
	vq.mem = &view;
	ring_conf(&ring, &vq.conf, event_idx, indirect);
	assert_int_equal(vq.ops->map(&vq), 0);
	inflight_start(&vq.log, &log_file, NUM, used_idx);
	assert_int_equal(vq.ops->start(&vq, used_idx), 0);
}

int split_setup(void **state)
{
	(void)state;
	guest_memory_begin();
	guest_add(&guest, RING, 0x10000, 0, VDUSE_ACCESS_RW);
	guest_add(&guest, DATA, DATA_SIZE, 0, VDUSE_ACCESS_RW);
	split_begin(true, true, 0);
	return 0;
}

void split_bad_chain(void)
{
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_non_null(chain.bad);
	assert_int_equal(chain.nout + chain.nin, 0);
	vq.ops->push(&vq, chain.head, 0);
	(void)vq.ops->publish(&vq);
	assert_int_equal(vq.ops->pop(&vq, &chain), 0);
	ring_desc(&ring, NUM - 1, DATA, 16, 0, 0);
	ring_offer(&ring, NUM - 1);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_null(chain.bad);
}

void split_malformed(void)
{
	assert_int_equal(vq.ops->pop(&vq, &chain), -EPROTO);
	assert_non_null(vq.error);
}

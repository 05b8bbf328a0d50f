/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/blk_request.c - see blk_request.h.
 */
#include "tests/unit/blk_request.h"

#include <string.h>

#include "tests/unit/unit.h"

struct chain blk_chain;
struct blk_dev dev;
struct blk_req req;
static struct iovec many[IO_IOV_MAX];
struct state_counters counters;

int blk_setup(void **state)
{
	(void)state;
	guest_memory_begin();
	guest_add(&guest, RAM, RAM_SIZE, 0, VDUSE_ACCESS_RW);
	memset(&blk_chain, 0, sizeof(blk_chain));
	memset(&counters, 0, sizeof(counters));
	memset(&req, 0x5a, sizeof(req));
	req.io.many = many;
	dev = (struct blk_dev){
		.capacity = CAPACITY,
		.features =
			1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_DISCARD | 1ULL << VIRTIO_BLK_F_WRITE_ZEROES,
		.seg_max = 4,
		.serial = "0123456789abcdefghij",
	};
	return 0;
}

void out(uint64_t iova, uint32_t len)
{
	assert_null(chain_add(&blk_chain, iova, len, false));
}

void in(uint64_t iova, uint32_t len)
{
	assert_null(chain_add(&blk_chain, iova, len, true));
}

void header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };

	memcpy(guest_at(&guest, HDR), &h, sizeof(h));
	out(HDR, 16);
}

void segment(unsigned i, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes s = { .sector = sector, .num_sectors = sectors, .flags = flags };

	memcpy(guest_at(&guest, DATA + 16ULL * i), &s, sizeof(s));
}

int refused(void)
{
	uint8_t *status = guest_at(&guest, STATUS);

	*status = 0xee;
	assert_int_equal(blk_begin(&dev, &view, &blk_chain, &req, &counters), BLK_DONE);
	assert_int_equal(counters.errors, 1);
	assert_non_null(req.bad);
	assert_non_null(req.done.status_at);
	blk_store_status(&req.done);
	return *status;
}

void unanswered(int error)
{
	assert_int_equal(blk_begin(&dev, &view, &blk_chain, &req, &counters), BLK_UNREACHED);
	assert_int_equal(counters.errors, 0);
	assert_int_equal(req.error, error);
	assert_non_null(req.bad);
}

int refused_in_the_end(int error)
{
	uint8_t *status = guest_at(&guest, STATUS);

	*status = 0xee;
	unanswered(error);
	assert_non_null(req.done.status_at);
	blk_refuse(&req, &counters);
	assert_int_equal(counters.errors, 1);
	blk_store_status(&req.done);
	return *status;
}

void accepted(enum io_op op)
{
	assert_int_equal(blk_begin(&dev, &view, &blk_chain, &req, &counters), BLK_IO);
	assert_int_equal(req.io.op, op);
	assert_int_equal(counters.errors, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_crash.c - a worker killed before every single store that it makes to the
 * state file and to the used ring (K1 to K9 of threats.md (c), and everything between them), then
 * taken over by a next one, which is killed in turn before every store of its own (K13 to K20 as
 * far as they are stores). Requests end in another order than they were taken in.
 */
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/unit/cpu.h"
#include "tests/unit/fake_guest.h"
#include "tests/unit/unit.h"
#include "worker/ring/virtq.h"
#include "worker/ring/virtq_split.h"

#define NUM 8U
#define NONE UINT32_MAX
#define REQUESTS 20U
#define RING 0x100000ULL
#define DATA 0x200000ULL

/* ---- the world: a driver, a state file ---- */

static struct guest guest;
static struct iova_map map;
static struct ring ring;
static struct state_queue *log_file;
static unsigned done[REQUESTS]; /* completions the driver saw */
static unsigned executed[REQUESTS]; /* executions since the last crash or before it */
static unsigned offered, seen; /* requests offered, used entries the driver looked at */
static unsigned head_of[NUM]; /* request that a head carries */
/* order: no request is executed before an earlier one that was never executed */
static unsigned max_offered;

static void driver_offer(void)
{
	while (offered < REQUESTS && offered - seen < NUM) {
		uint16_t h = (uint16_t)(offered * 3 % NUM);

		while (head_of[h] != NONE)
			h = (uint16_t)((h + 1) % NUM);
		head_of[h] = offered;
		ring_desc(&ring, h, DATA + 16ULL * offered, 16, 0, 0);
		ring_offer(&ring, h);
		offered++;
	}
}

/* The driver looks at used entries; each must be a head it is waiting for. */
static void driver_look(void)
{
	while ((uint16_t)seen != ring_used_idx(&ring)) {
		uint32_t h = ring_used_id(&ring, (uint16_t)seen);

		assert_true(h < NUM);
		assert_int_equal(done[head_of[h]], 0);
		assert_true(executed[head_of[h]] >= 1);
		done[head_of[h]]++;
		head_of[h] = NONE;
		seen++;
	}
}

static void world_begin(void)
{
	guest_init(&guest);
	guest_map_init(&guest, &map);
	guest_add(&guest, RING, 0x10000, 0, VDUSE_ACCESS_RW);
	guest_add(&guest, DATA, 0x1000, 0, VDUSE_ACCESS_RW);
	ring_init(&ring, &guest, NUM, RING);
	log_file = mmap(NULL, sizeof(*log_file), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(log_file, MAP_FAILED);
	memset(done, 0, sizeof(done));
	memset(executed, 0, sizeof(executed));
	memset(head_of, 0xff, sizeof(head_of));
	offered = seen = max_offered = 0;
}

static void world_end(void)
{
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	guest_free(&guest);
	assert_return_code(munmap(log_file, sizeof(*log_file)), errno);
}

/* ---- a worker's life ---- */

static struct virtq *vq;
static struct chain chain;
static struct iova_view view;

static void start_worker(void)
{
	static struct virtq worker;
	uint16_t used;

	vq = &worker;
	memset(vq, 0, sizeof(*vq));
	view = (struct iova_view){ .map = &map };
	vq->ops = &virtq_split;
	vq->mem = &view;
	ring_conf(&ring, &vq->conf, true, false);
	assert_int_equal(vq->ops->map(vq), 0);
	used = vq->ops->used_idx(vq);
	/* thousands of stores that clear the table, before anything is in flight */
	if (log_file->desc_num == 0)
		inflight_start(&vq->log, log_file, NUM, used);
	/* Its stores from here on count. The ring is the page that holds the used ring. */
	cpu.page[0] = (void *)((uintptr_t)vq->device & ~(uintptr_t)0xfff);
	cpu.len[0] = 0x1000;
	cpu.page[1] = log_file;
	cpu.len[1] = sizeof(*log_file);
	cpu_close();
	if (vq->log.num == 0)
		assert_int_equal(inflight_load(&vq->log, log_file, NUM, used), 0);
	assert_int_equal(vq->ops->start(vq, used), 0);
}

/*
 * Requests are executed in the order of their numbers, and a second time only when their completion
 * was not published. /
 */
static void execute(uint16_t head)
{
	unsigned r = head_of[head];

	assert_true(r < REQUESTS);
	assert_int_equal(done[r], 0);
	executed[r]++;
	assert_true(r <= max_offered);
	if (r == max_offered)
		max_offered++;
}

/* Complete one of those that are pending, neither the first nor the last of them as a rule. */
static void end_one(uint16_t *pending, unsigned *n, unsigned turn)
{
	unsigned i = (turn * 5 + 1) % *n;

	vq->ops->push(vq, pending[i], 16);
	memmove(&pending[i], &pending[i + 1], (--*n - i) * sizeof(pending[0]));
}

/* Five at once, published one to three at a time, up to the end or the kill. */
static void run_worker(void)
{
	uint16_t pending[5];
	unsigned n = 0, turn = 0;

	for (;; turn++) {
		driver_look();
		driver_offer();
		while (n < 5 && vq->ops->pop(vq, &chain) == 1) {
			execute(chain.head);
			pending[n++] = chain.head;
		}
		assert_null(vq->error);
		if (n == 0)
			return;
		for (unsigned k = 0; k <= turn % 3 && n > 0; k++)
			end_one(pending, &n, turn + k);
		(void)vq->ops->publish(vq);
		(void)vq->ops->enable_kicks(vq);
	}
}

/* One worker that is killed before its store number `at`. Returns whether it came that far. */
static bool killed_at(long at)
{
	cpu.left = at;
	cpu.made = 0;
	if (sigsetjmp(cpu.killed, 1) == 0) {
		start_worker();
		run_worker();
		cpu_open();
		return false;
	}
	cpu_open();
	return true;
}

static void check_all_done(void)
{
	driver_look();
	for (unsigned r = 0; r < REQUESTS; r++)
		assert_int_equal(done[r], 1);
	assert_int_equal(ring_used_idx(&ring), REQUESTS);
	for (unsigned h = 0; h < NUM; h++)
		assert_int_equal(log_file->desc[h].inflight, 0);
}

static void K1_to_K9_killed_before_every_store(void **state)
{
	bool killed = true;
	long at = 0;

	(void)state;
	cpu_install();
	for (; killed; at++) {
		world_begin();
		killed = killed_at(at);
		if (killed)
			assert_false(killed_at(-1));
		check_all_done();
		world_end();
	}
	assert_true(at > 100);
}

static void K13_to_K20_killed_again_while_taking_over(void **state)
{
	bool first = true;

	(void)state;
	cpu_install();
	for (long at = 0; first; at += 11) {
		bool second = true;

		for (long again = 0; second && first; again++) {
			world_begin();
			first = killed_at(at);
			second = first && again < 30 && killed_at(again);
			if (first)
				assert_false(killed_at(-1));
			check_all_done();
			world_end();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(K1_to_K9_killed_before_every_store),
		cmocka_unit_test(K13_to_K20_killed_again_while_taking_over),
	};

	return cmocka_run_group_tests_name("worker crashes", tests, NULL, NULL);
}

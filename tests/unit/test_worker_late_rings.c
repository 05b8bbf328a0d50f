/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_late_rings.c - worker/device/queue_ready.c, queues.c: rings that cannot be
 * reached. Only a queue's own thread waits for them, and the device answers meanwhile.
 */
#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/ring/virtq_split.h"

#define OK VDUSE_REQ_RESULT_OK
#define FAILED VDUSE_REQ_RESULT_FAILED

static pthread_t main_thread;

/* ---- rings that cannot be reached ---- */

static struct virtq_ops stuck_ops; /* virtq_split, but for one operation */
static atomic_bool stuck, sleeps;

static void get_stuck(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	assert_true(pthread_self() != main_thread);
	atomic_store(&sleeps, true);
	while (atomic_load(&stuck))
		(void)nanosleep(&ms, NULL);
	atomic_store(&sleeps, false);
}

static int stuck_map(struct virtq *vq)
{
	get_stuck();
	return virtq_split.map(vq);
}

static uint16_t stuck_used_idx(struct virtq *vq)
{
	get_stuck();
	return virtq_split.used_idx(vq);
}

static int stuck_start(struct virtq *vq, uint16_t used)
{
	get_stuck();
	return virtq_split.start(vq, used);
}

/* Queue 0 has operations that hang, once `stuck` is set, but never in the main thread. */
static void rig_stuck_queue(void)
{
	stuck_ops = virtq_split;
	stuck_ops.map = stuck_map;
	stuck_ops.used_idx = stuck_used_idx;
	stuck_ops.start = stuck_start;
	main_thread = pthread_self();
	atomic_store(&stuck, false);
	rig.d->queue[0].vq.ops = &stuck_ops;
}

static void wait_asleep(bool want)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 5000 && atomic_load(&sleeps) != want; i++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(atomic_load(&sleeps), want);
}

static void unstick(void)
{
	atomic_store(&stuck, false);
	wait_asleep(false);
}

static void rings_are_touched_by_queue_threads_alone(void **state)
{
	(void)state;
	rig_stuck_queue();
	rig_run();
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	assert_int_equal(rig_status(0), OK);
}

/*
 * DRIVER_OK is refused after a while, what follows sooner, and vdused's pings are answered all the
 * time.
 */
static void ring_that_never_comes(void **state)
{
	struct work_cookie ping = { .cookie = 7 };
	union work_any pong;
	long long began;
	int pair[2];

	(void)state;
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), errno);
	assert_int_equal(link_init(&rig.link, pair[0]), 0);
	rig.link.state = WORK_W_SERVING;
	rig.link.log_level = LINK_ERROR;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	rig_stuck_queue();
	atomic_store(&stuck, true);
	assert_int_equal(rig_status(S_FEATURES), OK);
	msg_init(&ping, WORK_PING, sizeof(ping));
	assert_int_equal(send(pair[1], &ping, sizeof(ping), 0), sizeof(ping));
	began = now_ms();
	assert_int_equal(rig_status(S_RUNNING), FAILED);
	assert_true(now_ms() - began < KERNEL_MS);
	assert_int_equal(recv(pair[1], &pong, sizeof(pong), MSG_DONTWAIT), sizeof(pong.cookie));
	assert_int_equal(pong.hdr.type, WORK_PONG);
	assert_int_equal(rig.d->status, S_FEATURES);
	began = now_ms();
	assert_int_equal(rig_status(0), FAILED);
	assert_true(now_ms() - began < KERNEL_MS);
	rig.d->patience_ms = 10;
	fake_queue_state(0);
	assert_int_equal(rig_answer(), FAILED);
	assert_int_equal(fake.response.vq_state.split.avail_index, 0);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), FAILED);
	assert_true(rig.d->map.count > 0); /* nothing is taken away from a thread that uses it */
	unstick();
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig.d->map.count, 0);
	assert_false(rig.d->late);
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	rig.link.fd = -1;
	assert_return_code(close(pair[0]), errno);
	assert_return_code(close(pair[1]), errno);
}

/* After UPDATE_IOTLB nobody waits for the ring: the other queue is served. */
static void ring_moves_to_where_it_never_comes(void **state)
{
	(void)state;
	rig_stuck_queue();
	rig_run();
	atomic_store(&stuck, true);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	wait_asleep(true);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	unstick();
	rig_wait_used(0, 1);
}

static void late_queue_that_never_comes(void **state)
{
	(void)state;
	rig_stuck_queue();
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[0].ready = 0;
	assert_int_equal(rig_status(S_RUNNING), OK);
	fake.queue[0].ready = 1;
	atomic_store(&stuck, true);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_settle();
	wait_asleep(true);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
	unstick();
	rig_wait_used(0, 1);
}

static void kick_of_a_late_queue_while_memory_is_swept(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[0].ready = 0;
	assert_int_equal(rig_status(S_RUNNING), OK);
	fake.queue[0].ready = 1;
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_quiesce();
	(void)queue_take_notes(&rig.d->queue[0]);
	queue_ask(&rig.d->queue[0], QUEUE_DO_SWEEP);
	fake_kick(0);
	rig_tend_used(0, 1);
}

static void what_is_forgotten_is_unmapped_by_a_thread(void **state)
{
	(void)state;
	rig_run();
	assert_true(rig.d->map.count > 0);
	assert_int_equal(rig_status(0), OK);
	rig_quiesce();
	assert_int_equal(rig.d->map.ndropped, 0);
	assert_true(rig.d->map.dropped[0].at != NULL);
	assert_int_equal(msync(rig.d->map.dropped[0].at, 4096, MS_ASYNC), -1);
	assert_int_equal(errno, ENOMEM); /* nothing is mapped there */
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(rings_are_touched_by_queue_threads_alone),   T(ring_that_never_comes),
		T(ring_moves_to_where_it_never_comes),         T(late_queue_that_never_comes),
		T(kick_of_a_late_queue_while_memory_is_swept), T(what_is_forgotten_is_unmapped_by_a_thread),
	};

	return cmocka_run_group_tests_name("worker/device", tests, NULL, NULL);
}

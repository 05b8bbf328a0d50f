/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_device.c - V3 to V9, V13: status, features, resets and what happens
 * around them. Part of the hostile driver (hostile.h). Some of it a driver alone cannot do: the
 * test stops or kills the worker then, as root.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define IN VIRTIO_BLK_T_IN
#define OUT VIRTIO_BLK_T_OUT
#define OK VIRTIO_BLK_S_OK
#define DATA iova_of(DATA_AT)

static void v3_index(struct sess *s)
{
	unsigned base = 0;

	check(vdpa_get_base(&s->v, world.queues, &base) == -ENOBUFS, "state of a queue that there is not");
	check(vdpa_get_base(&s->v, UINT32_MAX, &base) == -ENOBUFS, "state of queue 2^32-1");
	for (unsigned i = 0; i < 5; i++) {
		expect_good(s);
		check(vdpa_get_base(&s->v, 0, &base) == 0 && base == s->q.avail_idx, "queue 0 is at %u, not %u", base,
		      s->q.avail_idx);
	}
	if (world.queues > 1)
		check(vdpa_get_base(&s->v, 1, &base) == 0 && base == 0, "an unused queue is at %u", base);
	expect_good(s);
}

/*
 * A queue that has not begun is where the driver says it begins: before DRIVER_OK, and one that is
 * not enabled behind it.
 */
static void v3_base(struct sess *s)
{
	struct queue q1 = { 0 };
	unsigned base = 0;

	if (world.queues < 2)
		case_skip("the device has one queue");
	s->base = 300;
	queue_place(s, &q1, 1, RING_NUM, RING2_AT);
	queue_clear(&s->q, 300);
	queue_clear(&q1, 77);
	sess_reset(s);
	check(queue_tell(&q1, 77) == 0 && queue_tell(&s->q, 300) == 0, "queues");
	check(vdpa_get_base(&s->v, 0, &base) == 0 && base == 300, "queue 0 is at %u, not 300", base);
	(void)vdpa_set_status(&s->v, ST_INIT);
	check(vdpa_set_features(&s->v, s->features) == 0, "features");
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(vdpa_get_base(&s->v, 0, &base) == 0 && base == 300, "queue 0 is at %u, not 300", base);
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	(void)vdpa_set_status(&s->v, ST_RUNNING);
	check(vdpa_get_base(&s->v, 0, &base) == 0 && base == 300, "queue 0 is at %u, not 300", base);
	check(vdpa_get_base(&s->v, 1, &base) == 0 && base == 77, "queue 1 is at %u, not 77", base);
	expect_good(s);
	check(vdpa_get_base(&s->v, 0, &base) == 0 && base == 302, "queue 0 is at %u, not 302", base);
	expect_good_after_reset(s);
}

/* ---- status ---- */

static void v4_back(struct sess *s)
{
	check(vdpa_set_status(&s->v, ST_FEATURES) == -EINVAL, "the kernel lets the status go back");
	check(vdpa_set_status(&s->v, ST_RUNNING & ~VIRTIO_CONFIG_S_DRIVER) == -EINVAL, "the kernel lets DRIVER go");
	expect_good(s);
}

static void v4_no_features_ok(struct sess *s)
{
	sess_reset(s);
	(void)vdpa_set_status(&s->v, ST_INIT);
	check(vdpa_set_features(&s->v, s->features) == 0, "features");
	check(queue_tell(&s->q, 0) == 0, "queue");
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	(void)vdpa_set_status(&s->v, ST_INIT | VIRTIO_CONFIG_S_DRIVER_OK);
	check(vdpa_status(&s->v) == ST_INIT, "status 0x%02x", vdpa_status(&s->v));
	submit(s, 0, IN, 0, DATA, SECTOR);
	expect_quiet(s);
	(void)vdpa_set_status(&s->v, VIRTIO_CONFIG_S_DRIVER_OK | ST_INIT | 0x10);
	check(vdpa_status(&s->v) == ST_INIT, "status 0x%02x", vdpa_status(&s->v));
	expect_good_after_reset(s);
}

/* All at once, from nothing: that order is the driver's own affair. */
static void v4_at_once(struct sess *s)
{
	sess_reset(s);
	queue_clear(&s->q, 0);
	check(vdpa_set_features(&s->v, s->features) == 0 && queue_tell(&s->q, 0) == 0, "set-up");
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	(void)vdpa_set_status(&s->v, ST_RUNNING);
	check(vdpa_status(&s->v) == ST_RUNNING, "status 0x%02x", vdpa_status(&s->v));
	expect_good(s);
}

/* DRIVER_OK with no queue at all. */
static void v4_nothing(struct sess *s)
{
	sess_reset(s);
	check(vdpa_set_features(&s->v, s->features) == 0, "features");
	(void)vdpa_set_status(&s->v, ST_RUNNING);
	queue_kick(&s->q);
	expect_quiet(s);
	expect_good_after_reset(s);
}

static void v4_every(struct sess *s)
{
	for (unsigned status = 1; status < 256; status++) {
		uint8_t now;

		sess_reset(s);
		(void)vdpa_set_features(&s->v, s->features);
		(void)vdpa_set_status(&s->v, (uint8_t)status);
		now = vdpa_status(&s->v);
		check(now == 0 || now == status, "0x%02x became 0x%02x", status, now);
		check(!(now & VIRTIO_CONFIG_S_DRIVER_OK) || (now & VIRTIO_CONFIG_S_FEATURES_OK), "0x%02x was taken",
		      status);
		check(world_driver_status() == now, "the worker has 0x%02x, the kernel 0x%02x", world_driver_status(),
		      now);
	}
	expect_good_after_reset(s);
}

/* FAILED and NEEDS_RESET said by the driver while it runs. */
static void v4_failed(struct sess *s)
{
	(void)vdpa_set_status(&s->v, ST_RUNNING | VIRTIO_CONFIG_S_NEEDS_RESET);
	(void)vdpa_set_status(&s->v, ST_RUNNING | VIRTIO_CONFIG_S_NEEDS_RESET | VIRTIO_CONFIG_S_FAILED);
	expect_good_after_reset(s);
}

static void v5_repeated(struct sess *s)
{
	for (unsigned i = 0; i < 50; i++) {
		check(vdpa_set_status(&s->v, ST_RUNNING) == 0 && vdpa_status(&s->v) == ST_RUNNING, "status");
		if (i % 10 == 0)
			expect_good(s);
	}
	sess_reset(s);
	for (unsigned i = 0; i < 50; i++)
		sess_reset(s);
	for (unsigned i = 0; i < 20; i++)
		(void)vdpa_set_status(&s->v, ST_INIT);
	expect_good_after_reset(s);
}

/* ---- with a thread that sets a status while the worker cannot answer ---- */

struct setter {
	const struct vdpa *v;
	uint8_t status;
	bool done;
};

static void *setter_main(void *arg)
{
	struct setter *t = arg;

	(void)vdpa_set_status(t->v, t->status);
	__atomic_store_n(&t->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* The worker is killed with the message read or not: its successor gets it. */
static void status_over_kill(struct sess *s, uint8_t status, int stopped_ms)
{
	struct setter t = { .v = &s->v, .status = status };
	pid_t old = world.worker;
	pthread_t thread;

	check(kill(old, SIGSTOP) == 0, "stop");
	check(pthread_create(&thread, NULL, setter_main, &t) == 0, "thread");
	sleep_ms(stopped_ms);
	check(!__atomic_load_n(&t.done, __ATOMIC_ACQUIRE), "a stopped worker has answered");
	check(kill(old, SIGKILL) == 0, "kill");
	(void)pthread_join(thread, NULL);
	world_new_worker();
	check(world.worker && world.worker != old, "no new worker");
	check(vdpa_status(&s->v) == status, "status 0x%02x, not 0x%02x", vdpa_status(&s->v), status);
}

static void v5_redelivered(struct sess *s)
{
	status_over_kill(s, ST_RUNNING, 50);
	expect_good(s);
}

static void v5_reset_redelivered(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	queue_offer(&s->q, 0);
	status_over_kill(s, 0, 50);
	expect_good_after_reset(s);
}

/* ---- resets with requests under way ---- */

static void offer_many(struct sess *s, uint32_t type, unsigned n, uint32_t len)
{
	for (unsigned i = 0; i < n; i++) {
		request(s, 3 * i, type, (uint64_t)i * len / SECTOR % 1024, DATA + (uint64_t)i * len, len);
		queue_offer(&s->q, 3 * i);
	}
	queue_kick(&s->q);
}

/* When the reset is answered, nothing is written to our memory any more. */
static void v6_in_flight(struct sess *s)
{
	for (unsigned round = 0; round < 8; round++) {
		const uint32_t len = 65536;
		unsigned n = 64;

		sess_start(s);
		offer_many(s, IN, n, len);
		sess_reset(s);
		memset(s->ram.va + DATA_AT, 0x99, (size_t)n * len);
		memset(s->ram.va + SLOT_AT, 0x99, 3UL * n * SLOT_SIZE);
		sleep_ms(10);
		for (size_t i = 0; i < (size_t)n * len; i++)
			check(s->ram.va[DATA_AT + i] == 0x99, "data came after the reset");
		for (size_t i = 0; i < 3UL * n * SLOT_SIZE; i++)
			check(s->ram.va[SLOT_AT + i] == 0x99, "a status came after the reset");
	}
	expect_good_after_reset(s);
}

/*
 * A driver that dies in the middle: its node can be used at once by the next one, which finds
 * nothing of the old.
 */
static void v6_killed(struct sess *s)
{
	(void)close(s->v.fd);
	for (unsigned round = 0; round < 5; round++) {
		int ready[2];
		pid_t pid;
		char c;

		check(pipe2(ready, O_CLOEXEC) == 0, "pipe");
		pid = fork();
		if (pid == 0) {
			sess_open(s, world.node);
			sess_start(s);
			offer_many(s, IN, 64, 65536);
			(void)!write(ready[1], "x", 1);
			(void)pause();
		}
		(void)close(ready[1]);
		check(read(ready[0], &c, 1) == 1, "the driver did not start");
		(void)close(ready[0]);
		(void)kill(pid, SIGKILL);
		check(waitpid(pid, NULL, 0) == pid, "wait");
		sess_open(s, world.node);
		sess_start(s);
		expect_good(s);
		(void)close(s->v.fd);
	}
}

static void v6_second_opener(struct sess *s)
{
	check(open(world.node, O_RDWR | O_CLOEXEC) < 0 && errno == EBUSY, "the node can be opened twice");
	expect_good(s);
}

/* Resets as fast as they go, requests under way every time. */
static void v6_storm(struct sess *s)
{
	long long end = now_ms() + 1500;

	while (now_ms() < end) {
		sess_start(s);
		offer_many(s, IN, 32, 4096);
	}
	expect_good_after_reset(s);
}

/* ---- features ---- */

/* FEATURES_OK must be refused; with these features nothing can be started either. */
static void refuse_features(struct sess *s, uint64_t features)
{
	int rc;

	sess_reset(s);
	(void)vdpa_set_status(&s->v, ST_INIT);
	rc = vdpa_set_features(&s->v, features);
	if (rc < 0)
		return; /* the kernel's word */
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(vdpa_status(&s->v) == ST_INIT, "features 0x%llx were taken: status 0x%02x", (unsigned long long)features,
	      vdpa_status(&s->v));
	(void)vdpa_set_status(&s->v, ST_RUNNING);
	check(vdpa_status(&s->v) == ST_INIT, "started with features 0x%llx", (unsigned long long)features);
}

static void v8_not_offered(struct sess *s)
{
	for (unsigned bit = 0; bit < 64; bit++)
		if (!(s->v.offered & FEATURE(bit)))
			refuse_features(s, s->v.offered | FEATURE(bit));
	refuse_features(s, ~0ULL);
	expect_good_after_reset(s);
}

static void v8_missing(struct sess *s)
{
	refuse_features(s, 0);
	refuse_features(s, s->v.offered & ~FEATURE(VIRTIO_F_VERSION_1));
	refuse_features(s, s->v.offered & ~FEATURE(VIRTIO_F_ACCESS_PLATFORM));
	refuse_features(s, FEATURE(VIRTIO_F_VERSION_1));
	expect_good_after_reset(s);
}

/* Nothing but what is needed; then everything that can be left out, one by one. */
static void v8_fewer(struct sess *s)
{
	uint64_t needed = FEATURE(VIRTIO_F_VERSION_1) | FEATURE(VIRTIO_F_ACCESS_PLATFORM);

	s->features = needed;
	sess_start(s);
	expect_good(s);
	for (unsigned bit = 0; bit < 64; bit++) {
		if (!(s->v.offered & ~needed & FEATURE(bit)))
			continue;
		s->features = s->v.offered & ~FEATURE(bit);
		sess_start(s);
		expect_good(s);
	}
}

static void v8_changed(struct sess *s)
{
	check(vdpa_set_features(&s->v, 0) == -EBUSY, "the kernel lets features change while the device runs");
	expect_good(s);
	sess_reset(s);
	(void)vdpa_set_status(&s->v, ST_INIT);
	check(vdpa_set_features(&s->v, s->features) == 0, "features");
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(vdpa_set_features(&s->v, FEATURE(VIRTIO_F_RING_PACKED)) == -EBUSY, "features change after FEATURES_OK");
	expect_good_after_reset(s);
}

/* Refused once, then changed to good ones and tried again without a reset. */
static void v8_second_try(struct sess *s)
{
	sess_reset(s);
	queue_clear(&s->q, 0);
	(void)vdpa_set_status(&s->v, ST_INIT);
	check(vdpa_set_features(&s->v, ~0ULL) == 0, "features");
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(vdpa_status(&s->v) == ST_INIT, "status 0x%02x", vdpa_status(&s->v));
	check(vdpa_set_features(&s->v, s->features) == 0, "features");
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(vdpa_status(&s->v) == ST_FEATURES, "status 0x%02x", vdpa_status(&s->v));
	check(queue_tell(&s->q, 0) == 0, "queue");
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	(void)vdpa_set_status(&s->v, ST_RUNNING);
	expect_good(s);
}

/* ---- V9: what the kernel says of a queue changes behind our back ---- */

/* The size is taken once; a driver that says another one later changes nothing. */
static void v9_size(struct sess *s)
{
	static const unsigned num[] = { 16, 128, 1, 2 };

	for (size_t i = 0; i < sizeof(num) / sizeof(num[0]); i++) {
		check(vdpa_vring(&s->v, VHOST_SET_VRING_NUM, 0, num[i]) == 0, "the kernel refuses it");
		expect_good(s);
		check(vdpa_set_status(&s->v, ST_RUNNING) == 0, "status");
		check(vdpa_map(&s->v, 0x70000000, s->ram.va, MIB, VHOST_ACCESS_RW) == 0, "map");
		expect_good(s);
		check(vdpa_unmap(&s->v, 0x70000000, MIB) == 0, "unmap");
		expect_good(s);
	}
	request(s, 200, IN, 0, DATA, SECTOR); /* a head that only the old size has */
	queue_offer(&s->q, 200);
	queue_kick(&s->q);
	expect_done(s, 200, OK, SECTOR + 1);
}

/*
 * Between DRIVER_OK refused and DRIVER_OK again: what counts is the last, and all of it is checked
 * again.
 */
static void v9_between(struct sess *s)
{
	uint64_t desc = s->q.desc_iova;

	queue_clear(&s->q, 0);
	s->q.desc_iova = 0x1000;
	check(sess_try_start(s) == ST_FEATURES, "rings in no memory were taken");
	s->q.desc_iova = desc;
	(void)vdpa_vring_addr(&s->v, 0, desc + 8, s->q.avail_iova, s->q.used_iova);
	(void)vdpa_set_status(&s->v, ST_RUNNING);
	check(vdpa_status(&s->v) == ST_FEATURES, "rings that are not aligned were taken");
	s->q.num = 64;
	queue_clear(&s->q, 0);
	check(queue_tell(&s->q, 0) == 0, "queue");
	(void)vdpa_set_status(&s->v, ST_RUNNING);
	check(vdpa_status(&s->v) == ST_RUNNING, "status 0x%02x", vdpa_status(&s->v));
	expect_good(s);
}

static void v9_address(struct sess *s)
{
	check(vdpa_vring_addr(&s->v, 0, 0x1000, 0x2000, 0x3000) == -EINVAL, "the kernel lets rings move");
	check(vdpa_vring(&s->v, VHOST_SET_VRING_BASE, 0, 99) == -EINVAL, "the kernel lets indices move");
	expect_good(s);
}

static void v9_ready(struct sess *s)
{
	for (unsigned i = 0; i < 100; i++) {
		(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, i & 1);
		queue_kick(&s->q);
	}
	expect_good(s);
}

/*
 * The size changed, then the worker dies: the next one does not serve a ring of another size with
 * the old log.
 */
static void v9_size_then_killed(struct sess *s)
{
	pid_t old = world.worker;

	expect_good(s);
	check(vdpa_vring(&s->v, VHOST_SET_VRING_NUM, 0, 16) == 0, "size");
	check(kill(old, SIGKILL) == 0, "kill");
	for (unsigned i = 0; i < 100 && (world.worker == old || world.worker == 0); i++) {
		sleep_ms(20);
		world_new_worker();
	}
	expect_malformed(s);
}

/* ---- on devices of their own, which may be past saving ---- */

static void set_timeout(const char *device, const char *seconds)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/sys/class/vduse/%s/msg_timeout", device);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	check(fd >= 0 && write(fd, seconds, strlen(seconds)) > 0, "%s: %s", path, strerror(errno));
	(void)close(fd);
}

static void v13_broken(struct sess *s)
{
	static struct sess d;
	pid_t pid = world_spare_device(&d, "broken");

	queue_clear(&d.q, 0);
	check(sess_try_start(&d) == ST_RUNNING, "start");
	set_timeout("broken", "1");
	(void)kill(pid, SIGSTOP);
	(void)vdpa_set_status(&d.v, ST_RUNNING | VIRTIO_CONFIG_S_FAILED);
	(void)kill(pid, SIGCONT);
	(void)vdpa_set_status(&d.v, 0);
	(void)close(d.v.fd);
	expect_good(s);
	check(world_ctl("delete broken >/dev/null 2>&1") == 0, "the broken device cannot be deleted");
	check(world_ctl("create broken --file /tmp/broken.img --bus vhost >/dev/null") == 0, "nor made again");
	check(world_ctl("delete broken >/dev/null") == 0, "nor deleted then");
	expect_good(s);
}

const struct hcase device_cases[] = {
	{ "V3", "state of a queue that there is not, and of those that there are", v3_index, NULL, 0 },
	{ "V3.base", "state of queues that have not begun", v3_base, NULL, CASE_STOPPED },
	{ "V4", "status goes back: the kernel's part", v4_back, NULL, 0 },
	{ "V4.order", "DRIVER_OK without FEATURES_OK", v4_no_features_ok, NULL, 0 },
	{ "V4.once", "all of the status at once", v4_at_once, NULL, 0 },
	{ "V4.nothing", "DRIVER_OK without a queue", v4_nothing, NULL, 0 },
	{ "V4.every", "every status there can be", v4_every, NULL, 0 },
	{ "V4.failed", "FAILED and NEEDS_RESET from the driver", v4_failed, NULL, 0 },
	{ "V5", "status repeated", v5_repeated, NULL, 0 },
	{ "V5.killed", "status given again to the next worker", v5_redelivered, NULL, CASE_REPLACED },
	{ "V5.reset", "reset given again to the next worker", v5_reset_redelivered, NULL, CASE_REPLACED },
	{ "V6", "reset with requests in flight", v6_in_flight, NULL, 0 },
	{ "V6.killed", "driver killed with requests in flight", v6_killed, NULL, CASE_STOPPED },
	{ "V6.opener", "second opener: the kernel's part", v6_second_opener, NULL, 0 },
	{ "V6.storm", "reset storm", v6_storm, NULL, CASE_BUSY },
	{ "V8", "every feature bit that was not offered", v8_not_offered, NULL, CASE_STOPPED },
	{ "V8.missing", "features that are needed left out", v8_missing, NULL, CASE_STOPPED },
	{ "V8.fewer", "features that can be left out", v8_fewer, NULL, CASE_STOPPED },
	{ "V8.changed", "features change: the kernel's part", v8_changed, NULL, 0 },
	{ "V8.again", "refused features, then good ones", v8_second_try, NULL, CASE_STOPPED },
	{ "V9", "ring size changes under way", v9_size, NULL, 0 },
	{ "V9.killed", "ring size changes, then the worker dies", v9_size_then_killed,
	  "log of requests in flight cannot be right", CASE_REPLACED },
	{ "V9.again", "rings change between two tries of DRIVER_OK", v9_between, NULL, CASE_STOPPED },
	{ "V9.address", "rings move: the kernel's part", v9_address, NULL, 0 },
	{ "V9.ready", "queue disabled and enabled under way", v9_ready, NULL, 0 },
	{ "V13", "device given up by the kernel", v13_broken, NULL, CASE_SLOW },
	{ NULL, NULL, NULL, NULL, 0 },
};

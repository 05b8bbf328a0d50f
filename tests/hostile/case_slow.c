/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_slow.c - V7, V9: a disk on which requests take long, while the driver changes
 * its memory, disables a queue, or the worker dies. Part of the hostile driver (hostile.h). The
 * disk is a dm device that is suspended and resumed: it takes as long as the case wants.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define IN VIRTIO_BLK_T_IN
#define OK VIRTIO_BLK_S_OK
#define DATA iova_of(DATA_AT)
#define EXTRA 0x60000000ULL
#define OTHER 0x70000000ULL
#define LEN 4096U
#define WATCHDOGS_MS 6000 /* after so long a worker that does not answer somebody has been killed */
#define BEGIN_MS 30000 /* for something to begin, on a slow machine */

/* ---- the disk ---- */

static void shell(const char *what, const char *name)
{
	char line[500];

	(void)snprintf(line, sizeof(line), "export DM_DISABLE_UDEV=1 N=%s; %s", name, what);
	check(system(line) == 0, "%s", what);
}

/* A device of two queues on a disk of its own; its worker's pid. */
static pid_t slow_device(struct sess *d, const char *name)
{
	char node[64] = "", command[300];
	pid_t pid;
	FILE *f;

	shell("modprobe -a loop dm-mod 2>/dev/null; dmsetup remove $N 2>/dev/null; truncate -s 8M /tmp/$N.img && "
	      "dmsetup create $N --table \"0 16384 linear $(losetup -f --show /tmp/$N.img) 0\"",
	      name);
	(void)snprintf(command, sizeof(command), "%s create %s --file /dev/mapper/%s --direct --queues 2 --bus vhost",
		       world.ctl, name, name);
	f = popen(command, "re");
	check(f && fscanf(f, "%63s", node) == 1 && pclose(f) == 0, "create");
	pid = world_worker_of(name);
	check(pid > 0, "no worker");
	sess_open(d, node);
	return pid;
}

static void disk_stops(const char *name)
{
	shell("dmsetup suspend --nolockfs --noflush $N", name);
}

static void disk_goes_on(const char *name)
{
	shell("dmsetup resume $N", name);
}

static void slow_delete(struct sess *d, const char *name)
{
	char command[100];

	(void)close(d->v.fd);
	(void)snprintf(command, sizeof(command), "delete %s >/dev/null", name);
	check(world_ctl(command) == 0, "the device cannot be deleted");
	shell("dmsetup remove $N && losetup -D", name);
}

/* The worker has taken the request, and the disk does not end it. */
static void expect_taken(const char *name, unsigned q, unsigned head)
{
	long long end = now_ms() + BEGIN_MS;

	while (!world_in_flight_of(name, q, head) && now_ms() < end)
		sleep_ms(20);
	check(world_in_flight_of(name, q, head), "the request is not in execution");
}

/* ---- a change of the driver's memory under way ---- */

struct change {
	struct sess *d;
	const struct ram *ram; /* what is at EXTRA then */
	bool done;
	pthread_t thread;
};

static void *change_main(void *arg)
{
	struct change *c = arg;

	(void)vdpa_batch(&c->d->v, true);
	(void)vdpa_unmap(&c->d->v, EXTRA, MIB);
	(void)vdpa_map(&c->d->v, EXTRA, c->ram->va, MIB, VHOST_ACCESS_RW);
	(void)vdpa_batch(&c->d->v, false);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
	return NULL;
}

/* Queue 0 reads from a disk that does not answer, and EXTRA becomes other memory. */
static void begin_change(struct change *c, const char *name)
{
	struct sess *d = c->d;

	submit(d, 0, IN, 0, EXTRA, LEN);
	expect_done(d, 0, OK, LEN + 1);
	disk_stops(name);
	submit(d, 0, IN, 0, DATA, LEN);
	expect_taken(name, 0, 0);
	check(pthread_create(&c->thread, NULL, change_main, c) == 0, "thread");
}

/* If they were held up, it would be until the disk goes on, which is after this. */
static void others_are_served(void)
{
	check(system("vdpa dev config show >/dev/null") == 0, "another's \"vdpa dev config show\"");
}

/* What was in flight is done, and so is what comes, with the memory that is there now. */
static void expect_new_memory(struct change *c)
{
	struct sess *d = c->d;

	(void)pthread_join(c->thread, NULL);
	expect_done(d, 0, OK, LEN + 1);
	memset(c->ram->va, 0x5a, LEN);
	submit(d, 0, IN, 0, EXTRA, LEN);
	expect_done(d, 0, OK, LEN + 1);
	for (unsigned i = 0; i < LEN; i++)
		check(c->ram->va[i] == 0, "the new memory was not written");
}

static void start_with_extra(struct sess *d, struct change *c, struct ram *now)
{
	struct ram old = ram_new(MIB);

	*now = ram_new(MIB);
	*c = (struct change){ .d = d, .ram = now };
	check(vdpa_map(&d->v, EXTRA, old.va, MIB, VHOST_ACCESS_RW) == 0, "map");
	sess_start(d);
}

static void v7_slow(struct sess *s)
{
	static struct sess d;
	pid_t worker = slow_device(&d, "slow");
	struct change c;
	struct ram now;
	long long end;

	start_with_extra(&d, &c, &now);
	begin_change(&c, "slow");
	for (end = now_ms() + WATCHDOGS_MS; now_ms() < end; sleep_ms(500))
		others_are_served();
	check(!__atomic_load_n(&c.done, __ATOMIC_ACQUIRE), "the change did not wait for the request");
	disk_goes_on("slow");
	expect_new_memory(&c);
	check(world_worker_of("slow") == worker, "the worker was replaced");
	slow_delete(&d, "slow");
	expect_good(s);
}

/* The worker is killed while it has the message: the next one gets it again. */
static void v7_slow_killed(struct sess *s)
{
	static struct sess d;
	pid_t worker = slow_device(&d, "slow2");
	struct change c;
	struct ram now;

	start_with_extra(&d, &c, &now);
	begin_change(&c, "slow2");
	sleep_ms(500);
	check(kill(worker, SIGKILL) == 0, "kill");
	sleep_ms(500);
	check(!__atomic_load_n(&c.done, __ATOMIC_ACQUIRE), "the change did not wait");
	disk_goes_on("slow2");
	expect_new_memory(&c);
	check(world_worker_of("slow2") != worker, "the worker was not killed");
	slow_delete(&d, "slow2");
	expect_good(s);
}

/*
 * Longer than the worker dares to wait: the driver has no memory until it changes it again. At the
 * end of a batch the kernel does not even tell it.
 */
static void v7_slow_failed(struct sess *s)
{
	static struct sess d;
	pid_t worker = slow_device(&d, "slow3");
	struct ram more = ram_new(MIB);

	sess_start(&d);
	disk_stops("slow3");
	submit(&d, 0, IN, 0, DATA, LEN);
	expect_taken("slow3", 0, 0);
	check(vdpa_batch(&d.v, true) == 0 && vdpa_map(&d.v, EXTRA, more.va, MIB, VHOST_ACCESS_RW) == 0, "map");
	check(vdpa_batch(&d.v, false) == 0, "the end of the batch"); /* after 22 s */
	disk_goes_on("slow3");
	expect_done(&d, 0, OK, LEN + 1);
	submit(&d, 0, IN, 0, DATA, LEN);
	expect_quiet(&d);
	check(vdpa_map(&d.v, OTHER, more.va, MIB, VHOST_ACCESS_RW) == 0, "the next change");
	expect_done(&d, 0, OK, LEN + 1);
	submit(&d, 0, IN, 0, OTHER, LEN);
	expect_done(&d, 0, OK, LEN + 1);
	check(world_worker_of("slow3") == worker, "the worker was replaced");
	slow_delete(&d, "slow3");
	expect_good(s);
}

/* ---- V9: a queue that its driver disables, and the worker dies ---- */

static void start_both(struct sess *d, struct queue *q1)
{
	queue_place(d, q1, 1, RING_NUM, RING2_AT);
	sess_reset(d);
	queue_clear(&d->q, 0);
	queue_clear(q1, 0);
	(void)vdpa_set_status(&d->v, ST_INIT);
	check(vdpa_set_features(&d->v, d->features) == 0, "features");
	(void)vdpa_set_status(&d->v, ST_FEATURES);
	check(queue_tell(&d->q, 0) == 0 && queue_tell(q1, 0) == 0, "queues");
	(void)vdpa_vring(&d->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	(void)vdpa_vring(&d->v, VHOST_VDPA_SET_VRING_ENABLE, 1, 1);
	check(vdpa_set_status(&d->v, ST_RUNNING) == 0 && vdpa_status(&d->v) == ST_RUNNING, "status");
}

/* A read on the second queue, with the first one's slot. */
static void submit_second(struct sess *d, struct queue *q1, unsigned head)
{
	struct queue first = d->q;

	d->q = *q1;
	submit(d, head, IN, 0, DATA + head * (uint64_t)LEN, LEN);
	*q1 = d->q;
	d->q = first;
}

static void expect_second(struct queue *q1, unsigned head)
{
	struct used u;

	check(queue_wait(q1, 1, SOON_MS), "the second queue's request was not completed");
	u = queue_take(q1);
	check(u.id == head && u.len == LEN + 1, "head %u, length %u", u.id, u.len);
}

static void new_worker(const char *name, pid_t old)
{
	long long end = now_ms() + BEGIN_MS;
	pid_t pid = old;

	for (; (pid == old || pid == 0) && now_ms() < end; sleep_ms(50))
		pid = world_worker_of(name);
	check(pid != 0 && pid != old, "no new worker");
}

/*
 * Its request is finished, as it would have been by the worker that died, and the other queue never
 * notices.
 */
static void v9_disabled_killed(struct sess *s)
{
	static struct sess d;
	pid_t worker = slow_device(&d, "disabled");
	struct queue q1 = { 0 };

	start_both(&d, &q1);
	submit_second(&d, &q1, 30);
	expect_second(&q1, 30);
	disk_stops("disabled");
	submit_second(&d, &q1, 33);
	expect_taken("disabled", 1, 33);
	check(vdpa_vring(&d.v, VHOST_VDPA_SET_VRING_ENABLE, 1, 0) == 0, "disable");
	check(kill(worker, SIGKILL) == 0, "kill");
	disk_goes_on("disabled");
	new_worker("disabled", worker);
	submit(&d, 0, IN, 0, DATA, LEN);
	expect_done(&d, 0, OK, LEN + 1);
	expect_second(&q1, 33);
	check(vdpa_vring(&d.v, VHOST_VDPA_SET_VRING_ENABLE, 1, 1) == 0, "enable");
	submit_second(&d, &q1, 36);
	expect_second(&q1, 36);
	check(vdpa_status(&d.v) == ST_RUNNING, "status 0x%02x", vdpa_status(&d.v));
	slow_delete(&d, "disabled");
	expect_good(s);
}

/* The same with all queues that there are: no reset either. */
static void v9_all_disabled_killed(struct sess *s)
{
	static struct sess d;
	pid_t worker = slow_device(&d, "disabled2");

	sess_start(&d);
	submit(&d, 0, IN, 0, DATA, LEN);
	expect_done(&d, 0, OK, LEN + 1);
	check(vdpa_vring(&d.v, VHOST_VDPA_SET_VRING_ENABLE, 0, 0) == 0, "disable");
	check(kill(worker, SIGKILL) == 0, "kill");
	new_worker("disabled2", worker);
	check(vdpa_vring(&d.v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1) == 0, "enable");
	submit(&d, 0, IN, 0, DATA, LEN);
	expect_done(&d, 0, OK, LEN + 1);
	slow_delete(&d, "disabled2");
	expect_good(s);
}

/* CASE_REPLACED: where the machine is slow, others may be suspected while a device is removed. */
const struct hcase slow_cases[] = {
	{ "V7.slow", "memory changes during a slow request", v7_slow, NULL, CASE_SLOW | CASE_REPLACED },
	{ "V7.slow2", "the same, and the worker is killed", v7_slow_killed, NULL, CASE_SLOW | CASE_REPLACED },
	{ "V7.slow3", "the same, and it takes too long", v7_slow_failed, NULL, CASE_SLOW | CASE_REPLACED },
	{ "V9.disabled", "queue disabled, then the worker dies", v9_disabled_killed, NULL, CASE_SLOW | CASE_REPLACED },
	{ "V9.disabled2", "the only queue disabled, then the worker dies", v9_all_disabled_killed, NULL,
	  CASE_SLOW | CASE_REPLACED },
	{ NULL, NULL, NULL, NULL, 0 },
};

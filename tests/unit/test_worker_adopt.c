/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_adopt.c - worker/channel/adopt.c with worker/commands.c: vdused is gone,
 * and the next one, played by the test, connects. The worker's descriptors have their numbers here
 * as well. The main loop around it is in worker/main.c, tested with the real processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "tests/unit/unit.h"
#include "worker/channel/adopt.h"
#include "worker/commands.h"
#include "worker/jail/syscalls.h"

#define HIGH_FD 40

static struct device d;
static struct link l;
static int old_peer; /* the vdused of before */

static int raise_fd(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

	assert_true(high >= HIGH_FD);
	(void)close(fd);
	return high;
}

static void at(int fd, int number)
{
	assert_int_equal(dup3(fd, number, O_CLOEXEC), number);
	(void)close(fd);
}

static int get_region(void *ctx, struct vduse_iotlb_entry *e)
{
	(void)ctx;
	*e = (struct vduse_iotlb_entry){ .start = 0, .last = 4095, .perm = VDUSE_ACCESS_RW };
	return dup(FD_BACKEND);
}

static int setup(void **state)
{
	struct iova_source src = { .get = get_region };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int sv[2], listener, disk;

	(void)state;
	for (int fd = 3; fd < 32; fd++)
		(void)close(fd);
	memset(&d, 0, sizeof(d));
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), errno);
	disk = raise_fd(memfd_create("disk", MFD_CLOEXEC));
	assert_return_code(ftruncate(disk, 4096), errno);
	listener = raise_fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
	assert_return_code(bind(listener, (struct sockaddr *)&sa, sizeof(sa.sun_family)), errno);
	assert_return_code(listen(listener, 1), errno);
	old_peer = raise_fd(sv[1]);
	at(raise_fd(sv[0]), FD_CHANNEL);
	at(raise_fd(open("/dev/null", O_RDWR | O_CLOEXEC)), FD_DEVICE);
	at(disk, FD_BACKEND);
	at(listener, FD_LISTEN);
	assert_int_equal(link_init(&l, FD_CHANNEL), 0);
	assert_int_equal(iova_init(&d.map, &src), 0);
	l.state = WORK_W_SERVING;
	d.link = &l;
	d.backend.fd = FD_BACKEND;
	d.setup = (struct work_setup){ .generation = 7 };
	orders_take(&l, &d);
	return adopt_prepare();
}

static int teardown(void **state)
{
	(void)state;
	iova_drop(&d.map, 0, UINT64_MAX);
	fd_close(&old_peer);
	for (int fd = 3; fd < 32; fd++)
		(void)close(fd);
	return 0;
}

/* As the main loop of worker/main.c, as long as something is to be read. */
static void rounds(void)
{
	while (chan_wait(adopt_poll_fd(&l), 0) == 0) {
		if (l.fd >= 0)
			link_serve(&l);
		else
			adopt_accept(&l, &d.map);
		(void)adopt_tend(&l);
	}
}

static void numbers_are_kept(void)
{
	assert_return_code(fcntl(FD_CHANNEL, F_GETFD), errno);
	assert_int_equal(fcntl(FD_CHANNEL, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(FD_TRANSIENT, F_GETFD), -1);
	assert_true(fcntl(FD_CHANNEL, F_GETFL) & O_NONBLOCK);
}

static int comes(void)
{
	struct sockaddr_un sa;
	socklen_t len = sizeof(sa);
	int fd;

	/* vdused's descriptors have other numbers than the worker's */
	(void)pthread_mutex_lock(&d.map.lock);
	fd = raise_fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	(void)pthread_mutex_unlock(&d.map.lock);
	assert_return_code(getsockname(FD_LISTEN, (struct sockaddr *)&sa, &len), errno);
	assert_return_code(connect(fd, (struct sockaddr *)&sa, len), errno);
	return fd;
}

static void say(int fd, uint16_t type)
{
	union work_any m = { 0 };
	size_t len = type == WORK_PING ? sizeof(m.cookie) : sizeof(m.plain);

	msg_init(&m, type, (uint32_t)len);
	assert_int_equal(chan_send(fd, &m, len, NULL, 0), 0);
}

/* Type of the next message, 0 = none, -1 = end of file. */
static int heard(int fd, union work_any *m)
{
	struct chan_msg c;
	int rc = chan_recv(fd, m, sizeof(*m), false, &c);

	if (rc < 0)
		return rc == -EAGAIN ? 0 : -1;
	return c.len == 0 ? -1 : m->hdr.type;
}

static void vdused_dies(void)
{
	fd_close(&old_peer);
	rounds();
	assert_int_equal(l.fd, -1);
	assert_int_equal(adopt_poll_fd(&l), FD_LISTEN);
}

/* Ask and check the answer. The connection is the channel then. */
static void adopts(int fd, int halted)
{
	struct chan_msg c;
	struct stat ours, theirs;
	union work_any m;

	say(fd, WORK_ADOPT);
	rounds();
	assert_int_equal(chan_recv(fd, &m, sizeof(m), true, &c), 0);
	assert_int_equal(c.len, sizeof(m.adopted));
	assert_int_equal(c.nfds, 1);
	assert_int_equal(m.hdr.type, WORK_ADOPTED);
	assert_int_equal(m.adopted.generation, 7);
	assert_int_equal(m.adopted.halted, halted);
	assert_return_code(fstat(c.fds[0], &theirs), errno);
	assert_return_code(fstat(FD_BACKEND, &ours), errno);
	assert_int_equal(ours.st_ino, theirs.st_ino);
	chan_msg_close(&c);
	assert_int_equal(l.state, WORK_W_SERVING);
	numbers_are_kept();
}

static void serves_again(int fd)
{
	union work_any m;

	say(fd, WORK_PING);
	rounds();
	assert_int_equal(heard(fd, &m), WORK_PONG);
	link_log(&l, LINK_WARN, "once more");
	assert_int_equal(heard(fd, &m), WORK_LOG);
	assert_string_equal(m.log.text, "once more");
	assert_int_equal(heard(fd, &m), 0);
}

static void adopted_by_the_next_vdused(void **state)
{
	int fd;

	(void)state;
	vdused_dies();
	fd = comes();
	adopts(fd, 0);
	serves_again(fd);
	say(fd, WORK_STOP);
	rounds();
	assert_true(l.stop);
	(void)close(fd);
}

static void adopted_again_and_again(void **state)
{
	(void)state;
	vdused_dies();
	for (int i = 0; i < 3; i++) {
		int fd = comes();

		adopts(fd, 0);
		serves_again(fd);
		(void)close(fd);
		rounds();
		assert_int_equal(l.fd, -1);
	}
}

static void nobody_is_let_in_while_vdused_lives(void **state)
{
	union work_any m;
	int fd = comes();

	(void)state;
	say(fd, WORK_ADOPT);
	rounds();
	assert_int_equal(adopt_poll_fd(&l), FD_CHANNEL);
	assert_int_equal(heard(fd, &m), 0);
	fd_close(&old_peer);
	rounds();
	assert_int_equal(heard(fd, &m), WORK_ADOPTED);
	(void)close(fd);
}

static void next_one_is_adopted(void)
{
	int fd = comes();

	adopts(fd, 0);
	serves_again(fd);
	(void)close(fd);
}

/* It was hung up on, and told nothing; the next one is adopted. */
static void hung_up(int fd)
{
	union work_any m;

	assert_int_equal(l.fd, -1);
	assert_int_equal(heard(fd, &m), -1);
	assert_return_code(fcntl(FD_CHANNEL, F_GETFD), errno);
	assert_int_equal(fcntl(FD_TRANSIENT, F_GETFD), -1);
	(void)close(fd);
	next_one_is_adopted();
}

static void wrong_first_message(void **state)
{
	static const uint16_t wrong[] = { WORK_PING, WORK_STOP, WORK_RESUME, WORK_SERVING, 0xffff };

	(void)state;
	vdused_dies();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int fd = comes();

		say(fd, wrong[i]);
		say(fd, WORK_ADOPT); /* too late */
		rounds();
		assert_false(l.stop);
		hung_up(fd);
		rounds();
	}
}

static void adoption_that_brings_a_descriptor(void **state)
{
	struct work_plain m = { 0 };
	int fd, zero = 0;

	(void)state;
	vdused_dies();
	fd = comes();
	msg_init(&m, WORK_ADOPT, sizeof(m));
	assert_int_equal(chan_send(fd, &m, sizeof(m), &zero, 1), 0);
	rounds();
	hung_up(fd);
}

static void first_message_that_is_none(void **state)
{
	int fd;

	(void)state;
	vdused_dies();
	fd = comes();
	assert_int_equal(send(fd, "hello", 5, 0), 5);
	rounds();
	hung_up(fd);
}

static void connection_that_closes_at_once(void **state)
{
	(void)state;
	vdused_dies();
	(void)close(comes());
	rounds();
	assert_int_equal(l.fd, -1);
	next_one_is_adopted();
}

static void connection_that_says_nothing(void **state)
{
	union work_any m;
	int fd;

	(void)state;
	vdused_dies();
	fd = comes();
	rounds();
	assert_int_equal(l.fd, FD_CHANNEL);
	link_log(&l, LINK_ERROR, "not for a stranger");
	assert_true(adopt_tend(&l) > 0);
	assert_int_equal(heard(fd, &m), 0);
	l.orphan_end = now_ms(); /* time passes */
	assert_int_equal(adopt_tend(&l), -1);
	hung_up(fd);
}

static void second_adoption_is_refused(void **state)
{
	union work_any m;
	int fd;

	(void)state;
	vdused_dies();
	fd = comes();
	adopts(fd, 0);
	say(fd, WORK_ADOPT);
	rounds();
	assert_int_equal(heard(fd, &m), WORK_LOG);
	serves_again(fd);
	(void)close(fd);
}

static void helper_that_dies_before_the_answer(void **state)
{
	int fd;

	(void)state;
	vdused_dies();
	fd = comes();
	say(fd, WORK_ADOPT);
	(void)close(fd);
	rounds();
	assert_int_equal(l.fd, -1);
	next_one_is_adopted();
}

/* ---- FD_TRANSIENT belongs to a queue thread ---- */

static void not_while_a_queue_maps_memory(void **state)
{
	union work_any m;
	int fd;

	(void)state;
	vdused_dies();
	fd = comes();
	say(fd, WORK_ADOPT);
	assert_true(iova_try_lock(&d.map));
	for (int i = 0; i < 3; i++)
		adopt_accept(&l, &d.map);
	assert_int_equal(l.fd, -1);
	assert_int_equal(heard(fd, &m), 0);
	iova_unlock(&d.map);
	rounds();
	assert_int_equal(heard(fd, &m), WORK_ADOPTED);
	(void)close(fd);
}

static _Atomic bool enough;
static _Atomic unsigned wrong_number, regions;

static int get_counted(void *ctx, struct vduse_iotlb_entry *e)
{
	int fd = get_region(ctx, e);

	if (fd != FD_TRANSIENT)
		wrong_number++;
	return fd;
}

static void *map_and_unmap(void *arg)
{
	struct iova_view v = { .map = &d.map };
	uint64_t got;
	void *p;

	(void)arg;
	while (!enough) {
		if (iova_piece(&v, 0, 512, IOVA_READ, &p, &got) == 0)
			regions++;
		if (iova_drop(&d.map, 0, UINT64_MAX)) /* no other thread looks anything up */
			iova_sweep(&d.map);
	}
	return NULL;
}

static void numbers_are_right_while_queues_map_memory(void **state)
{
	pthread_t t;

	(void)state;
	d.map.source.get = get_counted;
	enough = false;
	wrong_number = regions = 0;
	vdused_dies();
	assert_int_equal(pthread_create(&t, NULL, map_and_unmap, NULL), 0);
	for (int i = 0; i < 200 || regions < 1000; i++) {
		int fd = comes();

		if (i % 3 == 0) { /* hang up on this one */
			say(fd, WORK_PING);
			while (l.state != WORK_W_ORPHAN)
				adopt_accept(&l, &d.map);
			rounds();
		} else {
			say(fd, WORK_ADOPT);
			while (l.fd < 0)
				adopt_accept(&l, &d.map);
			rounds();
			assert_int_equal(l.state, WORK_W_SERVING);
		}
		(void)close(fd);
		rounds();
		assert_int_equal(l.fd, -1);
	}
	enough = true;
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_int_equal(wrong_number, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(adopted_by_the_next_vdused),          T(adopted_again_and_again),
		T(nobody_is_let_in_while_vdused_lives), T(wrong_first_message),
		T(adoption_that_brings_a_descriptor),   T(first_message_that_is_none),
		T(connection_that_closes_at_once),      T(connection_that_says_nothing),
		T(second_adoption_is_refused),          T(helper_that_dies_before_the_answer),
		T(not_while_a_queue_maps_memory),       T(numbers_are_right_while_queues_map_memory),
	};

	return cmocka_run_group_tests_name("worker/adopt", tests, NULL, NULL);
}

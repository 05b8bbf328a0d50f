/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/func/fake_worker.c - stands in for vduse-worker and misbehaves, to see what vdused makes of
 * it.
 * Test code. A worker gets neither arguments nor environment, so what it does is in the device's
 * name:
 *
 *   exit       ends before it says READY            segv     dies by a signal before READY
 *   hang       never says READY                     nojail   says READY without a filter
 *   garbage    sends bytes that are no message      short    READY of a wrong size
 *   early      says SERVING before READY            withfd   READY with a descriptor
 *   flood      log lines without end, never READY
 * With a filter that allows everything, so that the check from outside is passed, and READY said:
 *   s-again    READY a second time                  s-silent never says SERVING
 *   s-die      takes its descriptors, ends          s-gone   says SERVING, ends
 *   s-mute     says SERVING, never answers the kernel
 *   s-refuse   says SERVING, refuses every message of the kernel
 *   s-fork     says SERVING, refuses, and leaves a child behind that ignores signals
 *   s-late     takes two seconds until READY, never answers the kernel, ends at WORK_STOP
 * The same, and answering vdused's questions whether it is alive, until WORK_STOP; to the kernel it
 * says
 *   q-all      nothing                              q-last   nothing once the driver is there
 *   q-iotlb    nothing when mappings change         q-state  nothing when asked where a ring is
 *   q-halt     everything; says HALTED, and, when told to go on, HALTED once more, as if that had
 *              crossed the order, and RESUMED
 *   q-stuck    nothing once its status is set: it writes to its disk and does nothing else
 *   q-aio      everything; once the driver is there it writes to its disk, or reads one that is
 *              read-only, asynchronously, and does not wait for the end of that; the next one says
 *              what has landed when it begins
 *   q-flood    everything, and uses all it has to be a nuisance: log lines, interrupts, new sizes,
 *              processors, its disk
 * The device of q-last, q-aio and q-flood has no sectors: a partition scan would want to be served.
 * Any other name: as hang. What follows a dot in the name is ignored ("hang.2").
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <linux/vduse.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/chan.h"
#include "proto/state_file.h"
#include "proto/worker_msg.h"

#define CHANNEL 3

static char *volatile what_is_not_there; /* NULL, but the compiler must not know */

static void say(uint16_t type)
{
	struct work_plain m = { 0 };

	msg_init(&m, type, sizeof(m));
	(void)chan_send(CHANNEL, &m, sizeof(m), NULL, 0);
}

static void __attribute__((noreturn)) sleep_for_ever(void)
{
	for (;;)
		(void)poll(NULL, 0, -1);
}

static void seal(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog all = { .len = 1, .filter = &allow };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) != 0)
		_exit(90);
}

static void __attribute__((noreturn)) flood(void)
{
	struct work_log m = { 0 };

	msg_init(&m, WORK_LOG, sizeof(m));
	m.level = 1;
	strcpy(m.text, "flood");
	for (;;)
		(void)chan_send(CHANNEL, &m, sizeof(m), NULL, 0);
}

static void say_layout(uint32_t version)
{
	struct work_ready m = { .state_version = version, .state_size = sizeof(struct state_file) };

	msg_init(&m, WORK_READY, sizeof(m));
	(void)chan_send(CHANNEL, &m, sizeof(m), NULL, 0);
}

static void say_ready(void)
{
	say_layout(STATE_VERSION);
}

static void send_raw(const void *p, size_t n)
{
	(void)chan_send(CHANNEL, p, n, NULL, 0);
}

static void with_fd(void)
{
	struct work_ready m = { 0 };
	int fd = 0;

	msg_init(&m, WORK_READY, sizeof(m));
	(void)chan_send(CHANNEL, &m, sizeof(m), &fd, 1);
}

static void __attribute__((noreturn)) refuse_all(int dev)
{
	for (;;) {
		struct vduse_dev_request req;
		struct vduse_dev_response resp = { .result = VDUSE_REQ_RESULT_FAILED };
		struct pollfd p = { .fd = dev, .events = POLLIN };

		(void)poll(&p, 1, -1);
		if (read(dev, &req, sizeof(req)) != (ssize_t)sizeof(req)) {
			if (errno == EAGAIN || errno == EINTR)
				continue;
			sleep_for_ever();
		}
		resp.request_id = req.request_id;
		(void)!write(dev, &resp, sizeof(resp));
	}
}

/* ---- q-: alive for vdused, and what it likes for the kernel ---------------------------------- */

static void set_capacity(int dev, uint64_t sectors)
{
	struct {
		struct vduse_config_data head;
		uint64_t sectors;
	} c = { .head = { .offset = 0, .length = sizeof(sectors) }, .sectors = sectors };

	(void)ioctl(dev, VDUSE_DEV_SET_CONFIG, &c);
}

static bool driver_is_there;
static int disk = -1;

static void __attribute__((noreturn)) write_for_ever(void)
{
	static _Alignas(4096) char page[4096];
	struct iovec iov = { page, sizeof(page) };

	/* vdused's filter has no pwrite */
	while (pwritev(disk, &iov, 1, 0) == (ssize_t)sizeof(page))
		(void)poll(NULL, 0, 10);
	_exit(94);
}

static bool swallows(const char *what, const struct vduse_dev_request *req)
{
	bool was_there = driver_is_there;

	driver_is_there |= req->type == VDUSE_SET_STATUS && (req->s.status & VIRTIO_CONFIG_S_DRIVER_OK);
	if (!strcmp(what, "q-stuck") && req->type == VDUSE_SET_STATUS)
		write_for_ever();
	if (!strcmp(what, "q-all"))
		return true;
	if (!strcmp(what, "q-iotlb"))
		return req->type == VDUSE_UPDATE_IOTLB;
	if (!strcmp(what, "q-state"))
		return req->type == VDUSE_GET_VQ_STATE;
	return !strcmp(what, "q-last") && was_there;
}

static void kernel_asks(int dev, const char *what)
{
	struct vduse_dev_response resp = { .result = VDUSE_REQ_RESULT_OK };
	struct vduse_dev_request req;

	if (read(dev, &req, sizeof(req)) != (ssize_t)sizeof(req) || swallows(what, &req))
		return;
	resp.request_id = req.request_id;
	(void)!write(dev, &resp, sizeof(resp));
}

static void say_halted(void)
{
	struct work_halted m = { .error = -EIO };

	msg_init(&m, WORK_HALTED, sizeof(m));
	(void)chan_send(CHANNEL, &m, sizeof(m), NULL, 0);
}

static void vdused_asks(void)
{
	_Alignas(8) union work_any buf;
	struct chan_msg m;

	if (chan_recv(CHANNEL, &buf, sizeof(buf), false, &m) != 0 || m.len == 0 || buf.hdr.type == WORK_STOP)
		_exit(0);
	if (buf.hdr.type == WORK_RESUME) {
		say_halted();
		say(WORK_RESUMED);
	}
	if (buf.hdr.type != WORK_PING)
		return;
	buf.hdr.type = WORK_PONG;
	(void)chan_send(CHANNEL, &buf, sizeof(struct work_cookie), NULL, 0);
}

static void __attribute__((noreturn)) nuisance(int dev, int file)
{
	struct vduse_vq_eventfd kick = { .fd = VDUSE_EVENTFD_DEASSIGN };
	static char page[4096];
	uint32_t queue = 0;

	for (uint64_t n = 0;; n++) {
		set_capacity(dev, n & 8);
		(void)ioctl(dev, VDUSE_DEV_INJECT_CONFIG_IRQ);
		for (int i = 0; i < 1000; i++) {
			(void)ioctl(dev, VDUSE_VQ_INJECT_IRQ, &queue);
			(void)ioctl(dev, VDUSE_VQ_SETUP_KICKFD, &kick);
			(void)!pwrite(file, page, sizeof(page), (i & 255) * 4096);
		}
		(void)fdatasync(file);
	}
}

/* In processes of their own: the main one has to stay alive for vdused. */
static void spread(int dev, int file)
{
	if (fork() == 0)
		flood();
	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			nuisance(dev, file);
}

/* ---- q-aio ----------------------------------------------------------------------------------- */

#define PIECES 8
#define PIECE 4096
static _Alignas(4096) unsigned char pieces[PIECES][PIECE];
static uint32_t generation;

/* As the worker does: its mapping is all that is left of the descriptor. */
static void keep_state(int fd)
{
	if (mmap(NULL, sizeof(struct state_file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(95);
	(void)close(fd);
}

static void tell(const char *what, int n)
{
	struct work_log m = { 0 };

	msg_init(&m, WORK_LOG, sizeof(m));
	m.level = 1;
	(void)snprintf(m.text, sizeof(m.text), "%s %d of %d", what, n, PIECES);
	(void)chan_send(CHANNEL, &m, sizeof(m), NULL, 0);
}

static void tell_landed(int file)
{
	struct iovec iov = { pieces, sizeof(pieces) };
	int landed = 0;

	if (preadv(file, &iov, 1, 0) != (ssize_t)sizeof(pieces))
		_exit(96);
	for (int i = 0; i < PIECES; i++)
		landed += pieces[i][0] == 'a' + i && pieces[i][PIECE - 1] == 'a' + i;
	tell("landed", landed);
}

static bool may_write(int file)
{
	return (fcntl(file, F_GETFL) & O_ACCMODE) == O_RDWR;
}

static void begin_io(int file)
{
	struct iocb cb[PIECES], *list[PIECES];
	aio_context_t ctx = 0;
	int n;

	memset(cb, 0, sizeof(cb));
	for (int i = 0; i < PIECES; i++) {
		memset(pieces[i], 'a' + i, PIECE);
		cb[i].aio_fildes = (uint32_t)file;
		cb[i].aio_lio_opcode = may_write(file) ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
		cb[i].aio_buf = (uintptr_t)pieces[i];
		cb[i].aio_nbytes = PIECE;
		cb[i].aio_offset = (int64_t)i * PIECE;
		list[i] = &cb[i];
	}
	n = syscall(SYS_io_setup, PIECES, &ctx) == 0 ? (int)syscall(SYS_io_submit, ctx, (long)PIECES, list) : -errno;
	tell("begun", n);
}

static void __attribute__((noreturn)) alive(const char *what, int dev, int file)
{
	struct pollfd p[2] = { { .fd = dev, .events = POLLIN }, { .fd = CHANNEL, .events = POLLIN } };
	bool spread_out = false, begun = generation > 1;

	disk = file;
	if (!strcmp(what, "q-last") || !strcmp(what, "q-flood") || !strcmp(what, "q-aio"))
		set_capacity(dev, 0);
	if (!strcmp(what, "q-aio") && begun && may_write(file))
		tell_landed(file);
	say(WORK_SERVING);
	if (!strcmp(what, "q-halt"))
		say_halted();
	for (;;) {
		/*
		 * the driver needs a moment without a size to come up, as nobody serves its
		 * requests
		 */
		if (poll(p, 2, 800) == 0 && driver_is_there && !strcmp(what, "q-flood") && !spread_out) {
			spread_out = true;
			spread(dev, file);
		}
		if (p[0].revents)
			kernel_asks(dev, what);
		if (p[1].revents)
			vdused_asks();
		if (driver_is_there && !strcmp(what, "q-aio") && !begun) {
			begun = true;
			begin_io(file);
		}
	}
}

static void __attribute__((noreturn)) sealed(const char *what)
{
	_Alignas(8) union work_any buf;
	struct chan_msg m;

	seal();
	say_ready();
	if (!strcmp(what, "s-again"))
		say_ready();
	do
		if (chan_recv(CHANNEL, &buf, sizeof(buf), true, &m) != 0 || m.len == 0)
			_exit(91);
	while (m.nfds != WORK_DEVICE_FDS);
	keep_state(m.fds[WORK_FD_STATE]);
	if (!strncmp(what, "q-", 2))
		alive(what, m.fds[WORK_FD_VDUSE], m.fds[WORK_FD_BACKEND]);
	if (!strcmp(what, "s-die"))
		_exit(3);
	if (!strcmp(what, "s-silent"))
		sleep_for_ever();
	say(WORK_SERVING);
	if (!strcmp(what, "s-gone"))
		_exit(3);
	if (!strcmp(what, "s-fork") && fork() == 0) {
		for (int s = 1; s < 64; s++)
			(void)signal(s, SIG_IGN);
		sleep_for_ever();
	}
	if (!strcmp(what, "s-late"))
		while (chan_recv(CHANNEL, &buf, sizeof(buf), false, &m) == 0 && m.len != 0)
			if (buf.hdr.type == WORK_STOP)
				_exit(0);
	if (!strcmp(what, "s-refuse") || !strcmp(what, "s-fork"))
		refuse_all(m.fds[WORK_FD_VDUSE]);
	sleep_for_ever();
}

int main(void)
{
	static const char junk[] = "this is no message, but it is long enough to have a header";
	_Alignas(8) union work_any buf;
	struct chan_msg m;
	char *what;

	if (chan_recv(CHANNEL, &buf, sizeof(buf), false, &m) != 0 || m.len != sizeof(struct work_setup))
		return 92;
	what = buf.setup.name;
	generation = buf.setup.generation;
	what[strcspn(what, ".")] = '\0';
	if (!strcmp(what, "exit"))
		return 3;
	/* init of a namespace ignores a signal of its own; not a fault */
	if (!strcmp(what, "segv"))
		*(volatile char *)what_is_not_there = 0;
	if (!strcmp(what, "layout"))
		say_layout(99);
	if (!strcmp(what, "s-late"))
		(void)poll(NULL, 0, 2000);
	if (!strcmp(what, "nojail"))
		say_ready();
	if (!strcmp(what, "garbage"))
		send_raw(junk, sizeof(junk));
	if (!strcmp(what, "early"))
		say(WORK_SERVING);
	if (!strcmp(what, "withfd"))
		with_fd();
	if (!strcmp(what, "short")) {
		struct work_resized longer = { 0 };

		msg_init(&longer, WORK_READY, sizeof(longer));
		send_raw(&longer, sizeof(longer));
	}
	if (!strcmp(what, "flood"))
		flood();
	if (!strncmp(what, "s-", 2) || !strncmp(what, "q-", 2))
		sealed(what);
	sleep_for_ever();
}

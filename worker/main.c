/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/main.c - vduse-worker: one jailed process per device, between a driver that nobody trusts
 * and the disk. Started by vdused with the channel as descriptor 3. Trusts vdused; everything from
 * the driver, and what an earlier worker left in the state file, is hostile.
 *
 * Order, and why: jail stage 1, because nothing was read yet; WORK_SETUP; allocate and make all
 * threads, because later it is forbidden; seal; WORK_READY; vdused looks at the jail from outside;
 * only then come the descriptors.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/err.h"
#include "common/fd.h"
#include "worker/channel/adopt.h"
#include "worker/channel/link.h"
#include "worker/commands.h"
#include "worker/crash.h"
#include "worker/device/device.h"
#include "worker/device/takeover.h"
#include "worker/device/waiting.h"
#include "worker/exit.h"
#include "worker/jail/jail.h"
#include "worker/jail/syscalls.h"
#include "worker/ring/sigbus.h"

#define SETUP_MS 60000 /* vdused may get no processor time; when it is gone, so is the channel */
/* So often, for it to be known when a message cannot have been there; pings come sooner. */
#define TURN_MS 1500
#define DEVICE_MS 60000 /* vdused may have to wait for the previous worker's I/O to end */

static struct link link_to_vdused;
static struct device device;

static void usage(FILE *f)
{
	(void)fputs("usage: vduse-worker --help | --version | --dump-filter\n"
		    "Serves one VDUSE block device. Started by vdused(8), not by hand; see vduse-worker(8).\n"
		    "  --dump-filter  print the system call filter it runs under (libseccomp's pseudo code)\n",
		    f);
}

/* What a person may ask for; everything else is vdused's way of starting us: no argument at all. */
static int answer_person(const char *option)
{
	if (strcmp(option, "--version") == 0) {
		(void)printf("vduse-worker %s\n", VDUSED_VERSION);
		return WORKER_EXIT_OK;
	}
	if (strcmp(option, "--help") == 0) {
		usage(stdout);
		return WORKER_EXIT_OK;
	}
	if (strcmp(option, "--dump-filter") == 0)
		return seccomp_dump(worker_syscalls, worker_syscalls_rows, STDOUT_FILENO) < 0 ? WORKER_EXIT_JAIL
											      : WORKER_EXIT_OK;
	usage(stderr);
	return WORKER_EXIT_USAGE;
}

/* Wait for one message of this type. 0 or an exit code. */
static int expect(struct link *l, uint16_t type, union work_any *m, int *fds, unsigned nfds, int ms)
{
	int rc = link_wait(l, m, fds, &nfds, ms);

	if (rc == 0 && m->hdr.type == WORK_STOP)
		l->stop = true;
	return rc == 0 && (l->stop || m->hdr.type == type) ? 0 : WORKER_EXIT_PROTOCOL;
}

static int fail(struct link *l, int code, const char *what, int rc)
{
	link_log(l, LINK_ERROR, "%s: %s", what, err_str(rc));
	return code;
}

/* The filter goes by numbers: the eventfds must have theirs. */
static bool numbers_are_right(const struct device *d)
{
	if (d->notify_fd != FD_NOTES)
		return false;
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (d->queue[i].kick_fd != (int)(FD_KICKS + i))
			return false;
	return true;
}

/*
 * What is ours stays in memory once it is there: this disk may be what the host swaps to. Not what
 * is mapped later: the driver's memory must be neither loaded nor locked by us, and the state file
 * is kept by vdused.
 */
static int lock_memory(void)
{
	return mlockall(MCL_CURRENT | MCL_ONFAULT) == 0 ? 0 : -errno;
}

/* Up to WORK_READY. 0 or an exit code. */
static int be_born(struct link *l, struct device *d)
{
	union work_any m;
	int code, rc;

	code = expect(l, WORK_SETUP, &m, NULL, 0, SETUP_MS);
	if (code)
		return code;
	d->setup = m.setup;
	crash_arm(m.setup.serial, m.setup.generation);
	d->link = l;
	l->log_level = m.setup.log_level;
	rc = sigbus_install(&d->map);
	if (rc == 0)
		rc = device_prepare(d);
	if (rc < 0)
		return fail(l, WORKER_EXIT_RESOURCE, "cannot allocate memory, threads or descriptors", rc);
	rc = numbers_are_right(d) ? adopt_prepare() : -EBADF;
	if (rc == 0)
		rc = lock_memory();
	if (rc == 0)
		rc = jail_seal();
	if (rc < 0)
		return fail(l, WORKER_EXIT_JAIL, "cannot close the jail", rc);
	l->state = WORK_W_SEALED;
	return link_ready(l) < 0 ? WORKER_EXIT_PROTOCOL : 0;
}

/* From WORK_DEVICE up to WORK_SERVING. 0 or an exit code. */
static int get_device(struct link *l, struct device *d)
{
	int fds[WORK_DEVICE_FDS] = { -1, -1, -1 };
	union work_any m;
	int code, rc;

	code = expect(l, WORK_DEVICE, &m, fds, WORK_DEVICE_FDS, DEVICE_MS);
	if (code || l->stop)
		return code;
	if (fds[WORK_FD_VDUSE] != FD_DEVICE || fds[WORK_FD_BACKEND] != FD_BACKEND || fds[WORK_FD_STATE] != FD_TRANSIENT)
		return WORKER_EXIT_PROTOCOL;
	rc = device_attach(d, &m.device, &vduse_kernel);
	if (rc < 0)
		return fail(l, WORKER_EXIT_DEVICE, "cannot use the device", rc);
	l->state = WORK_W_SERVING;
	/* a vdused that has gone meanwhile is followed by one that adopts us */
	(void)link_say(l, WORK_SERVING);
	return 0;
}

/*
 * What the queues noted, and who waits for us to adopt it. Returns for how many ms to sleep at
 * most.
 */
static int tend(struct link *l, struct device *d)
{
	int notes = device_notes(d), adopt = adopt_tend(l);
	int ms = notes < 0 || (adopt >= 0 && adopt < notes) ? adopt : notes;

	return ms < 0 || ms > TURN_MS ? TURN_MS : ms;
}

/* Serve until WORK_STOP or the end of the device. Returns an exit code. */
static int serve(struct link *l, struct device *d)
{
	long long turned = now_ms();
	int timeout = tend(l, d); /* what the queues noted while we took over */

	while (!l->stop && !d->broken && !d->hopeless) {
		struct pollfd p[3] = { { .fd = d->notify_fd, .events = POLLIN },
				       { .fd = FD_DEVICE, .events = POLLIN },
				       { .fd = adopt_poll_fd(l), .events = POLLIN } };
		uint64_t notes;

		if (poll(p, 3, timeout) < 0 && errno != EINTR)
			return WORKER_EXIT_RESOURCE;
		d->unread_since = turned;
		turned = now_ms();
		if (p[0].revents)
			(void)!read(d->notify_fd, &notes, sizeof(notes));
		if (p[1].revents & POLLERR)
			d->broken = true;
		else if (p[1].revents)
			(void)device_message(d);
		/*
		 * A message of the kernel may have ended the channel meanwhile: then it was not the
		 * listening socket.
		 */
		if (p[2].revents && l->fd >= 0)
			link_serve(l);
		else if (p[2].revents && p[2].fd == FD_LISTEN)
			adopt_accept(l, &d->map);
		timeout = tend(l, d);
	}
	if (d->broken)
		link_log(l, LINK_ERROR, "the kernel gave this device up: delete it");
	if (device_quiesce(d) < 0)
		link_log(l, LINK_ERROR, "stopping with I/O that does not end");
	waiting_give_up(d);
	if (d->hopeless)
		return WORKER_EXIT_QUEUE;
	return d->broken ? WORKER_EXIT_DEVICE : WORKER_EXIT_OK;
}

static int run(void)
{
	struct link *l = &link_to_vdused;
	int code, rc;

	if (link_init(l, FD_CHANNEL) < 0) {
		usage(stderr);
		return WORKER_EXIT_USAGE;
	}
	orders_take(l, &device);
	rc = jail_early();
	if (rc < 0)
		return fail(l, WORKER_EXIT_JAIL, "cannot close the jail", rc);
	code = be_born(l, &device);
	if (code || l->stop)
		return code;
	code = get_device(l, &device);
	if (code || l->stop)
		return code;
	return serve(l, &device);
}

int main(int argc, char **argv)
{
	int code;

	if (argc > 1)
		return argc == 2 ? answer_person(argv[1]) : answer_person("");
	code = run();
	_exit(code); /* not exit(): its handlers could need calls that the filter kills for */
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_abandoned.c - V12: the driver that waits for an answer is killed. Part of the
 * hostile driver (hostile.h). As root, it stops the worker by tracing its main thread.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define LIMIT_MS 30000

/* ---- the moment in which the worker is about to write an answer ---- */

/* The next stop of the worker. */
static int next_stop(pid_t worker)
{
	long long end = now_ms() + LIMIT_MS;
	int status = 0;
	pid_t got;

	while ((got = waitpid(worker, &status, __WALL | WNOHANG)) == 0 && now_ms() < end)
		sleep_ms(1);
	check(got == worker && WIFSTOPPED(status), "the worker does not stop: status 0x%x", (unsigned)status);
	return status;
}

static bool is_device(pid_t worker, uint64_t fd)
{
	char link[64], path[64];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%u", (int)worker, (unsigned)fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	return strncmp(path, "/dev/vduse/", strlen("/dev/vduse/")) == 0;
}

static bool is_answer(pid_t worker, int status)
{
	struct __ptrace_syscall_info info = { 0 };

	return WSTOPSIG(status) == (SIGTRAP | 0x80) &&
	       ptrace(PTRACE_GET_SYSCALL_INFO, worker, (void *)sizeof(info), &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_write &&
	       is_device(worker, info.entry.args[0]);
}

/* A signal of its own is handed on; what tracing itself makes is not. */
static int signal_of(int status)
{
	int sig = WSTOPSIG(status);

	return sig == SIGTRAP || sig == (SIGTRAP | 0x80) || status >> 16 ? 0 : sig;
}

/* It stands still. */
static void answer_trace(pid_t worker)
{
	check(ptrace(PTRACE_SEIZE, worker, NULL, (void *)PTRACE_O_TRACESYSGOOD) == 0, "the worker cannot be traced");
	check(ptrace(PTRACE_INTERRUPT, worker, NULL, NULL) == 0, "the worker cannot be stopped");
	(void)next_stop(worker);
}

static void answer_wait(pid_t worker)
{
	int status = 0;

	do {
		check(ptrace(PTRACE_SYSCALL, worker, NULL, (void *)(intptr_t)signal_of(status)) == 0, "it is gone");
		status = next_stop(worker);
	} while (!is_answer(worker, status));
}

static void answer_go_on(pid_t worker)
{
	check(ptrace(PTRACE_DETACH, worker, NULL, NULL) == 0, "the worker does not go on");
}

/* ---- the cases ---- */

static pid_t set_status_elsewhere(struct sess *s, uint8_t status)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)vdpa_set_status(&s->v, status);
		_exit(0);
	}
	return pid;
}

static void kill_driver(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	check(waitpid(pid, NULL, 0) == pid, "wait");
}

/* In any moment: the message may not have been read, or have been answered already. */
static void abandon(struct sess *s, uint8_t status, unsigned delay_us)
{
	pid_t pid = set_status_elsewhere(s, status);

	(void)usleep(delay_us);
	check(kill(world.worker, SIGSTOP) == 0, "stop");
	kill_driver(pid);
	check(kill(world.worker, SIGCONT) == 0, "continue");
}

/*
 * When the answer is about to be written: the kernel takes the message back, and the answer finds
 * nobody.
 */
static void abandon_answer(struct sess *s, uint8_t status)
{
	pid_t pid;

	answer_trace(world.worker);
	pid = set_status_elsewhere(s, status);
	answer_wait(world.worker);
	kill_driver(pid);
	answer_go_on(world.worker);
}

/*
 * Worker and kernel must agree on the status, as soon as the worker has done with what it was
 * asked: messages come in their order, and this question is one.
 */
static void expect_agreement(struct sess *s)
{
	unsigned base;

	(void)vdpa_get_base(&s->v, 0, &base);
	check(world_driver_status() == vdpa_status(&s->v), "the worker has 0x%02x, the kernel 0x%02x",
	      world_driver_status(), vdpa_status(&s->v));
}

static bool log_says(size_t mark, const char *what)
{
	static char log[65536];

	(void)world_log_since(mark, log, sizeof(log));
	return strstr(log, what) != NULL;
}

static void abandon_and_see(struct sess *s, uint8_t from, uint8_t to)
{
	size_t mark = world_log_mark();

	for (unsigned i = 0; i < 4; i++) {
		sess_reset(s);
		queue_clear(&s->q, 0);
		(void)vdpa_set_status(&s->v, ST_INIT);
		check(vdpa_set_features(&s->v, s->features) == 0, "features");
		(void)vdpa_set_status(&s->v, from);
		check(queue_tell(&s->q, 0) == 0, "queue");
		(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
		abandon_answer(s, to);
		expect_agreement(s);
	}
	expect_good_after_reset(s);
	check(log_says(mark, "abandoned by its sender"), "nothing was taken back");
}

static void v12_abandoned(struct sess *s)
{
	abandon_and_see(s, ST_INIT, ST_FEATURES);
}

static void v12_abandoned_start(struct sess *s)
{
	abandon_and_see(s, ST_FEATURES, ST_RUNNING);
}

/* At its answer, and in any other moment: the worker may be stopped before it has read it, too. */
static void v12_abandoned_reset(struct sess *s)
{
	for (unsigned i = 0; i < 12; i++) {
		sess_start(s);
		if (i < 4)
			abandon_answer(s, 0);
		else
			abandon(s, 0, 300 + i * 97 % 3000);
		check(vdpa_set_status(&s->v, 0) == 0, "reset");
		expect_agreement(s);
	}
	expect_good_after_reset(s);
}

const struct hcase abandoned_cases[] = {
	{ "V12", "FEATURES_OK abandoned by a driver that is killed", v12_abandoned, NULL, 0 },
	{ "V12.start", "DRIVER_OK abandoned", v12_abandoned_start, NULL, 0 },
	{ "V12.reset", "reset abandoned", v12_abandoned_reset, NULL, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};

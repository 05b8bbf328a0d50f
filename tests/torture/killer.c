/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/killer.c - kills workers, or watches how they die, and writes down when. Test
 * program, runs as root in the test VM.
 *
 *   killer PIDS DEATHS COUNT MIN-MS MAX-MS
 * PIDS is a file whose first number is the process to kill (a device's cgroup.procs, a pid file).
 * Each one is killed between MIN-MS and MAX-MS after it was seen, unless it died by itself before.
 * For each death a line "DEATH BIRTH HOW" goes to DEATHS when its successor is seen: both
 * CLOCK_MONOTONIC in ns; HOW is "killed" or "died". Ends after COUNT deaths. Exit status 1: no
 * successor came.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SUCCESSOR_NS 120000000000LL
#define LOOK_NS 500000L

static long long now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static long read_pid(const char *path)
{
	char text[32] = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	(void)!read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	return strtol(text, NULL, 10);
}

/* Wait for another process than last; its pidfd, or -1. */
static int next_process(const char *path, long *last)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };
	long long end = now_ns() + SUCCESSOR_NS;

	while (now_ns() < end) {
		long pid = read_pid(path);
		int fd = pid > 0 && pid != *last ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;

		if (fd >= 0) {
			*last = pid;
			return fd;
		}
		(void)nanosleep(&look, NULL);
	}
	return -1;
}

/* Wait for its death, or cause it. Returns how. */
static const char *see_it_die(int pidfd, int ms, long long *death)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	if (poll(&p, 1, ms) > 0) {
		*death = now_ns();
		return "died";
	}
	*death = now_ns();
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	(void)poll(&p, 1, -1);
	return "killed";
}

int main(int argc, char **argv)
{
	const char *how = NULL;
	long long death = 0;
	long count, min, max, last = 0;
	FILE *out;

	if (argc != 6) {
		(void)fputs("usage: killer PIDS DEATHS COUNT MIN-MS MAX-MS\n", stderr);
		return 2;
	}
	out = fopen(argv[2], "ae");
	count = atol(argv[3]);
	min = atol(argv[4]);
	max = atol(argv[5]);
	if (!out || max <= min)
		return 2;
	srandom((unsigned)now_ns());
	for (long n = 0; n <= count; n++) {
		int pidfd = next_process(argv[1], &last);

		if (pidfd < 0) {
			(void)fprintf(stderr, "killer: nothing came after death %ld\n", n);
			return 1;
		}
		if (how)
			(void)fprintf(out, "%lld %lld %s\n", death, now_ns(), how);
		(void)fflush(out);
		if (n < count)
			how = see_it_die(pidfd, (int)(min + random() % (max - min)), &death);
		(void)close(pidfd);
	}
	return 0;
}

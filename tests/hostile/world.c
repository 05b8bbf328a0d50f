/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/world.c - what is around the device under attack: its worker, its file, vdused's
 * log, the kernel's log, and another disk that must not notice anything. Part of the hostile driver
 * (hostile.h); trusts all of it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/state_file.h"
#include "tests/hostile/hostile.h"

#define NEIGHBOUR_BLOCK 4096U
#define NEIGHBOUR_BLOCKS 512U

struct neighbour { /* shared with the process that uses the other disk */
	unsigned rounds, worst_ms;
	unsigned stop;
	char bad[160];
	uint32_t last[NEIGHBOUR_BLOCKS]; /* what each block holds, 0 = never written */
};

static struct neighbour *neighbour;
static pid_t neighbour_pid;
static unsigned neighbour_rounds;
static int state_fd, log_fd, kmsg_fd;
static unsigned long long worker_start;
static char text[400];

long long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "hostile: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

static void *shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

/* ---- the disk ---- */

static void open_disk(void)
{
	int fd = open_or_die(world.image, O_RDONLY);
	off_t size = lseek(fd, 0, SEEK_END);

	world.capacity = (size_t)size - CANARY;
	world.file = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0);
	if (world.file == MAP_FAILED)
		die(world.image);
	(void)close(fd);
	world.disk = shared((size_t)size);
	memcpy(world.disk, world.file, (size_t)size);
}

void disk_wrote(uint64_t offset, const void *p, size_t len)
{
	memcpy(world.disk + offset, p, len);
}

void disk_zeroed(uint64_t offset, size_t len)
{
	memset(world.disk + offset, 0, len);
}

void disk_believe_file(void)
{
	memcpy(world.disk, world.file, world.capacity);
}

const char *world_check_disk(void)
{
	if (memcmp(world.file + world.capacity, world.disk + world.capacity, CANARY) != 0)
		return "the file was changed behind the end of the device";
	for (size_t at = 0; at < world.capacity; at += SECTOR) {
		if (memcmp(world.file + at, world.disk + at, SECTOR) == 0)
			continue;
		(void)snprintf(text, sizeof(text), "sector %zu of the file is not what was written", at / SECTOR);
		return text;
	}
	return "";
}

/* ---- the worker ---- */

static unsigned long long start_time(pid_t pid)
{
	char path[40], line[600], *p;
	unsigned long long t = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	p = fgets(line, sizeof(line), f);
	(void)fclose(f);
	p = p ? strrchr(line, ')') : NULL;
	if (p && p[2] != 'Z')
		(void)sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
			     &t);
	return t;
}

pid_t world_worker_of(const char *device)
{
	static const char key[] = "\"pid\":";
	char command[300], json[4096];
	const char *at;
	size_t n = 0;
	FILE *f;

	(void)snprintf(command, sizeof(command), "exec %s show %s --json", world.ctl, device);
	f = popen(command, "re");
	if (f) {
		n = fread(json, 1, sizeof(json) - 1, f);
		(void)pclose(f);
	}
	json[n] = '\0';
	at = strstr(json, key);
	return at ? (pid_t)strtol(at + strlen(key), NULL, 10) : 0;
}

void world_new_worker(void)
{
	world.worker = world_worker_of(world.name);
	worker_start = world.worker ? start_time(world.worker) : 0;
}

const char *world_check_worker(void)
{
	return worker_start && start_time(world.worker) == worker_start ? "" : "the worker has died";
}

double world_worker_cpu(void)
{
	clockid_t clock;
	struct timespec t;

	if (clock_getcpuclockid(world.worker, &clock) != 0 || clock_gettime(clock, &t) < 0)
		return 0;
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

unsigned long world_worker_kib(void)
{
	char path[60], line[200];
	unsigned long kib = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", world.worker);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtoul(line + 8, NULL, 10);
	if (f)
		(void)fclose(f);
	return kib;
}

bool world_worker_maps(const char *what)
{
	char path[60], line[600];
	bool found = false;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", world.worker);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		found = found || strstr(line, what);
	if (f)
		(void)fclose(f);
	return found;
}

unsigned world_worker_fds(void)
{
	char path[60];
	unsigned n = 0;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", world.worker);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		(void)closedir(d);
	return n;
}

int world_ctl(const char *command)
{
	char line[400];

	(void)setenv("CTL", world.ctl, 1);
	(void)snprintf(line, sizeof(line), "%s %s", world.ctl, command);
	return system(line);
}

/* Made by the shell command, which prints its node. */
static pid_t spare(struct sess *d, const char *name, const char *command)
{
	char node[64] = "";
	FILE *f = popen(command, "re");
	pid_t pid;

	check(f && fscanf(f, "%63s", node) == 1 && pclose(f) == 0, "create");
	pid = world_worker_of(name);
	check(pid > 0, "no worker");
	sess_open(d, node);
	return pid;
}

pid_t world_spare_device(struct sess *d, const char *name)
{
	char command[300];

	(void)snprintf(command, sizeof(command),
		       "truncate -s 8M /tmp/%s.img && %s create %s --file /tmp/%s.img --bus vhost", name, world.ctl,
		       name, name);
	return spare(d, name, command);
}

pid_t world_spare_direct(struct sess *d, const char *name)
{
	char command[400];

	(void)snprintf(command, sizeof(command),
		       "truncate -s 8M /tmp/%s.img && %s create %s --file $(losetup -b 4096 -f --show /tmp/%s.img) "
		       "--direct --block-size 4096 --bus vhost",
		       name, world.ctl, name, name);
	return spare(d, name, command);
}

/* ---- its state file and log ---- */

bool world_queue_failed(unsigned q)
{
	uint32_t failed = 0;

	(void)!pread(state_fd, &failed, sizeof(failed),
		     (off_t)(offsetof(struct state_file, queue[0].failed) + q * sizeof(struct state_queue)));
	return failed != 0;
}

static bool in_flight(int fd, unsigned q, unsigned head)
{
	struct state_desc d = { 0 };

	(void)!pread(fd, &d, sizeof(d),
		     (off_t)(offsetof(struct state_file, queue[0].desc[0]) + q * sizeof(struct state_queue) +
			     head * sizeof(struct state_desc)));
	return d.inflight == 1;
}

bool world_in_flight(unsigned q, unsigned head)
{
	return in_flight(state_fd, q, head);
}

bool world_in_flight_of(const char *device, unsigned q, unsigned head)
{
	const char *name = strrchr(world.state, '/');
	char path[300];
	bool yes;
	int fd;

	(void)snprintf(path, sizeof(path), "%.*s/%s", (int)(name - world.state), world.state, device);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	check(fd >= 0, "%s: %s", path, strerror(errno));
	yes = in_flight(fd, q, head);
	(void)close(fd);
	return yes;
}

uint32_t world_driver_status(void)
{
	uint32_t status = 0xffff;

	(void)!pread(state_fd, &status, sizeof(status), offsetof(struct state_file, driver_status));
	return status;
}

size_t world_log_mark(void)
{
	return (size_t)lseek(log_fd, 0, SEEK_END);
}

size_t world_log_since(size_t mark, char *buf, size_t size)
{
	ssize_t n = pread(log_fd, buf, size - 1, (off_t)mark);

	buf[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

/* ---- the kernel ---- */

/* A driver can make the kernel say this, and the worker cannot prevent it: see CASES.md, V10. */
static const char known_warning[] = "invalidate vhost IOTLB permission";

#define TRACE_MS 10000 /* for the rest of a trace that has begun, on however busy a machine */

static bool line_is_bad(const char *line)
{
	static const char *const bad[] = { "WARNING:",         "BUG:",     "Oops",  "general protection", "RIP:",
					   "blocked for more", "refcount", "leaked" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (strstr(line, bad[i]))
			return true;
	return false;
}

/* The next record of the kernel's log; with wait, one that is being written. False: none. */
static bool next_record(char *line, size_t size, bool wait)
{
	struct pollfd p = { .fd = kmsg_fd, .events = POLLIN };
	ssize_t n;

	if (wait)
		(void)poll(&p, 1, TRACE_MS);
	n = read(kmsg_fd, line, size - 1);
	line[n < 0 ? 0 : n] = '\0';
	return n > 0 || (n < 0 && errno == EPIPE); /* EPIPE: some were overwritten */
}

/* Two threads of the worker may be warned about at a time, with one trace inside of the other. */
const char *world_check_kernel(bool may_warn)
{
	char line[1024];
	unsigned known = 0;

	text[0] = '\0';
	while (next_record(line, sizeof(line), known > 0)) {
		if (may_warn && strstr(line, known_warning))
			known++;
		if (known == 0 && !text[0] && line_is_bad(line))
			(void)snprintf(text, sizeof(text), "the kernel says: %.*s", (int)strcspn(line, "\n"), line);
		if (known > 0 && strstr(line, "end trace"))
			known--;
	}
	return text;
}

/* ---- the neighbour: one writer and reader of another device, all the time ---- */

static void fill(uint32_t *block, unsigned index, uint32_t value)
{
	for (unsigned i = 0; i < NEIGHBOUR_BLOCK / sizeof(*block); i++)
		block[i] = value * 2654435761U + index * 40503U + i;
}

static void neighbour_fails(const char *what)
{
	(void)snprintf(neighbour->bad, sizeof(neighbour->bad), "%s: %s", what, strerror(errno));
	_exit(1);
}

static void neighbour_block(int fd, unsigned index, uint32_t value, uint32_t *buf, uint32_t *want, bool write)
{
	off_t at = (off_t)index * NEIGHBOUR_BLOCK;

	fill(want, index, value);
	if (write && pwrite(fd, want, NEIGHBOUR_BLOCK, at) != NEIGHBOUR_BLOCK)
		neighbour_fails("a write to the other disk failed");
	neighbour->last[index] = value;
	if (pread(fd, buf, NEIGHBOUR_BLOCK, at) != NEIGHBOUR_BLOCK)
		neighbour_fails("a read of the other disk failed");
	errno = 0;
	if (memcmp(buf, want, NEIGHBOUR_BLOCK) != 0)
		neighbour_fails("the other disk holds something else than was written to it");
}

static void neighbour_main(void)
{
	int fd = open_or_die(world.neighbour, O_RDWR | O_DIRECT);
	uint32_t *buf = aligned_alloc(4096, NEIGHBOUR_BLOCK), *want = aligned_alloc(4096, NEIGHBOUR_BLOCK);
	uint32_t value = 1;

	while (!__atomic_load_n(&neighbour->stop, __ATOMIC_RELAXED)) {
		long long began = now_ms();
		unsigned took;

		neighbour_block(fd, value * 7 % NEIGHBOUR_BLOCKS, value, buf, want, true);
		value++;
		took = (unsigned)(now_ms() - began);
		if (took > neighbour->worst_ms)
			neighbour->worst_ms = took;
		__atomic_add_fetch(&neighbour->rounds, 1, __ATOMIC_RELAXED);
		sleep_ms(4);
	}
	for (unsigned i = 0; i < NEIGHBOUR_BLOCKS; i++)
		if (neighbour->last[i])
			neighbour_block(fd, i, neighbour->last[i], buf, want, false);
	_exit(0);
}

void world_neighbour_start(void)
{
	neighbour = shared(sizeof(*neighbour));
	neighbour_pid = fork();
	if (neighbour_pid == 0)
		neighbour_main();
}

/* It has moved since we last asked, or does so soon. */
const char *world_check_neighbour(void)
{
	long long end = now_ms() + SOON_MS;

	while (!neighbour->bad[0] && neighbour->rounds == neighbour_rounds && now_ms() < end)
		sleep_ms(2);
	if (neighbour->bad[0])
		return neighbour->bad;
	if (neighbour->rounds == neighbour_rounds)
		return "the other disk is not served";
	neighbour_rounds = neighbour->rounds;
	return "";
}

const char *world_neighbour_end(unsigned *rounds, unsigned *worst_ms)
{
	int status = 1;

	neighbour->stop = 1;
	(void)waitpid(neighbour_pid, &status, 0);
	*rounds = neighbour->rounds;
	*worst_ms = neighbour->worst_ms;
	if (neighbour->bad[0])
		return neighbour->bad;
	return status == 0 ? NULL : "the user of the other disk has died";
}

void world_open(void)
{
	state_fd = open_or_die(world.state, O_RDONLY);
	log_fd = open_or_die(world.log, O_RDONLY);
	kmsg_fd = open_or_die("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	(void)lseek(kmsg_fd, 0, SEEK_END);
	open_disk();
	world_new_worker();
	if (!worker_start)
		die("no worker");
}

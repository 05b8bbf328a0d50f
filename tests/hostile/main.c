/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/main.c - runs the cases, each in a process of its own, and looks after each of them
 * whether the world is still as it should be. In the test VM, as root, started by in-vm. See
 * hostile.h.
 *
 *   hostile KEY=VALUE... [PATTERN...]      only cases whose number matches a shell pattern
 *   hostile --list
 * With "paced=1" as the last of the keys it takes many minutes, and every reason must be in the
 * log. The numbers of passed, failed and skipped cases go to the file named by "counts=".
 */
#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define LIMIT_MS 180000 /* a case that takes longer has failed, on however busy a machine */
#define SLOW_LIMIT_MS 400000
/*
 * Seconds of the worker's processor time, for a case that has no reason to cost any; emulation is
 * slow. Where others share the processors below this machine, their time counts as the worker's: so
 * many times as long as at its best a small sum takes meanwhile, so much more the worker may use.
 */
#define CPU_LIMIT 3.0
#define SAMPLE_MS 100
#define SAMPLE_TURNS 200000U
#define LOG_PERIOD_MS 10100 /* after so long the worker's log is unlimited again, for a while */
#define EXIT_FAILED 1
#define EXIT_SKIPPED 77

struct world world;

static char *verdict; /* shared: why a case failed or was skipped */
static unsigned passed, failed, skipped, reasons_seen, reasons;
static const struct hcase *const tables[] = { ring_cases,   chain_cases,  moving_cases, blk_cases,
					      memory_cases, random_cases, device_cases, abandoned_cases,
					      slow_cases,   huge_cases,   stuck_cases };
static const char *counts_file;
static bool paced; /* wait until the worker's log takes lines again, so that every reason is seen */

#define VERDICT_SIZE 600U

/* ---- in the case's process ---- */

void case_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(verdict, VERDICT_SIZE, fmt, ap);
	va_end(ap);
	if (n >= 0 && n < (int)VERDICT_SIZE)
		(void)snprintf(verdict + n, VERDICT_SIZE - (size_t)n, " (%s:%d)", file, line);
	_exit(EXIT_FAILED);
}

void case_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(verdict, VERDICT_SIZE, fmt, ap);
	va_end(ap);
	_exit(EXIT_SKIPPED);
}

static void be_case(const struct hcase *c)
{
	static struct sess s;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	srandom(1);
	sess_open(&s, c->flags & CASE_READ_ONLY ? world.ro_node : world.node);
	if (!(c->flags & CASE_STOPPED))
		sess_start(&s);
	c->run(&s);
	_exit(0);
}

/* A driver that does everything right, after each of the others. */
static void be_good(const struct hcase *c)
{
	static struct sess s;

	(void)c;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	srandom(2);
	sess_open(&s, world.node);
	sess_start(&s);
	expect_good(&s);
	expect_good(&s);
	_exit(0);
}

/* ---- above it ---- */

static struct {
	double best, sum; /* seconds of processor time that the small sum takes */
	unsigned n;
	long long next; /* now_ms() */
} speed;

static double own_cpu(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void speed_sample(void)
{
	double began = own_cpu(), took;

	for (volatile unsigned i = 0; i < SAMPLE_TURNS; i++)
		;
	took = own_cpu() - began;
	if (speed.best == 0 || took < speed.best)
		speed.best = took;
	speed.sum += took;
	speed.n++;
	speed.next = now_ms() + SAMPLE_MS;
}

static void speed_begin(void)
{
	speed.sum = 0;
	speed.n = 0;
	speed_sample();
}

/* How many times as much processor time as at its best the machine takes, since speed_begin(). */
static double slowness(void)
{
	return speed.sum / speed.n / speed.best;
}

static int in_process(void (*be)(const struct hcase *), const struct hcase *c)
{
	int limit = c && (c->flags & CASE_SLOW) ? SLOW_LIMIT_MS : LIMIT_MS;
	long long end = now_ms() + limit;
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		be(c);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now_ms() < end) {
			sleep_ms(1);
			if (now_ms() >= speed.next)
				speed_sample();
			continue;
		}
		(void)snprintf(verdict, VERDICT_SIZE, "no end after %d ms", limit);
		(void)kill(pid, SIGKILL);
		sleep_ms(500);
		return waitpid(pid, &status, WNOHANG) == 0 ? -1 : EXIT_FAILED;
	}
	if (WIFSIGNALED(status)) {
		(void)snprintf(verdict, VERDICT_SIZE, "the driver died of signal %d", WTERMSIG(status));
		return EXIT_FAILED;
	}
	return WEXITSTATUS(status);
}

static bool says(const char *bad)
{
	if (bad[0] && !verdict[0])
		(void)snprintf(verdict, VERDICT_SIZE, "%s", bad);
	return bad[0] != '\0';
}

/* Is one of the texts that are separated by '|' in there? */
static bool contains_one(const char *log, const char *texts)
{
	char one[120];
	size_t n;

	for (; *texts; texts += n + (texts[n] == '|')) {
		n = strcspn(texts, "|");
		(void)snprintf(one, sizeof(one), "%.*s", (int)n, texts);
		if (strstr(log, one))
			return true;
	}
	return false;
}

/*
 * Did the worker find what we meant it to find? Its log is limited in rate: no line at all proves
 * nothing.
 */
static bool check_reason(const struct hcase *c, size_t mark)
{
	static const char *const other[] = { "a request failed: ", "is malformed", "cannot be served" };
	static char log[65536];
	const char *line = NULL;

	if (!c->why)
		return true;
	reasons++;
	(void)world_log_since(mark, log, sizeof(log));
	if (contains_one(log, c->why)) {
		reasons_seen++;
		return true;
	}
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]) && !line; i++)
		line = strstr(log, other[i]);
	if (!line && !paced)
		return true;
	if (!line)
		line = "nothing";
	(void)snprintf(verdict, VERDICT_SIZE, "the worker did not find \"%s\" but: %.*s", c->why,
		       (int)strcspn(line, "\n"), line);
	return false;
}

static bool world_is_well(const struct hcase *c, double cpu)
{
	if (c->flags & CASE_REPLACED)
		world_new_worker();
	else if (!(c->flags & CASE_BUSY) && cpu > CPU_LIMIT * slowness() && !verdict[0])
		(void)snprintf(verdict, VERDICT_SIZE,
			       "the worker used %.1f s of processor time; the machine is %.1f times slow", cpu,
			       slowness());
	if (verdict[0] || says(world_check_worker()) || says(world_check_kernel((c->flags & CASE_KERNEL_WARNS) != 0)) ||
	    says(world_check_neighbour()))
		return false;
	if (c->flags & CASE_SCRIBBLES)
		disk_believe_file();
	return !says(world_check_disk());
}

/* Later cases need a worker and an image that they can believe. */
static void recover(void)
{
	char command[200];

	sleep_ms(500);
	world_new_worker();
	disk_believe_file();
	(void)snprintf(command, sizeof(command), "tail -n 10 %s | sed 's/^/#   /'", world.log);
	(void)fflush(stdout);
	(void)!system(command);
}

static void run_case(const struct hcase *c)
{
	size_t mark;
	double cpu = world_worker_cpu();
	long long began = now_ms();
	int result;

	if (paced && c->why)
		sleep_ms(LOG_PERIOD_MS);
	mark = world_log_mark();
	verdict[0] = '\0';
	speed_begin();
	result = in_process(be_case, c);
	cpu = world_worker_cpu() - cpu;
	if (result == EXIT_SKIPPED) {
		(void)printf("skip %s %s: %s\n", c->id, c->title, verdict);
		skipped++;
		return;
	}
	if (result == 0 && check_reason(c, mark) && world_is_well(c, cpu) && in_process(be_good, c) == 0 &&
	    world_is_well(c, 0)) {
		(void)printf("ok %s %s (%lld ms)\n", c->id, c->title, now_ms() - began);
		passed++;
		return;
	}
	(void)printf("not ok %s %s (%lld ms): %s\n", c->id, c->title, now_ms() - began, verdict);
	failed++;
	recover();
}

static bool wanted(const struct hcase *c, char **patterns, int n)
{
	for (int i = 0; i < n; i++)
		if (fnmatch(patterns[i], c->id, 0) == 0)
			return true;
	return n == 0;
}

static void for_all(void (*what)(const struct hcase *), char **patterns, int n)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct hcase *c = tables[t]; c->id; c++)
			if (wanted(c, patterns, n))
				what(c);
}

static void list_case(const struct hcase *c)
{
	(void)printf("%s %s\n", c->id, c->title);
}

/* Memory of drivers that are gone is not mapped any more. */
static const char *check_mappings(void)
{
	return world_worker_maps("memfd:driver") ? "it still maps memory of a driver" : NULL;
}

/* The worker holds no more at the end than at the beginning. */
static void check_growth(unsigned fds, unsigned long kib)
{
	const char *bad = world_worker_fds() > fds          ? "more descriptors than before"
			  : world_worker_kib() > kib + 2048 ? "more memory than before"
							    : check_mappings();

	(void)printf("# the worker: %u descriptors, then %u; anonymous memory %lu KiB, then %lu KiB\n", fds,
		     world_worker_fds(), kib, world_worker_kib());
	(void)printf("%s P17 the worker has not grown%s%s\n", bad ? "not ok" : "ok", bad ? ": " : "", bad ? bad : "");
	if (bad)
		failed++;
	else
		passed++;
}

static void check_neighbour_at_end(void)
{
	unsigned rounds, worst;
	const char *bad = world_neighbour_end(&rounds, &worst);

	(void)printf("# the other disk: %u writes and reads, the slowest %u ms\n", rounds, worst);
	(void)printf("%s P12 the other disk holds all its data%s%s\n", bad ? "not ok" : "ok", bad ? ": " : "",
		     bad ? bad : "");
	if (bad)
		failed++;
	else
		passed++;
}

static void write_counts(void)
{
	FILE *f = counts_file ? fopen(counts_file, "we") : NULL;

	if (f && fprintf(f, "%u %u %u\n", passed, failed, skipped) > 0)
		(void)fclose(f);
	else
		failed++;
}

static bool setting(const char *arg)
{
	static const char *queues, *pace;
	const struct {
		const char *key, **value;
	} keys[] = { { "node=", &world.node }, { "ro=", &world.ro_node },  { "neighbour=", &world.neighbour },
		     { "name=", &world.name }, { "image=", &world.image }, { "state=", &world.state },
		     { "log=", &world.log },   { "ctl=", &world.ctl },     { "queues=", &queues },
		     { "paced=", &pace },      { "counts=", &counts_file } };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strncmp(arg, keys[i].key, strlen(keys[i].key)) == 0) {
			*keys[i].value = arg + strlen(keys[i].key);
			world.queues = queues ? (unsigned)strtoul(queues, NULL, 10) : 1;
			paced = pace != NULL;
			return true;
		}
	}
	return false;
}

int main(int argc, char **argv)
{
	unsigned fds;
	unsigned long kib;
	int first = 1;

	if (argc == 2 && strcmp(argv[1], "--list") == 0) {
		for_all(list_case, NULL, 0);
		return 0;
	}
	while (first < argc && setting(argv[first]))
		first++;
	verdict = mmap(NULL, VERDICT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	world.seg_max = RING_NUM - 2;
	world_open();
	world_neighbour_start();
	if (in_process(be_good, NULL) != 0) {
		(void)printf("not ok: a driver that does nothing wrong: %s\n", verdict);
		return 2;
	}
	fds = world_worker_fds();
	kib = world_worker_kib();
	for_all(run_case, argv + first, argc - first);
	check_growth(fds, kib);
	check_neighbour_at_end();
	(void)printf("# reasons found in the log: %u of %u\n", reasons_seen, reasons);
	write_counts();
	return failed ? 1 : 0;
}

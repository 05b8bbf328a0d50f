/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/checker.c - writes to a disk, knows what it must hold, and says whether it does.
 * Test program, runs as root in the test VM. Trusts nothing that it reads.
 *
 *   checker run TARGET [OPTION...]      load until --seconds are over or SIGTERM comes, then read
 *                                       everything
 *   checker verify TARGET --model FILE  read everything, e.g. the backing file of a device that is
 *                                       gone
 * Exit status 0: everything was right. 1: something was lost, stale, torn or an error. 2: usage. 3:
 * nothing moved for
 * --hang seconds.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/torture/load.h"
#include "tests/torture/recovery.h"

#define TICK_NS 50000000L

static struct {
	const char *command, *target, *model, *deaths, *recoveries;
	uint64_t seed, size;
	uint32_t device;
	unsigned seconds, hang;
	bool flushed;
} opt = { .seed = 1, .size = 16 << 20, .device = 1, .hang = 60 };

static struct load load = { .threads = 16 };
static struct target target;
static struct model model;

static int usage(void)
{
	(void)fputs("usage: checker run|verify TARGET [OPTION...]\n"
		    "  --offset BYTES, --size BYTES  the checked region (0, 16 MiB); it must hold zeros before run\n"
		    "  --threads N                   depth (16)\n"
		    "  --seconds N                   end of the load; without it SIGTERM\n"
		    "  --seed N, --device N          written into every sector\n"
		    "  --model FILE                  keep the model there\n"
		    "  --no-discard\n"
		    "  --hang SECONDS                give up when nothing ends for so long (60)\n"
		    "  --deaths FILE, --recoveries FILE  see recovery.h\n"
		    "  --flushed                     verify: as after a crash of the host\n",
		    stderr);
	return 2;
}

static bool take_option(int c)
{
	uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;

	switch (c) {
	case 'o':
		load.offset = value;
		return true;
	case 's':
		opt.size = value;
		return true;
	case 't':
		load.threads = (unsigned)value;
		return true;
	case 'T':
		opt.seconds = (unsigned)value;
		return true;
	case 'S':
		opt.seed = value;
		return true;
	case 'D':
		opt.device = (uint32_t)value;
		return true;
	case 'm':
		opt.model = optarg;
		return true;
	case 'n':
		load.no_discard = true;
		return true;
	case 'h':
		opt.hang = (unsigned)value;
		return true;
	case 'd':
		opt.deaths = optarg;
		return true;
	case 'r':
		opt.recoveries = optarg;
		return true;
	case 'f':
		opt.flushed = true;
		return true;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv)
{
	static const struct option known[] = {
		{ "offset", required_argument, NULL, 'o' },
		{ "size", required_argument, NULL, 's' },
		{ "threads", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 'T' },
		{ "seed", required_argument, NULL, 'S' },
		{ "device", required_argument, NULL, 'D' },
		{ "model", required_argument, NULL, 'm' },
		{ "no-discard", no_argument, NULL, 'n' },
		{ "hang", required_argument, NULL, 'h' },
		{ "deaths", required_argument, NULL, 'd' },
		{ "flushed", no_argument, NULL, 'f' },
		{ "recoveries", required_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (!take_option(c))
			return false;
	if (argc - optind != 2)
		return false;
	opt.command = argv[optind];
	opt.target = argv[optind + 1];
	return true;
}

static int die(const char *what, int rc)
{
	(void)fprintf(stderr, "checker: %s: %s\n", what, strerror(-rc));
	return 1;
}

static void report(const char *what)
{
	unsigned long long bad = atomic_load(&load.mismatches), errors = atomic_load(&load.errors);

	(void)printf("checker: %s: %llu writes, %llu reads, %llu flushes, %llu zeroed, %llu discarded, "
		     "%llu blocks verified, %llu mismatches, %llu errors, longest stall %.0f ms\n",
		     what, atomic_load(&load.ops[OP_WRITE]), atomic_load(&load.ops[OP_READ]),
		     atomic_load(&load.ops[OP_FLUSH]), atomic_load(&load.ops[OP_ZERO]),
		     atomic_load(&load.ops[OP_DISCARD]), atomic_load(&load.verified), bad, errors,
		     (double)atomic_load(&load.longest_ns) / 1e6);
	(void)fflush(stdout);
}

/* Until it is time or a signal comes; a load that stands still ends the process. */
static void wait_for_end(const sigset_t *signals)
{
	long long end = load_now() + opt.seconds * 1000000000LL;
	struct timespec tick = { .tv_nsec = TICK_NS };

	while (sigtimedwait(signals, NULL, &tick) < 0) {
		long long now = load_now();

		if (opt.seconds > 0 && now > end)
			return;
		if (now - atomic_load(&load.last_ns) > opt.hang * 1000000000LL) {
			report("HANGS");
			_exit(3);
		}
	}
}

static int run(void)
{
	sigset_t signals;
	int rc = model_create(&model, opt.model, opt.seed, opt.device, opt.size / SECTOR);

	if (rc == 0)
		rc = load_init(&load);
	if (rc < 0)
		return die("cannot begin", rc);
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGTERM);
	(void)pthread_sigmask(SIG_BLOCK, &signals, NULL);
	rc = load_start(&load);
	if (rc < 0)
		return die("cannot start threads", rc);
	wait_for_end(&signals);
	load_stop(&load);
	load_verify(&load, false);
	report("run");
	if (opt.deaths && opt.recoveries) {
		size_t n = atomic_load(&load.nended);

		rc = recovery_write(opt.deaths, opt.recoveries, load.ended, n < load.max_ended ? n : load.max_ended);
		if (rc < 0)
			return die("recovery times", rc);
	}
	return 0;
}

static int verify(void)
{
	int rc = opt.model ? model_open(&model, opt.model) : -EINVAL;

	if (rc == 0)
		rc = load_init(&load);
	if (rc < 0)
		return die("the model", rc);
	load_verify(&load, opt.flushed);
	report("verify");
	return 0;
}

int main(int argc, char **argv)
{
	int rc;

	if (!parse(argc, argv))
		return usage();
	load.target = &target;
	load.model = &model;
	rc = target_open(&target, opt.target);
	if (rc < 0)
		return die(opt.target, rc);
	if (strcmp(opt.command, "run") == 0)
		rc = run();
	else if (strcmp(opt.command, "verify") == 0)
		rc = verify();
	else
		return usage();
	model_close(&model);
	load_free(&load);
	return rc || atomic_load(&load.mismatches) || atomic_load(&load.errors) ? 1 : 0;
}

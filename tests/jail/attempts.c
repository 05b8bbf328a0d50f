/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/attempts.c - starts real workers in their real jail and makes each try one forbidden
 * thing (issue 3, "Must show" 1; P1 to P11 are the promises by number). Runs as root, on any
 * kernel: needs no VDUSE. Test code.
 *   attempts WORKER VARIANT PART/PARTS [PATTERN...]
 * Only cases whose name matches a pattern (fnmatch), and of those every PARTS-th; all: 0/1
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/jail/forbidden.h"
#include "tests/jail/layers.h"
#include "tests/jail/report.h"
#include "tests/jail/rules.h"
#include "tests/jail/try.h"
#include "worker/jail/syscalls.h"

static void try_all(const struct forbidden *list)
{
	for (; list->name; list++)
		try_forbidden(list->name, &list->call);
}

static const struct forbidden *find(const struct forbidden *list, const char *name)
{
	while (list->name && strcmp(list->name, name) != 0)
		list++;
	return list;
}

/* A case that passes only because the harness cannot see would pass here, too. */
static void caught(const char *variant, const char *order, const struct forbidden *list, const char *hole)
{
	const struct forbidden *f = find(list, hole);
	struct fate fate = { 0 };
	struct err e = { 0 };
	char name[160];

	(void)snprintf(name, sizeof(name), "a worker with a hole is caught: %s", hole);
	if (!report_wanted(name))
		return;
	if (!f->name || subject_binary(variant, order, &e) != 0 || !try_sealed(&f->call, &fate, &e))
		report(false, name, "%s", f->name ? e.text : "no such case");
	else
		report(try_judge(&f->call, fate) == NOT_DENIED, name, "%s", fate_text(fate));
}

static void holes(const char *variant)
{
	caught(variant, "add00", forbidden_files, "P1 openat /etc/passwd");
	caught(variant, "add00", forbidden_files, "P1 openat ..");
	caught(variant, "add01", forbidden_memory, "P9 mmap anonymous rx");
	caught(variant, "add01", forbidden_memory, "P9 mmap anonymous rw, not fixed");
	caught(variant, "add02", forbidden_device, "P11 pwritev on the device");
}

static int all_cases(const char *worker, const char *variant)
{
	struct err e = { 0 };

	if (subject_binary(worker, NULL, &e) != 0) {
		report(false, "the worker's binary", "%s", e.text);
		return 1;
	}
	layers_outside();
	layers_inside();
	layers_threads();
	try_all(forbidden_files);
	try_all(forbidden_processes);
	try_all(forbidden_objects);
	try_all(forbidden_kernel);
	try_all(forbidden_tricks);
	try_all(forbidden_memory);
	try_all(forbidden_device);
	rules_edges();
	rules_cut(variant);
	holes(variant);
	return 0;
}

/* If none can be started, say why once, not for each case. */
static bool one_starts(const char *worker, struct err *e)
{
	struct subject s;
	int rc = subject_binary(worker, NULL, e);

	if (rc == 0) {
		rc = subject_start(&s, e);
		if (rc == 0)
			rc = subject_seal(&s, e);
		subject_end(&s);
	}
	return rc == 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	unsigned part, parts;
	char dir[512];
	int rc;

	if (argc < 4 || geteuid() != 0 || sscanf(argv[3], "%u/%u", &part, &parts) != 2 || part >= parts) {
		(void)fprintf(stderr, "usage, as root: attempts WORKER VARIANT PART/PARTS [PATTERN...]\n");
		return 2;
	}
	report_want(argv + 4, part, parts);
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(argv[2], '/') - argv[2]), argv[2]);
	rc = subject_place(dir, &e);
	if (rc == 0 && one_starts(argv[1], &e))
		(void)all_cases(argv[1], argv[2]);
	else
		report(false, "a worker is started and sealed", "%s", e.text);
	subject_place_remove();
	if (part == 0)
		(void)printf("# the worker's filter allows %zu system calls, in %zu rows\n",
			     seccomp_count_calls(worker_syscalls, worker_syscalls_rows), worker_syscalls_rows);
	return report_end();
}

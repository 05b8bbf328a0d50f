/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/policy_cut.c - takes the place of worker/jail/syscalls.o in the variant worker, which
 * only tests start: the real table, with one row left out or one added. Which one is in the text
 * below, to be changed in the binary, since a worker has neither arguments nor environment. Test
 * code.
 *   all00   the table as it is      cutNN   without row NN      addNN   with extra[NN]
 */
#define worker_syscalls whole_policy
#define worker_syscalls_rows whole_policy_rows
#include "worker/jail/syscalls.c"
#undef worker_syscalls
#undef worker_syscalls_rows

#define ROWS_MAX 64U

extern struct seccomp_row worker_syscalls[ROWS_MAX];
extern size_t worker_syscalls_rows;

struct seccomp_row worker_syscalls[ROWS_MAX];
size_t worker_syscalls_rows;

static volatile char order[] = "vdt-policy:all00";

static const struct seccomp_row extra[] = {
	{ SCMP_SYS(openat), 0, { { 0 } }, "a hole: any file" },
	{ SCMP_SYS(mmap), 2, { EQ(3, MAP_PRIVATE | MAP_ANONYMOUS), MINUS_ONE(4) }, "a hole: any new memory" },
	{ SCMP_SYS(pwritev), 1, { EQ(0, FD_DEVICE) }, "a hole: one more descriptor" },
};

/* Before main(), so with nothing of anybody's. */
static void __attribute__((constructor)) obey(void)
{
	unsigned row = (unsigned)(order[14] - '0') * 10 + (unsigned)(order[15] - '0');

	for (size_t i = 0; i < whole_policy_rows; i++)
		if (order[11] != 'c' || i != row)
			worker_syscalls[worker_syscalls_rows++] = whole_policy[i];
	if (order[11] == 'a' && order[12] == 'd')
		worker_syscalls[worker_syscalls_rows++] = extra[row];
}

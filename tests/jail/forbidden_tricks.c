/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/forbidden_tricks.c - P7: the same calls by another door: other calling conventions,
 * numbers that are cut to 32 bits. What the filter's own rules compare is in rules.c. Test code:
 * data for attempts.c.
 */
#include "tests/jail/forbidden.h"

#include <fcntl.h>
#include <sys/syscall.h>

#include "tests/jail/numbers.h"

#define X32 0x40000000U
#define HIGH(nr) ((uint64_t)(nr) | 1ULL << 32)
/* clang-format off */
#define INT80(call_nr, ...) { .entry = BY_INT80, .nr = (call_nr), .arg = { __VA_ARGS__ } }
#define VSYSCALL(offset) { .entry = BY_VSYSCALL, .nr = (offset), .arg = { N(0), N(0) } }
/* clang-format on */

static const char room[256];

const struct forbidden forbidden_tricks[] = {
	{ "P7 number -1", CALL(-1) },
	{ "P7 number -1, 32 bits", CALL(0xffffffffU) },
	{ "P7 number 0x7fffffff", CALL(0x7fffffff) },
	{ "P7 number 0x80000000", CALL(0x80000000U) },
	{ "P7 number of tomorrow (1000)", CALL(1000) },
	{ "P7 number of nothing (380)", CALL(380) },
	{ "P7 uretprobe, where there is none", CALL(NR_URETPROBE) },
	{ "P7 uprobe, where there is none", CALL(NR_UPROBE) },
	{ "P7 openat, garbage above its number", CALL(HIGH(SYS_openat), N(AT_FDCWD), T("/"), N(O_RDONLY)) },
	{ "P7 openat, sign bits above its number", CALL(SYS_openat | ~0ULL << 32, N(AT_FDCWD), T("/"), N(O_RDONLY)) },
	{ "P7 execve, garbage above its number", CALL(HIGH(SYS_execve), T("/x"), N(0), N(0)) },
	{ "P7 x32 read", CALL(X32 | SYS_read, N(7), B(room), N(8)) },
	{ "P7 x32 openat", CALL(X32 | SYS_openat, N(AT_FDCWD), T("/"), N(O_RDONLY)) },
	{ "P7 x32 mprotect", CALL(X32 | SYS_mprotect, N(0), N(0), N(7)) },
	{ "P7 x32 poll", CALL(X32 | SYS_poll, N(0), N(0), N(0)) },
	{ "P7 x32 exit_group", CALL(X32 | SYS_exit_group, N(0)) },
	{ "P7 x32 rt_sigreturn", CALL(X32 | 513) },
	{ "P7 x32 ioctl", CALL(X32 | 514, N(4), N(0), N(0)) },
	{ "P7 x32 readv", CALL(X32 | 515, N(7), B(room), N(0)) },
	{ "P7 x32 execve", CALL(X32 | 520, T("/x"), N(0), N(0)) },
	{ "P7 x32 ptrace", CALL(X32 | 521, N(0), N(0), N(0)) },
	{ "P7 x32 preadv", CALL(X32 | 534, N(5), B(room), N(0)) },
	{ "P7 x32 execveat", CALL(X32 | 545, N(5), T(""), N(0), N(0), N(AT_EMPTY_PATH)) },
	{ "P7 x32's numbers without its bit: 512", CALL(512, N(0), N(0)) },
	{ "P7 x32's numbers without its bit: execve", CALL(520, T("/x"), N(0), N(0)) },
	{ "P7 int 0x80 exit", INT80(1, N(0)) },
	{ "P7 int 0x80 fork", INT80(2) },
	{ "P7 int 0x80 read", INT80(3, N(7), N(0), N(0)) },
	{ "P7 int 0x80 write", INT80(4, N(7), N(0), N(0)) },
	{ "P7 int 0x80 open", INT80(5, N(0), N(0)) },
	{ "P7 int 0x80 execve", INT80(11, N(0), N(0), N(0)) },
	{ "P7 int 0x80 mprotect", INT80(125, N(0), N(0), N(7)) },
	{ "P7 int 0x80 socketcall", INT80(102, N(1), N(0)) },
	{ "P7 int 0x80 openat", INT80(295, N(AT_FDCWD), N(0), N(0)) },
	{ "P7 int 0x80, number of our preadv", INT80(SYS_preadv, N(5), N(0), N(0)) },
	{ "P7 int 0x80, number of our munmap", INT80(SYS_munmap, N(0), N(0)) },
	{ "P7 vsyscall gettimeofday", VSYSCALL(0) },
	{ "P7 vsyscall time", VSYSCALL(0x400) },
	{ "P7 vsyscall getcpu", VSYSCALL(0x800) },
	{ .name = NULL },
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/cpu.c - see cpu.h. Runs in unit tests only.
 */
#include "tests/unit/cpu.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/unit/unit.h"

#define TRAP_FLAG 0x100

struct cpu cpu;

static void protect(int prot)
{
	for (int i = 0; i < 2; i++)
		if (cpu.page[i])
			(void)mprotect(cpu.page[i], cpu.len[i], prot);
}

void cpu_close(void)
{
	protect(PROT_READ);
}

void cpu_open(void)
{
	protect(PROT_READ | PROT_WRITE);
}

static void on_store(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	if (cpu.left == 0)
		siglongjmp(cpu.killed, 1);
	cpu.left--;
	cpu.made++;
	cpu_open();
	uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void on_stored(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	(void)info;
	cpu_close();
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void install(int sig, void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	assert_return_code(sigaction(sig, &sa, NULL), errno);
}

void cpu_install(void)
{
	install(SIGSEGV, on_store);
	install(SIGTRAP, on_stored);
}

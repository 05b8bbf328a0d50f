/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/sigbus.c - see sigbus.h. The handler runs in the thread that faulted and uses only
 * mmap, _exit and lock-free reads.
 */
#include "worker/ring/sigbus.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "worker/exit.h"

static struct iova_map *bus_map;
static uintptr_t state_at;
static size_t state_len;
static _Atomic unsigned faults;

static void on_fault(int sig, siginfo_t *info, void *context)
{
	uintptr_t addr = (uintptr_t)info->si_addr;
	int saved = errno;

	(void)context;
	if (addr - state_at < state_len)
		_exit(WORKER_EXIT_STATE);
	/*
	 * First of all: no thread may see the page of zeros and not the count. Read-only zeros come
	 * of an earlier fault.
	 */
	if (atomic_fetch_add_explicit(&faults, 1, memory_order_seq_cst) == 0 && sig == SIGSEGV)
		_exit(WORKER_EXIT_FAULT);
	if (!bus_map || !iova_put_zeros(bus_map, info->si_addr))
		_exit(WORKER_EXIT_FAULT);
	errno = saved;
}

int sigbus_install(struct iova_map *m)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };

	bus_map = m;
	(void)sigemptyset(&sa.sa_mask);
	return sigaction(SIGBUS, &sa, NULL) < 0 || sigaction(SIGSEGV, &sa, NULL) < 0 ? -errno : 0;
}

void sigbus_set_state(const void *addr, size_t len)
{
	state_at = (uintptr_t)addr;
	state_len = len;
	if (bus_map)
		bus_map->keep = (struct iova_mapping){ .at = (void *)(uintptr_t)addr, .len = len };
}

unsigned sigbus_count(void)
{
	return atomic_load_explicit(&faults, memory_order_acquire);
}

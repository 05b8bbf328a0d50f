/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/inject.c - see inject.h. Runs as root. Test code.
 */
#include "tests/jail/inject.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "common/err.h"

#define LIMIT_S 5
#define VSYSCALL_PAGE 0xffffffffff600000ULL
#define CODE_SYSCALL 0x050fUL
#define CODE_INT80 0x80cdUL

static void on_alarm(int sig)
{
	(void)sig;
}

/* waitpid(), but not for longer than LIMIT_S: 0 then. */
static pid_t wait_some(pid_t tid, int *status)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval limit = { .it_value.tv_sec = LIMIT_S, .it_interval.tv_sec = LIMIT_S };
	pid_t got;

	(void)sigaction(SIGALRM, &sa, NULL);
	(void)setitimer(ITIMER_REAL, &limit, NULL);
	got = waitpid(tid, status, __WALL);
	(void)setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	return got < 0 ? 0 : got;
}

int inject_attach(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_EXITKILL) != 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0)
		return -errno;
	return wait_some(tid, &status) == tid && WIFSTOPPED(status) ? 0 : -ECHILD;
}

/* Copy the arguments' bytes to addr and on; their addresses become the arguments. */
static int place_args(pid_t tid, const struct call *c, uint64_t addr, uint64_t *value)
{
	for (unsigned i = 0; i < INJECT_ARGS; i++) {
		struct iovec from = { .iov_base = (void *)(size_t)c->arg[i].bytes, .iov_len = c->arg[i].size };
		struct iovec to = { .iov_base = (void *)(addr + i * INJECT_SLOT), .iov_len = c->arg[i].size };

		value[i] = c->arg[i].value;
		if (!c->arg[i].bytes)
			continue;
		if (c->arg[i].size > INJECT_SLOT ||
		    process_vm_writev(tid, &from, 1, &to, 1, 0) != (ssize_t)from.iov_len)
			return -EFAULT;
		value[i] = addr + i * INJECT_SLOT;
	}
	return 0;
}

static void set_args(struct user_regs_struct *r, enum entry entry, const uint64_t *v)
{
	if (entry == BY_INT80) {
		r->rbx = v[0];
		r->rcx = v[1];
		r->rdx = v[2];
		r->rsi = v[3];
		r->rdi = v[4];
		r->rbp = v[5];
		return;
	}
	r->rdi = v[0];
	r->rsi = v[1];
	r->rdx = v[2];
	r->r10 = v[3];
	r->r8 = v[4];
	r->r9 = v[5];
}

/*
 * Let the next instruction be the one that enters the kernel. r is where the thread sleeps: behind
 * such a one.
 */
static int aim(pid_t tid, const struct call *c, struct user_regs_struct *r, uint64_t stack)
{
	long code = ptrace(PTRACE_PEEKTEXT, tid, (void *)(r->rip - 2), NULL);

	/* a call of a fixed address, which returns to where we are */
	if (c->entry == BY_VSYSCALL) {
		r->rsp = stack;
		if (ptrace(PTRACE_POKEDATA, tid, (void *)stack, (void *)r->rip) != 0)
			return -errno;
		r->rip = VSYSCALL_PAGE + c->nr;
		return 0;
	}
	if ((code & 0xffff) != CODE_SYSCALL && (code & 0xffff) != CODE_INT80)
		return -EILSEQ;
	code = (code & ~0xffffL) | (long)(c->entry == BY_INT80 ? CODE_INT80 : CODE_SYSCALL);
	if (ptrace(PTRACE_POKETEXT, tid, (void *)(r->rip - 2), (void *)code) != 0)
		return -errno;
	r->rip -= 2;
	r->rax = c->nr;
	return 0;
}

static struct fate death(struct subject *s, int status)
{
	s->dead = true;
	s->status = status;
	if (WIFEXITED(status))
		return (struct fate){ FATE_EXITED, WEXITSTATUS(status) };
	return WTERMSIG(status) == SIGSYS ? (struct fate){ FATE_SIGSYS, 0 }
					  : (struct fate){ FATE_SIGNAL, WTERMSIG(status) };
}

static struct fate outcome(struct subject *s, pid_t tid)
{
	struct user_regs_struct r;
	int status;

	if (wait_some(tid, &status) == 0)
		return (struct fate){ FATE_BLOCKED, 0 };
	if (!WIFSTOPPED(status)) { /* a thread is gone; what counts is the process */
		if (tid != s->pid && wait_some(s->pid, &status) == 0)
			return (struct fate){ FATE_BLOCKED, 0 };
		return death(s, status);
	}
	if (WSTOPSIG(status) != SIGTRAP)
		return (struct fate){ FATE_SIGNAL, WSTOPSIG(status) };
	if (ptrace(PTRACE_GETREGS, tid, NULL, &r) != 0)
		return (struct fate){ FATE_BLOCKED, errno };
	return (struct fate){ FATE_RETURNED, (long)r.rax };
}

struct fate inject_call(struct subject *s, pid_t tid, const struct call *c)
{
	uint64_t value[INJECT_ARGS], scratch;
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &r) != 0)
		return (struct fate){ FATE_BLOCKED, errno };
	scratch = (r.rsp - 32 * INJECT_SLOT) & ~0xfULL;
	if (place_args(tid, c, scratch, value) != 0 || aim(tid, c, &r, scratch - 64) != 0)
		return (struct fate){ FATE_BLOCKED, EFAULT };
	set_args(&r, c->entry, value);
	/* the call that was interrupted is not to be restarted */
	r.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, tid, NULL, &r) != 0 || ptrace(PTRACE_SINGLESTEP, tid, NULL, NULL) != 0)
		return (struct fate){ FATE_BLOCKED, errno };
	return outcome(s, tid);
}

const char *fate_text(struct fate f)
{
	static char text[96];

	switch (f.kind) {
	case FATE_SIGSYS:
		return "killed (SIGSYS)";
	case FATE_SIGNAL:
		(void)snprintf(text, sizeof(text), "signal %ld (%s)", f.value, strsignal((int)f.value));
		break;
	case FATE_EXITED:
		(void)snprintf(text, sizeof(text), "ended with status %ld", f.value);
		break;
	case FATE_BLOCKED:
		(void)snprintf(text, sizeof(text), "neither returned nor died%s%s", f.value ? ": " : "",
			       f.value ? strerror((int)f.value) : "");
		break;
	case FATE_RETURNED:
		if (f.value < 0 && f.value > -4096)
			(void)snprintf(text, sizeof(text), "returned %ld (%s)", f.value, strerror((int)-f.value));
		else
			(void)snprintf(text, sizeof(text), "returned 0x%lx", (unsigned long)f.value);
		break;
	}
	return text;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/try.c - see try.h. Runs as root. Test code.
 */
#include "tests/jail/try.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "common/fd.h"
#include "tests/jail/numbers.h"
#include "tests/jail/report.h"
#include "worker/exit.h"

/* A machine that stands still for a minute ends a worker that waits for vdused (its SETUP_MS). */
#define STOOD_STILL_MS 60000
#define TRIES 3

static bool try_once(const struct call *c, struct fate *f, struct subject *s, struct err *e)
{
	int rc = subject_start(s, e);

	if (rc == 0)
		rc = subject_seal(s, e);
	if (rc == 0) {
		rc = inject_attach(s->pid);
		if (rc < 0)
			(void)err_set(e, rc, "cannot stop the worker: %s", err_str(rc));
	}
	if (rc == 0)
		*f = inject_call(s, s->pid, c);
	subject_end(s);
	return rc == 0;
}

static bool waited_in_vain(const struct subject *s, long long since)
{
	return s->dead && WIFEXITED(s->status) && WEXITSTATUS(s->status) == WORKER_EXIT_PROTOCOL &&
	       now_ms() - since >= STOOD_STILL_MS;
}

bool try_sealed(const struct call *c, struct fate *f, struct err *e)
{
	struct subject s;

	for (unsigned i = 0; i < TRIES; i++) {
		long long began = now_ms();

		if (try_once(c, f, &s, e))
			return true;
		if (!waited_in_vain(&s, began))
			break;
	}
	return false;
}

enum verdict try_judge(const struct call *c, struct fate f)
{
	if (f.kind == FATE_SIGSYS)
		return DENIED;
	if (f.kind == FATE_RETURNED && (f.value == -EPERM || f.value == -EACCES))
		return DENIED_BY_ERRNO;
	/* newer kernels let these past every filter, and answer like this where no probe was set */
	if ((c->nr == NR_URETPROBE || c->nr == NR_UPROBE) && f.kind == FATE_SIGNAL && f.value == SIGILL)
		return DENIED;
	if (f.kind == FATE_SIGNAL && f.value == SIGSEGV && c->entry != BY_SYSCALL)
		return NO_SUCH_DOOR;
	return NOT_DENIED;
}

void try_forbidden(const char *name, const struct call *c)
{
	struct err e = { 0 };
	struct fate f;

	if (!report_wanted(name))
		return;
	if (!try_sealed(c, &f, &e)) {
		report(false, name, "%s", e.text);
		return;
	}
	switch (try_judge(c, f)) {
	case DENIED_BY_ERRNO:
		report_errno(name, strerror((int)-f.value));
		report(true, name, "denied by errno: %s", fate_text(f));
		break;
	case NO_SUCH_DOOR:
		report_skip(name, c->entry == BY_INT80 ? "this kernel has no 32-bit system calls"
						       : "this kernel has no vsyscall page");
		break;
	default:
		report(try_judge(c, f) == DENIED, name, "%s", fate_text(f));
		break;
	}
}

void try_allowed(const char *name, const struct call *c)
{
	struct err e = { 0 };
	struct fate f;

	if (!report_wanted(name))
		return;
	if (!try_sealed(c, &f, &e))
		report(false, name, "%s", e.text);
	else
		report(f.kind != FATE_SIGSYS, name, "%s", fate_text(f));
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/subject.h - a real worker, started by vdused's own code (control/helper/helper.c,
 * control/steps/spawn.c) and sealed by its own. Runs as root in the test program, which is the
 * worker's parent, as vdused would be. Test code.
 */
#ifndef TESTS_JAIL_SUBJECT_H
#define TESTS_JAIL_SUBJECT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

#define SUBJECT_UID 2000004090U /* inside the range that vdused takes workers' uids from */
#define SUBJECT_SIZE (1U << 20) /* of its disk, which it never gets */
#define SUBJECT_QUEUES 2U
#define SUBJECT_SLOW 10U /* its slow threads: its disk is behind the page cache */
#define SUBJECT_NOTIFY_FD 7
#define SUBJECT_LISTEN_FD 24
/* open in a sealed worker: 0 to 3, one for notes, one per queue, the listening socket */
#define SUBJECT_FDS 8U

struct subject {
	pid_t pid;
	int pidfd;
	int chan; /* vdused's end */
	bool dead;
	int status; /* of waitpid(), when dead */
};

/*
 * Where binaries are copied to (only root may write them) and the empty root is made. 0 or a
 * negative errno.
 */
int subject_place(const char *dir, struct err *e);
void subject_place_remove(void);

/*
 * Copy a worker binary there; order replaces the variant's "vdt-policy:all00" (policy_cut.c), NULL:
 * as it is.
 */
int subject_binary(const char *from, const char *order, struct err *e);

/* Executed, jail_early() done, waiting for WORK_SETUP. 0 or a negative errno. */
int subject_start(struct subject *s, struct err *e);

/* WORK_SETUP sent and WORK_READY seen. 0 or a negative errno; s->dead when it died. */
int subject_seal(struct subject *s, struct err *e);

/* Kill it, if it lives, and forget it. */
void subject_end(struct subject *s);

/* "killed by signal 31 (Bad system call)", for messages. */
const char *subject_status_text(int status);

#endif

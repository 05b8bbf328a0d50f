/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/jail_check.h - checking a worker's jail from outside, before it is given anything
 * of a tenant. Runs in the hand-over helper; reads /proc/PID/task/.../status, which needs no
 * privilege.
 */
#ifndef CONTROL_STEPS_JAIL_CHECK_H
#define CONTROL_STEPS_JAIL_CHECK_H

#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

/*
 * Every task of pid must have: uid and gid (all four) equal to uid, no supplementary group, all
 * capability sets empty, no_new_privs, seccomp in filter mode with more filters than this process
 * has (it inherits those), and a pid namespace of its own. pid is a child of vdused that has not
 * been waited for, so the number cannot be reused. 0, or a negative errno with e naming what is
 * wrong.
 */
int jail_check_worker(pid_t pid, uint32_t uid, struct err *e);

/*
 * One status file's text (NUL-terminated); inherited: filters that say nothing of the worker. Pure,
 * for tests.
 */
int jail_check_status(const char *status, uint32_t uid, unsigned inherited, struct err *e);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/syscalls.h - the seccomp filter of vdused itself. Main process, at start; helpers
 * inherit it, and so do workers up to and below their own, much narrower one.
 */
#ifndef CONTROL_SYS_SYSCALLS_H
#define CONTROL_SYS_SYSCALLS_H

#include "common/err.h"

/*
 * What is not in the table fails with EPERM from now on, in this process and all it starts. Needs
 * no_new_privs.
 */
int syscalls_confine(struct err *e);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/with_parent.h - a helper ends with vdused (PR_SET_PDEATHSIG). Helpers only. The
 * kernel forgets that whenever a process changes its ids for files.
 */
#ifndef CONTROL_SYS_WITH_PARENT_H
#define CONTROL_SYS_WITH_PARENT_H

#include <sys/types.h>

/* SIGKILL when parent, who forked it, dies; at once when it has died already. */
void with_parent(pid_t parent);

/* The same again after a change of ids; nothing in a process where with_parent() was not called. */
void with_parent_again(void);

#endif

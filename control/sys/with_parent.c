/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/with_parent.c - see with_parent.h.
 */
#include "control/sys/with_parent.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static pid_t lives_with; /* 0 = nobody */

void with_parent(pid_t parent)
{
	lives_with = parent;
	with_parent_again();
}

void with_parent_again(void)
{
	if (!lives_with)
		return;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != lives_with) /* it died before */
		_exit(1);
}

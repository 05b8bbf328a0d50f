/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/owner.c - see owner.h. Runs in vduse-ctl, as its caller. Only the effective ids
 * change: the owner can neither trace nor signal a process whose real and saved uid is root's.
 */
#include "control/ctl/owner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <unistd.h>

#define GROUPS_MAX 65536 /* the kernel's limit */

static struct {
	uid_t uid;
	gid_t gid, *groups;
	int ngroups;
	bool other; /* these are to be taken back */
} self;

static int remember(struct err *e)
{
	self.uid = geteuid();
	self.gid = getegid();
	self.ngroups = getgroups(0, NULL);
	if (self.ngroups < 0 || self.ngroups > GROUPS_MAX)
		return err_set(e, -EINVAL, "own groups: there are too many");
	self.groups = calloc((size_t)self.ngroups + 1, sizeof(gid_t));
	if (!self.groups)
		return err_set(e, -ENOMEM, "out of memory");
	self.ngroups = getgroups(self.ngroups, self.groups);
	return self.ngroups < 0 ? err_set(e, -errno, "own groups: %s", err_str(-errno)) : 0;
}

int owner_become(uint32_t uid, struct err *e)
{
	const struct passwd *pw;
	int rc;

	if (uid == geteuid())
		return 0;
	if (geteuid() != 0)
		return err_class(e, CTL_E_DENIED, "its owner is uid %u: only root makes devices for others", uid);
	errno = 0;
	pw = getpwuid(uid);
	if (!pw && errno)
		return err_set(e, -errno, "its owner is uid %u: the user database does not answer: %s", uid,
			       err_str(-errno));
	if (!pw)
		return err_class(e, CTL_E_INVALID, "its owner is uid %u: there is no such user, make one first", uid);
	rc = remember(e);
	if (rc < 0)
		return rc;
	self.other = true;
	if (initgroups(pw->pw_name, pw->pw_gid) == 0 && setegid(pw->pw_gid) == 0 && seteuid(uid) == 0)
		return 0;
	rc = err_set(e, -errno, "becoming its owner, uid %u: %s", uid, err_str(-errno));
	owner_back();
	return rc;
}

/* The real uid may be had for the file system at any time. A failure is seen by connect. */
void owner_paths_are_mine(void)
{
	if (self.other)
		(void)setfsuid(self.uid);
}

void owner_back(void)
{
	if (!self.other)
		return;
	/* seteuid first: the rest takes root's capabilities */
	if (seteuid(self.uid) != 0 || setegid(self.gid) != 0 || setgroups((size_t)self.ngroups, self.groups) != 0) {
		(void)fflush(stdout);
		(void)fputs("vduse-ctl: apply: the own ids cannot be taken back\n", stderr);
		_exit(CTL_E_FAILED);
	}
	free(self.groups);
	self.groups = NULL;
	self.other = false;
}

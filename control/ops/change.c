/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/change.c - see change.h. Runs in vdused's main process.
 */
#include "control/ops/change.h"

#include <errno.h>
#include <string.h>

#include "control/steps/find_file.h"

void change_find_arg(const struct device *d, struct find_arg *a)
{
	memset(a, 0, sizeof(*a));
	memcpy(a->path, d->backing_path, sizeof(a->path));
	a->owner = d->owner;
	a->how.block_size = d->block_size;
	a->how.read_only = d->flags & CTL_F_READ_ONLY;
	a->how.direct = d->flags & CTL_F_DIRECT;
	a->info = d->backing;
}

int change_has_file(const struct device *d, struct err *e)
{
	if (d->path_fd >= 0)
		return 0;
	return err_set(e, -ENOENT,
		       "%s was not found when vdused was started: its worker goes on serving it; "
		       "put it back where it was and restart vdused",
		       d->backing_path);
}

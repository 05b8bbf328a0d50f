/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/find_file.h - a backing file is looked for by its path again, or tried before it
 * is needed. Helpers only.
 */
#ifndef CONTROL_STEPS_FIND_FILE_H
#define CONTROL_STEPS_FIND_FILE_H

#include <limits.h>

#include "control/helper/helper.h"
#include "control/steps/backing_open.h"

struct find_arg {
	char path[PATH_MAX];
	struct owner owner;
	struct backing_arg how;
	struct backing_info info; /* what it was */
};

/*
 * In a helper, after which it has the owner's rights (backing_become()): an O_PATH descriptor of
 * what the path leads to, without following links. info says for messages what it was. Returns it
 * or a negative errno.
 */
int find_path(const char *path, const struct owner *owner, const struct backing_info *info, struct err *e);

/*
 * helper_fn with find_arg, for somebody who asked for it: what is at the path now, if a device
 * could be made of it, nobody else uses it and it is as large as before. Another regular file will
 * do, as one that was restored from a backup is; another disk will not, as a path leads to
 * whichever has the number. All of it is tried, locks included.
 * Result: backing_info of what was found, and one O_PATH fd.
 */
int find_file(const void *arg, struct helper_out *out);

/*
 * helper_fn with find_arg (without path): can a next worker get the file that the present one
 * still has? HELPER_FD: its O_PATH fd.
 */
int try_file(const void *arg, struct helper_out *out);

/*
 * In a helper that has the owner's rights: -EINVAL when the name of the file that is open as fd
 * leads to another one here, as it does where that is in another mount namespace, or below another
 * mount.
 * A file without a name is none that could be mistaken, nor is one that is not found.
 */
int find_no_other(int fd, const struct backing_info *info, struct err *e);

#endif

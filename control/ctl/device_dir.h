/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/device_dir.h - the directory of vdused.device(5). Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_DEVICE_DIR_H
#define CONTROL_CTL_DEVICE_DIR_H

#include "control/ctl/device_file.h"

struct device_entry {
	struct device_file file; /* where there is a mistake, its name alone */
	struct err mistake;
};

struct device_dir {
	struct device_entry *entries; /* in order of name */
	size_t n;
};

/*
 * Read the files of the names that are given in a; without any, all that are there. Mistakes are
 * reported. Returns an exit status (report.h), that of the first mistake; d is to be freed in any
 * case.
 */
int device_dir_read(struct device_dir *d, const struct tool_args *a);

void device_dir_free(struct device_dir *d);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/apply_units.h - vduse-ctl apply --units: what systemd is told of the devices that
 * have files. Runs as the tool's caller, that is, systemd's generator at boot.
 */
#ifndef CONTROL_CTL_APPLY_UNITS_H
#define CONTROL_CTL_APPLY_UNITS_H

#include "control/ctl/device_dir.h"

/*
 * In dir, for each device: what vduse@NAME.service waits for, out of the path of its backing file;
 * and that vduse.target wants it. Returns an exit status, its message printed.
 */
int apply_units(const struct device_dir *d, const char *dir);

#endif

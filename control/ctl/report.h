/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/report.h - exit statuses of vduse-ctl, and its error messages. Runs as the tool's
 * caller.
 */
#ifndef CONTROL_CTL_REPORT_H
#define CONTROL_CTL_REPORT_H

#include "common/err.h"
#include "control/ctl/args.h"

/*
 * The exit status of vduse-ctl is TOOL_OK or the class of the error, a CTL_E_* of proto/ctl_code.h:
 * part of the interface, see vduse-ctl(8).
 */
#define TOOL_OK 0
#define TOOL_CHANGED 16 /* apply: nothing failed, and something was changed, or would be */

/*
 * Print "vduse-ctl: COMMAND [NAME]: [STEP: ]TEXT" on stderr; returns the exit status, the class
 * of e. name may be NULL.
 */
int tool_report(enum tool_command command, const char *name, const struct err *e);

#endif

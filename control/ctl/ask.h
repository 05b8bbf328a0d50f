/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/ask.h - the questions that several commands put to vdused. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_ASK_H
#define CONTROL_CTL_ASK_H

#include "control/ctl/conn.h"

/*
 * Connect, ask for the version, disconnect. Returns 0 with *v printable, or a negative errno with a
 * text.
 */
int tool_ask_version(const char *path, const struct tool_env *env, struct ctl_version_is *v, struct err *e);

/*
 * Ask about one device (CTL_SHOW) within what was granted. Returns 0 with *info filled and its
 * strings printable, or a negative errno with a text.
 */
int tool_ask_device(struct tool_conn *c, const char *name, struct ctl_info *info, struct err *e);

/*
 * Page through all devices, in order of name. Returns their number with *list allocated (the caller
 * frees it) and its strings printable, or a negative errno with a text and *list NULL.
 */
int tool_ask_list(struct tool_conn *c, struct ctl_info **list, struct err *e);

#endif

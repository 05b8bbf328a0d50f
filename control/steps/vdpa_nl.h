/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/vdpa_nl.h - the vdpa generic netlink family (libnl-3). Runs in helpers with
 * CAP_NET_ADMIN.
 * Each call opens and closes its own socket and may block in the kernel behind other users of
 * generic netlink.
 */
#ifndef CONTROL_STEPS_VDPA_NL_H
#define CONTROL_STEPS_VDPA_NL_H

#include "control/helper/helper.h"

/* VDPA_CMD_DEV_NEW of a VDUSE device onto the vdpa bus. 0 or a negative errno with e filled. */
int vdpa_nl_add(const char *name, struct err *e);

/* VDPA_CMD_DEV_DEL; a device that is not there is fine. */
int vdpa_nl_del(const char *name, struct err *e);

/*
 * helper_fn without arg: a question that takes the locks which every vdpa command takes, and
 * changes nothing. 0 when it was answered, whatever the answer. Needs no capability.
 */
int vdpa_nl_ask(const void *arg, struct helper_out *out);

#endif

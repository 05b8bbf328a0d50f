/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/check_netlink.h - the probe of `vduse-ctl check` that asks the kernel. Runs as the
 * tool's caller.
 */
#ifndef CONTROL_CTL_CHECK_NETLINK_H
#define CONTROL_CTL_CHECK_NETLINK_H

#include "control/ctl/findings.h"

/*
 * The vdpa netlink family and the management device "vduse"; asked for in a child, for a few
 * seconds at most.
 */
void check_netlink(struct check_list *l);

#endif

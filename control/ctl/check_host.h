/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/check_host.h - the probes of `vduse-ctl check` that only look at files. Runs as the
 * tool's caller. Trusts /sys, /proc and /lib/modules.
 */
#ifndef CONTROL_CTL_CHECK_HOST_H
#define CONTROL_CTL_CHECK_HOST_H

#include "control/ctl/findings.h"

/*
 * The probes. root is a descriptor of the directory under which sys, proc, dev and lib are found;
 * release is the kernel's release ("6.12.117-amd64"). Each appends one item or more.
 */
void check_kernel(struct check_list *l, const char *release);
void check_modules(struct check_list *l, int root, const char *release);
void check_control_node(struct check_list *l, int root);
void check_seccomp(struct check_list *l, int root);
void check_cgroup(struct check_list *l, int root);
void check_privileges(struct check_list *l, int root);

#endif

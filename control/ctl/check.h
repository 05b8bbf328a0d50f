/*
 * control/ctl/check.h - what `vduse-ctl check` looks at. Runs as the tool's caller and needs no
 * vdused. Trusts /sys, /proc, /lib/modules and the kernel's netlink answers.
 */
#ifndef CONTROL_CTL_CHECK_H
#define CONTROL_CTL_CHECK_H

#include <stddef.h>

#include "common/err.h"

enum check_status { CHECK_OK, CHECK_WARNING, CHECK_MISSING };

struct check_item {
	const char *item; /* "module vduse" */
	enum check_status status;
	char detail[VD_TEXT_SIZE]; /* what was found */
	char remedy[VD_TEXT_SIZE]; /* "" when there is nothing to do */
};

#define CHECK_ITEMS_MAX 24
struct check_list {
	size_t n;
	struct check_item items[CHECK_ITEMS_MAX];
};

/* Append an item with its printable detail; returns it so that a remedy can be set. item must live on. */
struct check_item *check_add(struct check_list *l, const char *item, enum check_status status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void check_remedy(struct check_item *i, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

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

/* The vdpa netlink family and the management device "vduse"; asked for in a child, for a few seconds at most. */
void check_netlink(struct check_list *l);

#endif

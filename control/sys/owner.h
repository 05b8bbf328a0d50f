/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/owner.h - on whose behalf a device is made. The ids are the kernel's word about a
 * client.
 * Main process and helpers.
 */
#ifndef CONTROL_SYS_OWNER_H
#define CONTROL_SYS_OWNER_H

#include <stdint.h>

#define OWNER_GROUPS_MAX 64U

/* Who asked for the device: with these rights its backing file is opened. */
struct owner {
	uint32_t uid;
	uint32_t gid;
	uint32_t ngroups;
	uint32_t groups[OWNER_GROUPS_MAX];
};

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/config.h - vdused.conf(5) as plain numbers. Read once at start by vdused's main
 * process, and again at SIGHUP by a helper (control/reload.c). The file is root's, and only root's:
 * config_load() sees to that.
 */
#ifndef CONTROL_CONFIG_CONFIG_H
#define CONTROL_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define CONFIG_PATH "/etc/vdused.conf"
#define CONFIG_FILE_MAX 65536U /* bytes */
#define CONFIG_IDS_MAX 64U
#define CONFIG_TENANTS_MAX 256U
#define CONFIG_NO_ID UINT32_MAX

struct id_list {
	uint32_t n;
	uint32_t id[CONFIG_IDS_MAX];
};

struct principals { /* whoever has one of these uids or gids */
	struct id_list users, groups;
};

struct tenant {
	char name[VD_NAME_SIZE];
	char prefix[VD_NAME_SIZE]; /* of its devices' names; no tenant's begins with another's */
	struct principals who;
	uint32_t line; /* where the file says so */
	uint32_t devices, queues; /* at most so many in all */
	uint64_t bytes, bounce;
	uint32_t buses; /* 1 << enum ctl_bus for each that is allowed */
	bool probe; /* may let the host look for file systems on its disks */
};

struct config {
	bool from_file; /* there is one */
	bool restricted; /* "admins" or "tenants" is there: nobody else may do anything */
	struct principals admins;
	uint32_t ntenants;
	struct tenant tenants[CONFIG_TENANTS_MAX];

	/* every device */
	uint64_t bounce_size; /* bytes of bounce memory that it can take */
	uint64_t worker_memory; /* bytes, 0 = no limit */
	uint32_t worker_pids; /* tasks, 0 = no limit */
	uint32_t worker_cpu; /* percent of one CPU, 0 = no limit */

	/* what the command line can say, too */
	uint32_t socket_group; /* CONFIG_NO_ID = not said */
	uint32_t uid_first, uid_last; /* 0 = not said */
	uint32_t max_deaths; /* 0 = not said */
	int32_t log_level; /* -1 = not said */
};

/* What holds where there is no file. */
void config_defaults(struct config *c);

/*
 * Understand and check a whole text, which need not end in NUL; nothing but config_user() and
 * config_group() looks outside of it. file is its name in messages. 0, or -EINVAL with e saying
 * "FILE:LINE: what is wrong"; c is unspecified then.
 */
int config_parse(const char *text, size_t len, const char *file, struct config *c, struct err *e);

/* The tenant of that name, or NULL. */
const struct tenant *config_tenant(const struct config *c, const char *name);

#endif

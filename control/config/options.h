/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/options.h - command line of vdused, and what vdused.conf(5) says about the same.
 * Main process.
 */
#ifndef CONTROL_CONFIG_OPTIONS_H
#define CONTROL_CONFIG_OPTIONS_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "common/log.h"
#include "control/config/config.h"

#define SAID_CONFIG 0x1U
#define SAID_GROUP 0x2U
#define SAID_UIDS 0x4U
#define SAID_DEATHS 0x8U
#define SAID_LEVEL 0x10U

struct options {
	char runtime_dir[128]; /* no final slash; short, for the socket's address limit */
	char socket[108];
	char worker[PATH_MAX];
	char config[PATH_MAX];
	/* SAID_*: the command line has it, so that the configuration does not count */
	unsigned said;
	uint32_t uid_first, uid_last; /* workers' uids and gids */
	unsigned max_deaths; /* of a device's workers within a minute, before fail mode */
	int check_config; /* only read the configuration */
	int allow_kernel; /* start on a kernel below the floor */
	int has_group;
	gid_t group; /* of the socket */
	enum log_level level;
};

/*
 * Fill o. Returns 0 to go on, 1 when it printed help or version (exit 0), or a negative errno with
 * e filled (exit 2). Not reentrant (getopt).
 */
int options_parse(struct options *o, int argc, char **argv, struct err *e);

/* o gets what the command line said, else what c says, else the default; and c what holds. */
void options_merge(struct options *o, const struct options *line, struct config *c);

#endif

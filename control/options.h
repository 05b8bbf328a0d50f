/*
 * control/options.h - command line of vdused. Main process, before it serves.
 */
#ifndef CONTROL_OPTIONS_H
#define CONTROL_OPTIONS_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/log.h"

struct options {
	char runtime_dir[128]; /* no final slash; short, for the socket's address limit */
	char socket[108];
	char worker[PATH_MAX];
	uint32_t uid_first, uid_last; /* workers' uids and gids */
	unsigned max_deaths; /* of a device's workers within a minute, before fail mode */
	int allow_kernel; /* start on a kernel below the floor */
	int has_group;
	gid_t group; /* of the socket */
	enum log_level level;
};

/*
 * Fill o. Returns 0 to go on, 1 when it printed help or version (exit 0), -EINVAL when it
 * printed an error (exit 2).
 */
int options_parse(struct options *o, int argc, char **argv);

#endif

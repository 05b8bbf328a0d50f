/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/load.c - see load.h. Runs in vdused's main process at start and in the reload
 * helper.
 */
#include "control/config/load.h"

#include <errno.h>
#include <stdlib.h>

#include "control/config/text.h"

int config_load(const char *file, bool required, struct config *c, struct err *e)
{
	char *text = NULL;
	size_t len = 0;
	int rc = config_text(file, &text, &len, e);

	if (rc == -ENOENT && !required) {
		*e = (struct err){ 0 };
		config_defaults(c);
		return 0;
	}
	if (rc == 0)
		rc = config_parse(text, len, file, c, e);
	free(text);
	return rc;
}

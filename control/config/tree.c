/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/tree.c - see tree.h.
 */
#include "control/config/tree.h"

#include <stdlib.h>
#include <string.h>

#include "control/config/scan.h"

static int parse_text(const struct parse *p, const char *text, const struct key *keys, size_t n, void *dst)
{
	config_t tree;
	int rc;

	config_init(&tree);
	if (config_read_string(&tree, text))
		rc = value_group(p, config_root_setting(&tree), keys, n, dst);
	else
		rc = err_set(p->e, -EINVAL, "%s:%d: %s: see %s", p->file, config_error_line(&tree),
			     config_error_text(&tree), p->manual);
	config_destroy(&tree);
	return rc;
}

int config_tree(const struct parse *p, const char *text, size_t len, const struct key *keys, size_t n, void *dst)
{
	char *copy;
	int rc;

	if (len > CONFIG_FILE_MAX)
		return err_set(p->e, -EINVAL, "%s: has %zu bytes: a configuration has at most %u", p->file, len,
			       CONFIG_FILE_MAX);
	rc = config_scan(text, len, p->file, p->e);
	if (rc < 0)
		return rc;
	copy = malloc(len + 1);
	if (!copy)
		return err_set(p->e, -ENOMEM, "out of memory");
	memcpy(copy, text, len);
	copy[len] = '\0';
	rc = parse_text(p, copy, keys, n, dst);
	free(copy);
	return rc;
}

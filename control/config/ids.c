/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/ids.c - the ids behind the names in vdused.conf(5). Runs where config_parse()
 * runs. Trusts the host's user and group databases. Apart from config.c so that tests and fuzzers
 * can have their own.
 */
#include "control/config/ids.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "control/config/config.h"

static bool number(const char *word, uint32_t *id)
{
	unsigned long long n;
	char *end;

	if (word[0] < '0' || word[0] > '9' || strlen(word) > 10)
		return false;
	n = strtoull(word, &end, 10);
	if (*end || n >= CONFIG_NO_ID)
		return false;
	*id = (uint32_t)n;
	return true;
}

bool config_user(const char *word, uint32_t *id)
{
	const struct passwd *p = getpwnam(word);

	if (!p)
		return number(word, id);
	*id = p->pw_uid;
	return true;
}

bool config_group(const char *word, uint32_t *id)
{
	const struct group *g = getgrnam(word);

	if (!g)
		return number(word, id);
	*id = g->gr_gid;
	return true;
}

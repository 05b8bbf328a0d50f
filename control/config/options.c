/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/options.c - see options.h. The command line is root's.
 */
#include "control/config/options.h"

#include <getopt.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/config/uid_range.h"

static const char help[] = "Usage: vdused [OPTION]...\n"
			   "Serves files and block devices as virtio disks, with a jailed worker for each.\n"
			   "Runs in the foreground and logs to standard error. See vdused(8).\n"
			   "\n"
			   "  --config FILE           settings, and who may do what (" CONFIG_PATH ")\n"
			   "  --check-config          say whether that file is right, and end\n"
			   "  --runtime-dir DIR       where socket, lock and state are (/run/vdused)\n"
			   "  --socket PATH           control socket (DIR/control.sock)\n"
			   "  --socket-group GROUP    let this group connect too (default: root only)\n"
			   "  --worker PATH           the worker's binary\n"
			   "                          (" VDUSED_WORKER ")\n"
			   "  --worker-uids FIRST-LAST  uids and gids for workers, one per device\n"
			   "                          (2000000000-2000004095)\n"
			   "  --max-deaths N          a device whose workers die more than N times, each within\n"
			   "                          a minute of the last, gets fail mode: I/O errors\n"
			   "                          instead of waiting (5)\n"
			   "  --allow-unfixed-kernel  start on a kernel without the fix for CVE-2026-74313\n"
			   "  --log-level LEVEL       error, warning, notice or debug (notice)\n"
			   "  --help, --version\n";

static int bad(struct err *e, const char *option, const char *value, const char *rule)
{
	return err_class(e, CTL_E_INVALID, "%s \"%.300s\": %s", option, value, rule);
}

static int set_path(char *dst, size_t size, const char *option, const char *value, struct err *e)
{
	size_t len = strlen(value);

	while (len > 1 && value[len - 1] == '/')
		len--;
	if (value[0] != '/')
		return bad(e, option, value, "must be an absolute path");
	if (len >= size)
		return bad(e, option, value, "is too long");
	memcpy(dst, value, len);
	dst[len] = '\0';
	return 0;
}

static int set_group(struct options *o, const char *value, struct err *e)
{
	struct group *g = getgrnam(value);

	if (!g)
		return bad(e, "--socket-group", value, "there is no such group: create it with groupadd");
	o->group = g->gr_gid;
	o->has_group = 1;
	return 0;
}

static int set_level(struct options *o, const char *value, struct err *e)
{
	int level = log_level_parse(value);

	if (level < 0)
		return bad(e, "--log-level", value, "must be error, warning, notice or debug");
	o->level = (enum log_level)level;
	return 0;
}

static int set_uids(struct options *o, const char *value, struct err *e)
{
	if (uid_range_parse(value, &o->uid_first, &o->uid_last))
		return 0;
	return bad(e, "--worker-uids", value, "must be FIRST-LAST, both above 0, at most 65536 numbers");
}

static int set_deaths(struct options *o, const char *value, struct err *e)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (value[0] < '0' || value[0] > '9' || *end || n < 1 || n > 1000000)
		return bad(e, "--max-deaths", value, "must be a number from 1 to 1000000");
	o->max_deaths = (unsigned)n;
	return 0;
}

static int one_option(struct options *o, int c, const char *value, struct err *e)
{
	switch (c) {
	case 'c':
		o->said |= SAID_CONFIG;
		return set_path(o->config, sizeof(o->config), "--config", value, e);
	case 'C':
		o->check_config = 1;
		return 0;
	case 'r':
		return set_path(o->runtime_dir, sizeof(o->runtime_dir), "--runtime-dir", value, e);
	case 's':
		return set_path(o->socket, sizeof(o->socket), "--socket", value, e);
	case 'w':
		return set_path(o->worker, sizeof(o->worker), "--worker", value, e);
	case 'g':
		o->said |= SAID_GROUP;
		return set_group(o, value, e);
	case 'u':
		o->said |= SAID_UIDS;
		return set_uids(o, value, e);
	case 'k':
		o->allow_kernel = 1;
		return 0;
	case 'd':
		o->said |= SAID_DEATHS;
		return set_deaths(o, value, e);
	case 'l':
		o->said |= SAID_LEVEL;
		return set_level(o, value, e);
	case 'h':
		(void)fputs(help, stdout);
		return 1;
	case 'V':
		(void)puts("vdused " VDUSED_VERSION);
		return 1;
	}
	return 0;
}

static int not_understood(bool needs_value, const char *word, struct err *e)
{
	if (needs_value)
		return bad(e, "option", word, "needs a value; see \"vdused --help\"");
	return bad(e, "option", word, "it is unknown or ambiguous, or takes no value; see \"vdused --help\"");
}

int options_parse(struct options *o, int argc, char **argv, struct err *e)
{
	static const struct option longs[] = {
		{ "runtime-dir", required_argument, NULL, 'r' },
		{ "socket", required_argument, NULL, 's' },
		{ "worker", required_argument, NULL, 'w' },
		{ "worker-uids", required_argument, NULL, 'u' },
		{ "allow-unfixed-kernel", no_argument, NULL, 'k' },
		{ "max-deaths", required_argument, NULL, 'd' },
		{ "socket-group", required_argument, NULL, 'g' },
		{ "log-level", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'C' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *word;
	int c, rc;

	memset(o, 0, sizeof(*o));
	strcpy(o->runtime_dir, "/run/vdused");
	strcpy(o->worker, VDUSED_WORKER);
	strcpy(o->config, CONFIG_PATH);
	o->uid_first = 2000000000U;
	o->uid_last = 2000004095U;
	o->max_deaths = 5;
	o->level = LOG_NOTE;
	opterr = 0;
	while (word = argv[optind], (c = getopt_long(argc, argv, "+:", longs, NULL)) != -1) {
		if (c == '?' || c == ':')
			return not_understood(c == ':', word, e);
		rc = one_option(o, c, optarg, e);
		if (rc != 0)
			return rc;
	}
	if (optind < argc)
		return bad(e, "argument", argv[optind], "vdused takes options only; see \"vdused --help\"");
	if (!o->socket[0] &&
	    snprintf(o->socket, sizeof(o->socket), "%s/control.sock", o->runtime_dir) >= (int)sizeof(o->socket))
		return bad(e, "--runtime-dir", o->runtime_dir, "is too long for a socket below it");
	return 0;
}

void options_merge(struct options *o, const struct options *line, struct config *c)
{
	*o = *line;
	if (!(line->said & SAID_GROUP) && c->socket_group != CONFIG_NO_ID) {
		o->has_group = 1;
		o->group = c->socket_group;
	}
	if (!(line->said & SAID_UIDS) && c->uid_first) {
		o->uid_first = c->uid_first;
		o->uid_last = c->uid_last;
	}
	if (!(line->said & SAID_DEATHS) && c->max_deaths)
		o->max_deaths = c->max_deaths;
	if (!(line->said & SAID_LEVEL) && c->log_level >= 0)
		o->level = (enum log_level)c->log_level;
	c->uid_first = o->uid_first;
	c->uid_last = o->uid_last;
}

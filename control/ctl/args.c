/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/args.c - see args.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/args.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "control/ctl/number.h"
#include "control/ctl/report.h"
#include "proto/ctl_msg.h"
#include "proto/limits.h"
#include "proto/name.h"

/* Each option's bit; getopt gets OPT_FIRST + its number. */
enum opt {
	OPT_SOCKET = 0x1,
	OPT_JSON = 0x2,
	OPT_HELP = 0x4,
	OPT_VERSION = 0x8,
	OPT_FILE = 0x10,
	OPT_READ_ONLY = 0x20,
	OPT_DIRECT = 0x40,
	OPT_QUEUES = 0x80,
	OPT_QUEUE_SIZE = 0x100,
	OPT_SERIAL = 0x200,
	OPT_BLOCK_SIZE = 0x400,
	OPT_FORCE = 0x800,
	OPT_ALL = 0x1000,
	OPT_BUS = 0x2000,
	OPT_PROBE = 0x4000,
	OPT_ON_ERROR = 0x8000,
	OPT_IF_ABSENT = 0x10000,
	OPT_CONFIG = 0x20000,
	OPT_DRY_RUN = 0x40000,
	OPT_CONFIG_DIR = 0x80000,
	OPT_UNITS = 0x100000,
};
#define OPT_COMMON (OPT_SOCKET | OPT_JSON | OPT_HELP)
#define OPT_MARK 0x1000000 /* keeps getopt's values apart from characters */

static const struct option options[] = {
	{ "socket", required_argument, NULL, OPT_MARK | OPT_SOCKET },
	{ "json", no_argument, NULL, OPT_MARK | OPT_JSON },
	{ "help", no_argument, NULL, OPT_MARK | OPT_HELP },
	{ "version", no_argument, NULL, OPT_MARK | OPT_VERSION },
	{ "file", required_argument, NULL, OPT_MARK | OPT_FILE },
	{ "read-only", no_argument, NULL, OPT_MARK | OPT_READ_ONLY },
	{ "direct", no_argument, NULL, OPT_MARK | OPT_DIRECT },
	{ "queues", required_argument, NULL, OPT_MARK | OPT_QUEUES },
	{ "queue-size", required_argument, NULL, OPT_MARK | OPT_QUEUE_SIZE },
	{ "serial", required_argument, NULL, OPT_MARK | OPT_SERIAL },
	{ "block-size", required_argument, NULL, OPT_MARK | OPT_BLOCK_SIZE },
	{ "force", no_argument, NULL, OPT_MARK | OPT_FORCE },
	{ "bus", required_argument, NULL, OPT_MARK | OPT_BUS },
	{ "probe", no_argument, NULL, OPT_MARK | OPT_PROBE },
	{ "on-error", required_argument, NULL, OPT_MARK | OPT_ON_ERROR },
	{ "all", no_argument, NULL, OPT_MARK | OPT_ALL },
	{ "if-absent", no_argument, NULL, OPT_MARK | OPT_IF_ABSENT },
	{ "config", no_argument, NULL, OPT_MARK | OPT_CONFIG },
	{ "dry-run", no_argument, NULL, OPT_MARK | OPT_DRY_RUN },
	{ "config-dir", required_argument, NULL, OPT_MARK | OPT_CONFIG_DIR },
	{ "units", required_argument, NULL, OPT_MARK | OPT_UNITS },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	enum tool_command id;
	const char *word;
	unsigned options; /* what it takes besides OPT_COMMON */
	unsigned operands; /* how many at most: NAME, SIZE; of apply any number of names */
} commands[] = {
	{ TOOL_CREATE, "create",
	  OPT_FILE | OPT_READ_ONLY | OPT_DIRECT | OPT_QUEUES | OPT_QUEUE_SIZE | OPT_SERIAL | OPT_BLOCK_SIZE | OPT_BUS |
		  OPT_PROBE | OPT_ON_ERROR | OPT_IF_ABSENT,
	  1 },
	{ TOOL_LIST, "list", 0, 0 },
	{ TOOL_SHOW, "show", OPT_CONFIG, 1 },
	{ TOOL_DELETE, "delete", OPT_FORCE | OPT_ALL, 1 },
	{ TOOL_RECOVER, "recover", 0, 1 },
	{ TOOL_RESUME, "resume", 0, 1 },
	{ TOOL_RESIZE, "resize", 0, 2 },
	{ TOOL_UPGRADE, "upgrade", OPT_ALL, 1 },
	{ TOOL_APPLY, "apply", OPT_DRY_RUN | OPT_CONFIG_DIR | OPT_UNITS, 0 },
	{ TOOL_CHECK, "check", 0, 0 },
	{ TOOL_VERSION, "version", 0, 0 },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

struct parse {
	char **argv;
	struct tool_args *a;
	const struct command *cmd;
	unsigned seen; /* options given so far */
	const char *bus, *on_error, *size; /* their texts */
	const char *number_queues, *number_size, *number_block; /* ditto */
	struct err *e;
};

const char *tool_command_text(enum tool_command command)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (commands[i].id == command)
			return commands[i].word;
	return "";
}

static const char *option_word(int bit)
{
	for (const struct option *o = options; o->name; o++)
		if ((o->val & ~OPT_MARK) == bit)
			return o->name;
	return "?";
}

static int command(struct parse *p, const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].word, word) == 0)
			p->cmd = &commands[i];
	if (!p->cmd)
		return err_class(
			p->e, CTL_E_INVALID,
			"unknown command \"%.40s\": the commands are create, list, show, delete, recover, resume, "
			"resize, upgrade, apply, check and version; see \"vduse-ctl --help\"",
			word);
	p->a->command = p->cmd->id;
	return 0;
}

/* The word that getopt is just past changes places with one that it was past before. */
static void keep_name(struct parse *p)
{
	char **to = &p->a->names[p->a->nnames++], *was = *to;

	*to = p->argv[optind - 1];
	p->argv[optind - 1] = was;
}

static int operand(struct parse *p, const char *word)
{
	if (!p->cmd)
		return command(p, word);
	if (p->cmd->id == TOOL_APPLY)
		keep_name(p);
	else if (p->cmd->operands >= 1 && !p->a->name)
		p->a->name = word;
	else if (p->cmd->operands >= 2 && !p->size)
		p->size = word;
	else
		return err_class(p->e, CTL_E_INVALID, "%s: unexpected argument \"%.40s\": see \"vduse-ctl %s --help\"",
				 p->cmd->word, word, p->cmd->word);
	return 0;
}

static void store(struct parse *p, int bit, const char *value)
{
	struct tool_args *a = p->a;

	switch (bit) {
	case OPT_SOCKET:
		a->socket = value;
		break;
	case OPT_FILE:
		a->file = value;
		break;
	case OPT_BUS:
		p->bus = value;
		break;
	case OPT_ON_ERROR:
		p->on_error = value;
		break;
	case OPT_SERIAL:
		a->serial = value;
		break;
	case OPT_CONFIG_DIR:
		a->config_dir = value;
		break;
	case OPT_UNITS:
		a->units = value;
		break;
	case OPT_QUEUES:
		p->number_queues = value;
		break;
	case OPT_QUEUE_SIZE:
		p->number_size = value;
		break;
	case OPT_BLOCK_SIZE:
		p->number_block = value;
		break;
	}
	a->json = a->json || bit == OPT_JSON;
	a->help = a->help || bit == OPT_HELP;
	a->version = a->version || bit == OPT_VERSION;
	a->read_only = a->read_only || bit == OPT_READ_ONLY;
	a->probe = a->probe || bit == OPT_PROBE;
	a->direct = a->direct || bit == OPT_DIRECT;
	a->force = a->force || bit == OPT_FORCE;
	a->all = a->all || bit == OPT_ALL;
	a->if_absent = a->if_absent || bit == OPT_IF_ABSENT;
	a->config = a->config || bit == OPT_CONFIG;
	a->dry_run = a->dry_run || bit == OPT_DRY_RUN;
}

static int option(struct parse *p, int bit, const char *value)
{
	if (value && (p->seen & (unsigned)bit))
		return err_class(p->e, CTL_E_INVALID, "--%s is given twice", option_word(bit));
	p->seen |= (unsigned)bit;
	store(p, bit, value);
	return 0;
}

static int bad_option(struct parse *p, int c, const char *word)
{
	if (p->cmd && p->cmd->operands >= 2 && optopt >= '0' && optopt <= '9')
		return err_class(p->e, CTL_E_INVALID,
				 "%s: a SIZE has no sign: it is all that the disk is to have, for example 40G",
				 p->cmd->word);
	if (c == ':')
		return err_class(p->e, CTL_E_INVALID, "--%s needs a value", option_word(optopt & ~OPT_MARK));
	if (optopt & OPT_MARK)
		return err_class(p->e, CTL_E_INVALID, "--%s takes no value", option_word(optopt & ~OPT_MARK));
	if (optopt)
		return err_class(p->e, CTL_E_INVALID, "unknown option \"-%c\": see \"vduse-ctl%s%s --help\"", optopt,
				 p->cmd ? " " : "", p->cmd ? p->cmd->word : "");
	return err_class(p->e, CTL_E_INVALID, "unknown or ambiguous option \"%.40s\": see \"vduse-ctl%s%s --help\"",
			 word, p->cmd ? " " : "", p->cmd ? p->cmd->word : "");
}

/* Options and operands in any order, whatever POSIXLY_CORRECT says ("-" in front). */
static int collect(struct parse *p, int argc, char **argv)
{
	int c, rc = 0;

	optind = 0;
	while (rc == 0 && (c = getopt_long(argc, argv, "-:h", options, NULL)) != -1) {
		if (c == 1)
			rc = operand(p, optarg);
		else if (c == 'h')
			rc = option(p, OPT_HELP, NULL);
		else if (c & OPT_MARK)
			rc = option(p, c & ~OPT_MARK, optarg);
		else
			rc = bad_option(p, c, argv[optind - 1]);
	}
	while (rc == 0 && optind < argc)
		rc = operand(p, argv[optind++]);
	return rc;
}

static int check_numbers(struct parse *p)
{
	struct tool_args *a = p->a;
	struct err *e = p->e;

	if (p->number_queues) {
		if (tool_number("--queues", p->number_queues, &a->queues, e) < 0)
			return -EINVAL;
		if (a->queues < 1 || a->queues > VD_QUEUES_MAX)
			return err_class(e, CTL_E_INVALID, "--queues: %u is not between 1 and %u", a->queues,
					 VD_QUEUES_MAX);
	}
	if (p->number_size) {
		if (tool_number("--queue-size", p->number_size, &a->queue_size, e) < 0)
			return -EINVAL;
		if (a->queue_size < VD_QUEUE_SIZE_MIN || a->queue_size > VD_QUEUE_SIZE_MAX ||
		    (a->queue_size & (a->queue_size - 1)) != 0)
			return err_class(e, CTL_E_INVALID, "--queue-size: %u is not a power of two between %u and %u",
					 a->queue_size, VD_QUEUE_SIZE_MIN, VD_QUEUE_SIZE_MAX);
	}
	if (p->number_block) {
		if (tool_number("--block-size", p->number_block, &a->block_size, e) < 0)
			return -EINVAL;
		if (a->block_size != 512 && a->block_size != 4096)
			return err_class(e, CTL_E_INVALID, "--block-size: %u is neither 512 nor 4096", a->block_size);
	}
	return 0;
}

static int check_words(struct parse *p)
{
	bool vhost = p->bus && strcmp(p->bus, "vhost") == 0;

	if (p->bus && !vhost && strcmp(p->bus, "virtio") != 0)
		return err_class(
			p->e, CTL_E_INVALID,
			"--bus \"%.40s\": must be virtio (a disk of this host) or vhost (for a virtual machine)",
			p->bus);
	p->a->bus = vhost ? CTL_BUS_VHOST : CTL_BUS_VIRTIO;
	p->a->stop = p->on_error && strcmp(p->on_error, "stop") == 0;
	if (p->on_error && !p->a->stop && strcmp(p->on_error, "report") != 0)
		return err_class(
			p->e, CTL_E_INVALID,
			"--on-error \"%.40s\": must be report (whoever uses the disk gets the error) or stop (the "
			"request waits for \"vduse-ctl resume\")",
			p->on_error);
	return 0;
}

static int check_create(struct parse *p)
{
	struct tool_args *a = p->a;

	if (!a->file || a->file[0] == '\0')
		return err_class(p->e, CTL_E_INVALID,
				 "create needs --file PATH, the regular file or block device that holds the data");
	if (a->serial && (a->serial[0] == '\0' || !serial_valid(a->serial)))
		return err_class(p->e, CTL_E_INVALID, "--serial: \"%.40s\" is not a serial: use " SERIAL_RULE,
				 a->serial);
	return check_words(p) < 0 ? -EINVAL : check_numbers(p);
}

static int check_size(struct parse *p)
{
	return p->size ? tool_size(p->size, &p->a->size, p->e) : 0;
}

static int check_name(struct parse *p)
{
	const char *name = p->a->name;

	if (p->a->all && name)
		return err_class(p->e, CTL_E_INVALID, "%s takes a NAME or --all, not both", p->cmd->word);
	if (p->a->all)
		return 0;
	if (!name)
		return err_class(p->e, CTL_E_INVALID, "%s needs the NAME of a device%s: see \"vduse-ctl %s --help\"",
				 p->cmd->word, p->cmd->options & OPT_ALL ? ", or --all" : "", p->cmd->word);
	if (!name_valid(name))
		return err_class(p->e, CTL_E_INVALID, "\"%.40s\" is not a device name: use " NAME_RULE, name);
	return 0;
}

static int check_names(struct parse *p)
{
	for (size_t i = 0; i < p->a->nnames; i++)
		if (!name_valid(p->a->names[i]))
			return err_class(p->e, CTL_E_INVALID, "\"%.40s\" is not a device name: use " NAME_RULE,
					 p->a->names[i]);
	return 0;
}

/* Options of which each says what is to be printed, or done. */
static int check_pairs(struct parse *p)
{
	static const unsigned pairs[] = { OPT_UNITS | OPT_DRY_RUN, OPT_UNITS | OPT_JSON, OPT_CONFIG | OPT_JSON };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if ((p->seen & pairs[i]) == pairs[i])
			return err_class(p->e, CTL_E_INVALID, "%s takes --%s or --%s, not both", p->cmd->word,
					 option_word((int)(pairs[i] & -pairs[i])),
					 option_word((int)(pairs[i] & (pairs[i] - 1))));
	return 0;
}

static int check_options(struct parse *p)
{
	unsigned odd = p->seen & ~(p->cmd->options | OPT_COMMON);

	if (odd)
		return err_class(p->e, CTL_E_INVALID, "%s has no option --%s: see \"vduse-ctl %s --help\"",
				 p->cmd->word, option_word((int)(odd & -odd)), p->cmd->word);
	if (check_pairs(p) < 0)
		return -EINVAL;
	if (p->cmd->operands > 0 && check_name(p) < 0)
		return -EINVAL;
	if (p->cmd->id == TOOL_APPLY)
		return check_names(p);
	return p->cmd->id == TOOL_CREATE ? check_create(p) : check_size(p);
}

int tool_args_parse(int argc, char **argv, struct tool_args *a, struct err *e)
{
	struct parse p = { .argv = argv, .a = a, .e = e };
	const char *env = getenv("VDUSED_SOCKET");

	memset(a, 0, sizeof(*a));
	a->socket = env && env[0] ? env : TOOL_SOCKET_DEFAULT;
	a->names = argv + 1;
	if (collect(&p, argc, argv) < 0)
		return -EINVAL;
	if (a->help || (a->version && !p.cmd))
		return 0;
	if (!p.cmd)
		return err_class(e, CTL_E_INVALID, "a command is missing: see \"vduse-ctl --help\"");
	return check_options(&p);
}

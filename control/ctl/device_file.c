/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/device_file.c - see device_file.h. Runs in vduse-ctl, as its caller. libconfig
 * parses; config_scan() goes before it.
 */
#include "control/ctl/device_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/config/text.h"
#include "control/config/tree.h"
#include "control/ctl/stable_name.h"
#include "proto/name.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- reading --------------------------------------------------------------------------------- */

/* As systemd wants it for its own; and so it says where it leads as it stands there. */
static bool is_normal(const char *path)
{
	size_t len = strlen(path);

	for (const char *at = path; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return false;
	return path[0] == '/' && len > 1 && path[len - 1] != '/' && !strstr(path, "//") && !strstr(path, "/./") &&
	       !strstr(path, "/../") && strcmp(path + len - 2, "/.") != 0 &&
	       (len < 3 || strcmp(path + len - 3, "/..") != 0);
}

static int set_path(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	const char *text = config_setting_get_string(s);

	if (!text || !is_normal(text))
		return value_bad(p, s,
				 "%s: must be a path in quotation marks that begins with /, without \".\", \"..\" and "
				 "empty parts",
				 k->name);
	if (strlen(text) >= PATH_MAX)
		return value_bad(p, s, "%s: is longer than %d bytes", k->name, PATH_MAX - 1);
	msg_set_string(dst, PATH_MAX, text);
	return 0;
}

static int set_serial(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	const char *text = config_setting_get_string(s);

	if (!text || !text[0] || !serial_valid(text))
		return value_bad(p, s, "%s: must be a string, " SERIAL_RULE, k->name);
	msg_set_string(dst, VD_SERIAL_SIZE, text);
	return 0;
}

/* Whether it is the second of two words; anything but the two is a mistake. */
static int second_word(const struct parse *p, config_setting_t *s, const char *first, const char *second)
{
	const char *text = config_setting_get_string(s);

	if (text && strcmp(text, second) == 0)
		return 1;
	if (text && strcmp(text, first) == 0)
		return 0;
	return value_bad(p, s, "%s: must be \"%s\" or \"%s\"", config_setting_name(s), first, second);
}

static int set_bus(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	int rc = second_word(p, s, "virtio", "vhost");
	uint32_t *to = dst;

	(void)k;
	*to = rc > 0 ? CTL_BUS_VHOST : CTL_BUS_VIRTIO;
	return rc < 0 ? rc : 0;
}

static int set_on_error(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	int rc = second_word(p, s, "report", "stop");
	bool *to = dst;

	(void)k;
	*to = rc > 0;
	return rc < 0 ? rc : 0;
}

/* dst is the whole struct. */
static int set_owner(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	struct device_file *f = dst;

	return f->no_users ? 0 : value_uid(p, s, k, &f->owner);
}

static int set_queue_size(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	const uint32_t *n = dst;
	int rc = value_number(p, s, k, dst);

	if (rc == 0 && (*n & (*n - 1)))
		rc = value_bad(p, s, "%s: must be a power of two", k->name);
	return rc;
}

static int set_block_size(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	const uint32_t *n = dst;
	int rc = value_number(p, s, k, dst);

	if (rc == 0 && *n != 512 && *n != 4096)
		rc = value_bad(p, s, "%s: must be 512 or 4096", k->name);
	return rc;
}

static const struct key keys[] = {
	{ .name = "file", .set = set_path, .offset = offsetof(struct device_file, path), .required = true },
	{ .name = "bus", .set = set_bus, .offset = offsetof(struct device_file, bus) },
	{ .name = "owner", .set = set_owner },
	{ .name = "read-only", .set = value_bool, .offset = offsetof(struct device_file, read_only) },
	{ .name = "direct", .set = value_bool, .offset = offsetof(struct device_file, direct) },
	{ .name = "probe", .set = value_bool, .offset = offsetof(struct device_file, probe) },
	{ .name = "on-error", .set = set_on_error, .offset = offsetof(struct device_file, stop) },
	{ .name = "serial", .set = set_serial, .offset = offsetof(struct device_file, serial) },
	{ .name = "queues",
	  .set = value_number,
	  .offset = offsetof(struct device_file, queues),
	  .min = 1,
	  .max = VD_QUEUES_MAX },
	{ .name = "queue-size",
	  .set = set_queue_size,
	  .offset = offsetof(struct device_file, queue_size),
	  .min = VD_QUEUE_SIZE_MIN,
	  .max = VD_QUEUE_SIZE_MAX },
	{ .name = "block-size",
	  .set = set_block_size,
	  .offset = offsetof(struct device_file, block_size),
	  .min = 512,
	  .max = 4096 },
};

int device_file_read(const char *dir, const char *name, bool no_users, struct device_file *f, struct err *e)
{
	char file[PATH_MAX];
	const struct parse p = { .file = file, .manual = "vdused.device(5)", .e = e };
	char *text = NULL;
	size_t len = 0;
	int rc;

	memset(f, 0, sizeof(*f));
	f->no_users = no_users;
	msg_set_string(f->name, sizeof(f->name), name);
	if (snprintf(file, sizeof(file), "%s/%s" DEVICE_SUFFIX, dir, name) >= (int)sizeof(file))
		return err_class(e, CTL_E_INVALID, "%.200s...: the path is too long", dir);
	rc = config_text(file, &text, &len, e);
	if (rc == -ENOENT)
		return err_class(e, CTL_E_NOT_FOUND, "%s does not exist: make it first, see vdused.device(5)", file);
	if (rc == 0)
		rc = config_tree(&p, text, len, keys, COUNT(keys), f);
	free(text);
	return rc;
}

bool device_file_is_node(const char *path)
{
	return strncmp(path, "/dev/", 5) == 0 && strncmp(path, "/dev/shm/", 9) != 0 &&
	       strncmp(path, "/dev/mqueue/", 12) != 0;
}

void device_file_args(const struct device_file *f, const char *socket, struct tool_args *a)
{
	*a = (struct tool_args){
		.command = TOOL_CREATE,
		.socket = socket,
		.name = f->name,
		.file = f->path,
		.serial = f->serial[0] ? f->serial : NULL,
		.queues = f->queues,
		.queue_size = f->queue_size,
		.block_size = f->block_size,
		.bus = f->bus,
		.read_only = f->read_only,
		.direct = f->direct,
		.probe = f->probe,
		.stop = f->stop,
		/* whoever may write a directory on the way must not choose what its owner opens */
		.no_links = !device_file_is_node(f->path),
	};
}

/* ---- writing --------------------------------------------------------------------------------- */

static void print_true(FILE *to, const char *key, bool value)
{
	if (value)
		(void)fprintf(to, "%s = true;\n", key);
}

int device_file_print(const struct ctl_info *i, FILE *to, struct err *e)
{
	char path[PATH_MAX];

	/* what the kernel could not name, or vdused not tell whole, has a "?" or ends somewhere */
	if (i->file[0] != '/' || strpbrk(i->file, "\"\\?") || strlen(i->file) >= VD_FILE_SIZE - 1)
		return err_class(e, CTL_E_INVALID,
				 "the path of its backing file cannot be written in such a file: \"%s\"", i->file);
	if (!stable_name(i->file, path, sizeof(path)))
		return err_class(e, CTL_E_INVALID,
				 "%s may be another disk at the next boot, and nothing names this one for good: give "
				 "it such a name, for example as a logical volume",
				 i->file);
	(void)fprintf(to, "# " DEVICE_DIR "/%s" DEVICE_SUFFIX "; see vdused.device(5)\n", i->name);
	(void)fprintf(to, "file = \"%s\";\n", path);
	(void)fprintf(to, "bus = \"%s\";\n", i->bus == CTL_BUS_VHOST ? "vhost" : "virtio");
	if (i->owner_uid)
		(void)fprintf(to, "owner = \"%" PRIu32 "\";\n", i->owner_uid);
	print_true(to, "read-only", i->flags & CTL_F_READ_ONLY);
	print_true(to, "direct", i->flags & CTL_F_DIRECT);
	print_true(to, "probe", i->flags & CTL_F_PROBE);
	if (i->flags & CTL_F_STOP)
		(void)fprintf(to, "on-error = \"stop\";\n");
	(void)fprintf(to, "serial = \"%s\";\n", i->serial);
	(void)fprintf(to, "queues = %" PRIu32 ";\n", i->queues);
	(void)fprintf(to, "queue-size = %" PRIu32 ";\n", i->queue_size);
	(void)fprintf(to, "block-size = %" PRIu32 ";\n", i->block_size);
	return 0;
}

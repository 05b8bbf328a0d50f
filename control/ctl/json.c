/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/json.c - vduse-ctl's output for programs (print.h). Runs as the tool's caller.
 * The manual, vduse-ctl(8), documents every member: change both together, and only add.
 */
#include "control/ctl/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "control/ctl/print.h"
#include "control/ctl/report.h"

void json_text(struct json_object *o, const char *key, const char *text)
{
	(void)json_object_object_add(o, key, text && text[0] ? json_object_new_string(text) : NULL);
}

void json_number(struct json_object *o, const char *key, uint64_t value)
{
	(void)json_object_object_add(o, key, json_object_new_uint64(value));
}

void json_flag(struct json_object *o, const char *key, bool value)
{
	(void)json_object_object_add(o, key, json_object_new_boolean(value));
}

int print_json(struct json_object *o)
{
	const char *text = NULL;

	if (o)
		text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
								 JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		(void)puts(text);
	else
		(void)fputs("vduse-ctl: out of memory\n", stderr);
	(void)json_object_put(o);
	return text ? TOOL_OK : CTL_E_FAILED;
}

/* Features are 64 bits: as a JSON number they would lose bits in many readers. */
static void add_driver(struct json_object *o, const struct ctl_info *i)
{
	struct json_object *driver = json_object_new_object();
	char features[24];

	if (!driver)
		return;
	(void)snprintf(features, sizeof(features), "0x%" PRIx64, i->features);
	json_number(driver, "status", i->driver_status);
	json_text(driver, "features", features);
	(void)json_object_object_add(o, "driver", driver);
}

/* Null where number is 0. */
static void add_errno(struct json_object *o, const char *key, uint32_t number)
{
	struct json_object *error = number ? json_object_new_object() : NULL;

	if (error) {
		json_number(error, "errno", number);
		json_text(error, "name", strerrorname_np((int)number));
	}
	(void)json_object_object_add(o, key, error);
}

static void add_io(struct json_object *o, const struct ctl_info *i)
{
	const char *how = print_io_word(i->io);
	struct json_object *io = how ? json_object_new_object() : NULL;

	if (io) {
		json_text(io, "how", how);
		add_errno(io, "refused", i->io_error);
	}
	(void)json_object_object_add(o, "io", io);
}

static void add_worker(struct json_object *o, const struct ctl_info *i)
{
	struct json_object *worker = json_object_new_object();

	if (!worker)
		return;
	if (i->worker_pid)
		json_number(worker, "pid", i->worker_pid);
	else
		json_text(worker, "pid", NULL);
	json_number(worker, "uid", i->worker_uid);
	json_number(worker, "restarts", i->worker_restarts);
	(void)json_object_object_add(o, "worker", worker);
}

static void add_counters(struct json_object *o, const struct ctl_info *i)
{
	struct json_object *counters = json_object_new_object();

	if (!counters)
		return;
	json_number(counters, "reads", i->reads);
	json_number(counters, "read_bytes", i->read_bytes);
	json_number(counters, "writes", i->writes);
	json_number(counters, "write_bytes", i->write_bytes);
	json_number(counters, "flushes", i->flushes);
	json_number(counters, "discards", i->discards);
	json_number(counters, "write_zeroes", i->write_zeroes);
	json_number(counters, "errors", i->errors);
	(void)json_object_object_add(o, "counters", counters);
}

static struct json_object *device(const struct ctl_info *i)
{
	struct json_object *o = json_object_new_object();

	if (!o)
		return NULL;
	json_text(o, "name", i->name);
	json_text(o, "state", ctl_state_text(i->state));
	json_text(o, "step", i->step);
	json_text(o, "node", i->node);
	json_text(o, "file", i->file);
	json_number(o, "size", i->capacity);
	json_text(o, "bus", i->bus == CTL_BUS_VHOST ? "vhost" : "virtio");
	json_flag(o, "probe", i->flags & CTL_F_PROBE);
	json_flag(o, "read_only", i->flags & CTL_F_READ_ONLY);
	json_flag(o, "direct", i->flags & CTL_F_DIRECT);
	json_text(o, "on_error", i->flags & CTL_F_STOP ? "stop" : "report");
	add_errno(o, "halted", i->halted);
	json_text(o, "serial", i->serial);
	json_number(o, "queues", i->queues);
	json_number(o, "queue_size", i->queue_size);
	json_number(o, "block_size", i->block_size);
	json_number(o, "owner_uid", i->owner_uid);
	json_number(o, "created", i->created);
	add_worker(o, i);
	add_io(o, i);
	add_driver(o, i);
	add_counters(o, i);
	return o;
}

int print_device_json(const struct ctl_info *i)
{
	return print_json(device(i));
}

int print_list_json(const struct ctl_info *list, size_t n)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; array && i < n; i++)
		(void)json_object_array_add(array, device(&list[i]));
	return print_json(array);
}

int print_created_json(const char *name, const char *node)
{
	struct json_object *o = json_object_new_object();

	if (o) {
		json_text(o, "name", name);
		json_text(o, "node", node);
	}
	return print_json(o);
}

int print_resized_json(const char *name, uint64_t size)
{
	struct json_object *o = json_object_new_object();

	if (o) {
		json_text(o, "name", name);
		json_number(o, "size", size);
	}
	return print_json(o);
}

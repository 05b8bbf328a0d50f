/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/json.h - how vduse-ctl shows state to programs. Runs as the tool's caller; strings
 * from vdused must have been made printable before. Writes to stdout.
 */
#ifndef CONTROL_CTL_JSON_H
#define CONTROL_CTL_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/ctl_msg.h"

/*
 * For programs; the manual documents the members. Each prints one JSON value and a newline and
 * returns an exit status: TOOL_OK, or CTL_E_FAILED (with a message) when memory ran out.
 */
int print_list_json(const struct ctl_info *list, size_t n);
int print_device_json(const struct ctl_info *i);
int print_created_json(const char *name, const char *node);
int print_resized_json(const char *name, uint64_t size);

/* Print a JSON value and free it; NULL counts as out of memory. */
int print_json(struct json_object *o);

/* Add a member; a NULL or empty text becomes null. */
void json_text(struct json_object *o, const char *key, const char *text);
void json_number(struct json_object *o, const char *key, uint64_t value);
void json_flag(struct json_object *o, const char *key, bool value);

#endif

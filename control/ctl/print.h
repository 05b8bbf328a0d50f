/*
 * control/ctl/print.h - how vduse-ctl shows state to people and to programs. Runs as the tool's
 * caller. Strings that come from vdused must have been made printable before. Writes to stdout.
 */
#ifndef CONTROL_CTL_PRINT_H
#define CONTROL_CTL_PRINT_H

#include <json-c/json.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/ctl_msg.h"

/* "0", "512", "4K", "1.5G": binary units, one decimal at most, cut off. buf holds 16 bytes. */
void print_size(uint64_t bytes, char buf[16]);

/* The words for a virtio device status byte: "ACKNOWLEDGE DRIVER"; "reset" for 0. buf holds 96 bytes. */
void print_status_words(uint32_t status, char buf[96]);

/* "No space left on device (ENOSPC)", "error 4000" for a number without a name. buf holds 96 bytes. */
void print_errno_words(uint32_t number, char buf[96]);

/* For people. */
void print_list(const struct ctl_info *list, size_t n);
void print_device(const struct ctl_info *i);

/*
 * For programs; the manual documents the members. Each prints one JSON value and a newline and
 * returns an exit status: TOOL_OK, or TOOL_FAILED (with a message) when memory ran out.
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

#endif

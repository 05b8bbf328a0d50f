/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/name.h - the rule for device names and serials. Linked into every process. Pure.
 *
 * The kernel takes any bytes as a VDUSE name ("..", control characters, "a/b"), and the name
 * becomes a device node, a sysfs directory and a netlink attribute. So we accept only what is
 * harmless in all of them, and refuse the rest before it gets near the kernel.
 */
#ifndef PROTO_NAME_H
#define PROTO_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* What a refused name is told. */
#define NAME_RULE                                                                                                      \
	"1 to 32 characters out of a-z, A-Z, 0-9, '.', '_' and '-', the first a letter or a digit, and "               \
	"not \"control\""

#define SERIAL_RULE "1 to 20 characters out of a-z, A-Z, 0-9, '.', '_' and '-'"

/* s is NUL-terminated. True when it is a device name we accept. */
bool name_valid(const char *s);

/*
 * s is NUL-terminated. True when it is a serial we accept; the empty string means "none" and is
 * valid.
 */
bool serial_valid(const char *s);

#endif

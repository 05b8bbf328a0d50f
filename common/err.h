/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/err.h - the project's one error idiom. Linked into every process.
 *
 * A function that can fail returns 0 (or a descriptor, or a count) when it worked and a negative
 * errno when not. Where a person will read the reason it also takes a struct err and fills in a
 * text of its own: object, rule, remedy, in one line without a final dot or newline:
 *     return err_set(e, -errno, "%s: %s: mend that file system", path, err_str(-errno));
 * That is a step which failed. Whoever asked may be to blame instead, or meet a limit, or somebody
 * else who has the thing: only the place where the error is made knows, and says so:
 *     return err_class(e, CTL_E_BUSY, "%s is mounted on %s: unmount it first", node, dir);
 * No code afterwards guesses the class from an errno.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/ctl_code.h"
#include "proto/limits.h"

struct err {
	int code; /* negative errno, 0 = none */
	uint32_t class; /* enum ctl_code: what vduse-ctl's caller is told; 0 = none */
	char step[VD_STEP_SIZE]; /* which step failed; set by whoever runs steps */
	char text[VD_TEXT_SIZE];
};

/*
 * Fill e (may be NULL) with a printable text, cut to fit, and CTL_E_FAILED; returns code, which
 * must be a negative errno.
 */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/*
 * The same for an error of another class. The class has an errno, which is returned: -EINVAL,
 * -ENOENT, -EEXIST, -EBUSY, -EACCES, -EDQUOT, -EPROTO; CTL_E_FAILED has -EIO.
 */
int err_class(struct err *e, enum ctl_code class, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Another text for what e says already; fmt may print the old one. Returns e's code. */
int err_reword(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The words for a negative errno, e.g. "No such file or directory". Thread-safe. */
const char *err_str(int code);

/*
 * Is it a negative errno by which the kernel says that this host, or this process, is out of
 * descriptors, processes or memory? That passes, and says nothing about what was asked for. -EAGAIN
 * is what fork(2) says.
 */
bool err_is_shortage(int code);

/* Replace everything that is not printable ASCII in s by '?', in place. */
void err_printable(char *s);

#endif

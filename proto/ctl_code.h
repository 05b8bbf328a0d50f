/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/ctl_code.h - the class of an error: what whoever asked for something is told besides a
 * text. It is set where the error is made (common/err.h), goes to vduse-ctl as it is (struct
 * ctl_error), and is what vduse-ctl exits with: vduse-ctl(8) promises these numbers, so they only
 * ever become more. Linked into nothing, seen by every process.
 */
#ifndef PROTO_CTL_CODE_H
#define PROTO_CTL_CODE_H

enum ctl_code {
	CTL_E_FAILED = 1, /* a step failed; the text says which, why and what to do */
	CTL_E_INVALID = 2, /* the request breaks a rule */
	CTL_E_NOT_FOUND = 3, /* there is no device of that name */
	CTL_E_EXISTS = 4, /* there is one already */
	CTL_E_BUSY = 5, /* the device or its backing file is in use */
	CTL_E_DENIED = 6, /* the caller may not */
	CTL_E_LIMIT = 7, /* no uid, device or connection left, or none for this tenant */
	CTL_E_PROTOCOL = 8, /* no message by the rules; in vduse-ctl: none at all, either */
	CTL_E_LAST = CTL_E_PROTOCOL,
};

#endif

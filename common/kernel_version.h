/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/kernel_version.h - which kernels are fit. Linked into vdused (which refuses others) and
 * vduse-ctl (check). Pure.
 */
#ifndef COMMON_KERNEL_VERSION_H
#define COMMON_KERNEL_VERSION_H

enum kernel_fitness {
	KERNEL_OK,
	KERNEL_UNKNOWN, /* not a version number that we understand */
	KERNEL_OLD, /* before 6.12: vdused was never tried there */
	KERNEL_UNFIXED, /* CVE-2026-74313, unless its vendor fixed it */
};

/* First release of each maintained series with the fix, for messages. */
#define KERNEL_FIXED_IN "6.12.97, 6.18.40 or 7.1.5"

/* release: uname(2)'s, "6.12.117+deb12-cloud-amd64". What is behind the numbers means nothing. */
enum kernel_fitness kernel_check(const char *release);

#endif

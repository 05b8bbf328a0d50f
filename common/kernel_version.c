/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/kernel_version.c - see kernel_version.h. Runs in vdused at start and in vduse-ctl.
 */
#include "common/kernel_version.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

/*
 * CVE-2026-74313: use after free, open of /dev/vduse/NAME against VDUSE_DESTROY_DEV. Fixed together
 * with the bounce pages that were handed out with old kernel memory in them. Series between these
 * got no fix.
 */
static const struct {
	unsigned major, minor, patch;
} fixed_in[] = { { 6, 12, 97 }, { 6, 18, 40 }, { 7, 1, 5 } };
#define FIXED_IN (sizeof(fixed_in) / sizeof(fixed_in[0]))

/*
 * "6.12.117-amd64" to 6, 12, 117; what is not there is 0. False when it does not begin with two
 * numbers.
 */
static bool parse_release(const char *release, unsigned long v[3])
{
	const char *at = release;
	char *end;
	int n;

	v[0] = v[1] = v[2] = 0;
	for (n = 0; n < 3 && *at >= '0' && *at <= '9'; n++) {
		v[n] = strtoul(at, &end, 10);
		at = *end == '.' ? end + 1 : "";
	}
	return n >= 2;
}

static bool has_fix(const unsigned long v[3])
{
	for (size_t i = 0; i < FIXED_IN; i++)
		if (v[0] == fixed_in[i].major && v[1] == fixed_in[i].minor)
			return v[2] >= fixed_in[i].patch;
	return v[0] > 7 || (v[0] == 7 && v[1] > 1);
}

enum kernel_fitness kernel_check(const char *release)
{
	unsigned long v[3];

	if (!parse_release(release, v))
		return KERNEL_UNKNOWN;
	if (v[0] < 6 || (v[0] == 6 && v[1] < 12))
		return KERNEL_OLD;
	return has_fix(v) ? KERNEL_OK : KERNEL_UNFIXED;
}

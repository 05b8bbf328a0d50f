/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/log_limit.c - see log_limit.h. Main process of vdused; who asks is the kernel's word.
 */
#include "control/sys/log_limit.h"

#include "common/fd.h"
#include "common/log.h"

#define SLOTS 64U

/* Uids that fall into one slot share it: a uid that changes gets no more than one that stays. */
static struct {
	long long second;
	unsigned lines;
} slot[SLOTS];

bool log_limit_allows(uint32_t uid)
{
	long long now = now_ms() / 1000;
	unsigned i = uid % SLOTS;

	if (uid == 0)
		return true;
	if (slot[i].second != now)
		slot[i].lines = 0;
	slot[i].second = now;
	if (slot[i].lines < QUIET_LINES) {
		slot[i].lines++;
		return true;
	}
	if (slot[i].lines++ == QUIET_LINES)
		log_warn("uid %u: more than %u messages about its requests in a second: the rest is left out", uid,
			 QUIET_LINES);
	return false;
}

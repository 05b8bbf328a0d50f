/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/crash.c - dies where it is told to. Linked into the test build of vduse-worker only
 * (worker/crash.h).
 *
 * The jailed worker has no environment, no file and no argument; what it does get is the disk's
 * serial number:
 *   "K04.050.020"   die at the 50th pass of K4, generations 1 to 20
 *   "KXX.050.040"   another point for every generation, 1 to 40: odd ones go through K1 to K9, even
 *                   ones, which take over from a dead one, through K13 to K20 (first pass). The
 *                   number of the pass grows with the generation, lest all of them die at the same
 *                   place in a batch.
 * With one of K13 to K20 alone, odd generations die at K1 to K9 in turn, so that there is something
 * to take over. K7 and K9 are passed once for each batch: there an eighth of the number counts.
 * A generation that does not come past its point (nothing was to be executed again, say) dies at
 * the 200th request. Generations beyond the last one live. The exit status is 64 + the number of
 * the point.
 */
#include "worker/crash.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DATA_POINTS 9U /* K1 to K9 */
#define FIRST_TAKEOVER K13_STATE_CHECKED
#define TAKEOVER_POINTS 8U
#define PASS_SPREAD 37U
#define REQUESTS_MAX 200U
/* requests in a batch, about: its points are passed so much more rarely */
#define BATCH_REQUESTS 8U
#define STATUS_BASE 64

static unsigned armed_point; /* 0 = none */
static unsigned armed_pass;
static atomic_uint passes, requests;

static unsigned number(const char *s)
{
	return (unsigned)strtoul(s, NULL, 10);
}

static void choose(unsigned point, unsigned pass, uint32_t generation)
{
	unsigned turn = (generation - 1) / 2;
	bool takes_over = generation % 2 == 0;

	armed_pass = pass;
	if (point != 0 && (point < FIRST_TAKEOVER || takes_over)) {
		armed_point = point;
	} else if (takes_over) {
		armed_point = FIRST_TAKEOVER + turn % TAKEOVER_POINTS;
		armed_pass = 1;
	} else {
		armed_point = 1 + turn % DATA_POINTS;
		armed_pass = pass + turn % PASS_SPREAD;
	}
	if (armed_point == K7_USED_IDX || armed_point == K9_LOG_USED_IDX)
		armed_pass = 1 + armed_pass / BATCH_REQUESTS;
}

/* K, two characters, '.', three digits, '.', three digits. Any other serial number arms nothing. */
void crash_arm(const char *serial, uint32_t generation)
{
	if (serial[0] != 'K' || strlen(serial) != 11 || serial[3] != '.' || serial[7] != '.')
		return;
	if (generation > number(serial + 8))
		return;
	choose(serial[1] == 'X' ? 0 : number(serial + 1), number(serial + 4), generation);
}

static void die_at(enum crash_point p)
{
	for (;;) /* no handler, no other thread's next step, as with SIGKILL */
		(void)syscall(SYS_exit_group, STATUS_BASE + (int)p);
}

void crash_point(enum crash_point p)
{
	if (armed_point == 0)
		return;
	if (p == armed_point && atomic_fetch_add(&passes, 1) + 1 == armed_pass)
		die_at(p);
	if (p == K3_SUBMIT && armed_point != K3_SUBMIT && atomic_fetch_add(&requests, 1) + 1 == REQUESTS_MAX)
		die_at(p);
}

/*
 * tests/torture/crash.c - dies where it is told to. Linked into the test build of vduse-worker only (worker/crash.h).
 *
 * The jailed worker has no environment, no file and no argument; what it does get is the disk's serial number:
 *   "K07.050.020"   die at the 50th pass of K7, generations 1 to 20
 *   "KXX.050.040"   another point for every generation: odd ones go through K1 to K9, even ones, which take over from
 *                   a dead one, through K13 to K20 (first pass; from the 9th even generation on the second, and so on)
 * Points of taking over count from generation 2 on. With one of K13 to K20 alone, odd generations die at K1 to K9 in
 * turn, so that every generation that takes over has something to do and some generation lives.
 * A generation beyond the last one lives. The exit status is 64 + the number of the point.
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
#define STATUS_BASE 64

static unsigned armed_point; /* 0 = none */
static unsigned armed_pass;
static atomic_uint passes;

static unsigned number(const char *s)
{
	return (unsigned)strtoul(s, NULL, 10);
}

static void choose(unsigned point, unsigned pass, uint32_t generation)
{
	unsigned turn = (generation - 1) / 2;
	bool takes_over = generation % 2 == 0;

	if (point != 0 && point < FIRST_TAKEOVER) {
		armed_point = point;
	} else if (!takes_over) {
		armed_point = 1 + turn % DATA_POINTS;
	} else if (point != 0) {
		armed_point = point;
	} else {
		armed_point = FIRST_TAKEOVER + turn % TAKEOVER_POINTS;
		pass = 1 + turn / TAKEOVER_POINTS;
	}
	armed_pass = pass;
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

void crash_point(enum crash_point p)
{
	if (p != armed_point || atomic_fetch_add(&passes, 1) + 1 != armed_pass)
		return;
	for (;;) /* no handler, no other thread's next step, as with SIGKILL */
		(void)syscall(SYS_exit_group, STATUS_BASE + (int)p);
}

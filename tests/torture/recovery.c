/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/recovery.c - see recovery.h. Part of the checker.
 */
#include "tests/torture/recovery.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static int by_time(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

/* The first operation that ended after t; 0 = none. */
static long long first_after(const long long *ended, size_t n, long long t)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ended[mid] > t)
			high = mid;
		else
			low = mid + 1;
	}
	return low < n ? ended[low] : 0;
}

int recovery_write(const char *deaths, const char *out, long long *ended, size_t n)
{
	FILE *in = fopen(deaths, "re"), *to = fopen(out, "ae");
	long long death, birth, start = 0, served = 0;
	unsigned row = 0;

	if (!in || !to)
		return -errno;
	qsort(ended, n, sizeof(*ended), by_time);
	while (fscanf(in, "%lld %lld %*s", &death, &birth) == 2) {
		if (row > 0 && served != 0 && served < death) {
			(void)fprintf(to, "%u %.2f\n", row, (double)(served - start) / 1e6);
			row = 0;
		}
		if (row == 0)
			start = death;
		row++;
		served = first_after(ended, n, birth);
	}
	if (row > 0 && served != 0)
		(void)fprintf(to, "%u %.2f\n", row, (double)(served - start) / 1e6);
	(void)fclose(in);
	return fclose(to) == 0 ? 0 : -EIO;
}

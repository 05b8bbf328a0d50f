/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/sector.c - see sector.h. Part of the checker; trusts nothing that it reads.
 */
#include "tests/torture/sector.h"

#include <string.h>

#define MAGIC 0x3174726f74756476ULL /* "vdutort1" */
#define WORDS (SECTOR / 8)
#define HEAD 5U /* words: magic, version and device, block, seed, checksum */

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static void generate(uint64_t *word, const struct sector_id *id)
{
	uint64_t next, sum = 0;

	word[0] = MAGIC;
	word[1] = (uint64_t)id->device << 32 | id->version;
	word[2] = id->block;
	word[3] = id->seed;
	next = mix(mix(mix(id->seed ^ MAGIC) ^ id->block) ^ word[1]);
	for (unsigned i = HEAD; i < WORDS; i++) {
		next = next * 6364136223846793005ULL + 1442695040888963407ULL;
		word[i] = next;
		sum = (sum ^ next) * 0x100000001b3ULL;
	}
	word[4] = sum;
}

void sector_fill(void *sector, const struct sector_id *id)
{
	uint64_t word[WORDS];

	generate(word, id);
	memcpy(sector, word, SECTOR);
}

enum sector_kind sector_examine(const void *sector, struct sector_id *id)
{
	uint64_t word[WORDS], want[WORDS];
	uint64_t any = 0;

	memcpy(word, sector, SECTOR);
	if (word[0] != MAGIC) {
		for (unsigned i = 0; i < WORDS; i++)
			any |= word[i];
		return any == 0 ? SECTOR_ZERO : SECTOR_FOREIGN;
	}
	id->device = (uint32_t)(word[1] >> 32);
	id->version = (uint32_t)word[1];
	id->block = word[2];
	id->seed = word[3];
	generate(want, id);
	return memcmp(word, want, SECTOR) == 0 ? SECTOR_DATA : SECTOR_TORN;
}

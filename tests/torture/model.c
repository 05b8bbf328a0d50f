/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/model.c - see model.h. Part of the checker.
 */
#include "tests/torture/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_WRITER 0xffffU

static int attach(struct model *m, int fd, size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, fd < 0 ? MAP_SHARED | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -errno;
	m->f = p;
	m->size = size;
	(void)pthread_mutex_init(&m->lock, NULL);
	(void)pthread_mutex_init(&m->flush_lock, NULL);
	return 0;
}

int model_create(struct model *m, const char *path, uint64_t seed, uint32_t device, uint64_t sectors)
{
	size_t size = sizeof(*m->f) + sectors * sizeof(struct cell);
	int rc, fd = -1;

	if (path) {
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
			return -errno;
	}
	rc = attach(m, fd, size);
	if (fd >= 0)
		(void)close(fd);
	if (rc < 0)
		return rc;
	m->at_flush = calloc(sectors, sizeof(*m->at_flush));
	if (!m->at_flush)
		return -ENOMEM;
	m->f->seed = seed;
	m->f->device = device;
	m->f->sectors = sectors;
	return 0;
}

int model_open(struct model *m, const char *path)
{
	struct stat st;
	int rc, fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	rc = (size_t)st.st_size < sizeof(*m->f) ? -EINVAL : attach(m, fd, (size_t)st.st_size);
	(void)close(fd);
	if (rc == 0 && m->f->sectors != (m->size - sizeof(*m->f)) / sizeof(struct cell))
		return -EINVAL;
	return rc;
}

void model_close(struct model *m)
{
	(void)munmap(m->f, m->size);
	free(m->at_flush);
}

/* ---- operations ---- */

static bool is_free(const struct cell *c, uint32_t n, bool reading)
{
	for (uint32_t i = 0; i < n; i++)
		if (c[i].busy != 0 && (!reading || c[i].busy == BUSY_WRITER))
			return false;
	return true;
}

static void begin_change(struct cell *c, enum op_kind kind, uint32_t version)
{
	c->busy = BUSY_WRITER;
	c->submitted = version;
	if (kind != OP_WRITE)
		c->zeroed = version;
	if (kind == OP_DISCARD) {
		/*
		 * a discard may do nothing: what it leaves is what was there, which can be what an
		 * earlier one left
		 */
		if (c->kind != OP_DISCARD)
			c->before = c->kind == OP_WRITE ? c->acked : 0;
		c->discarded = version;
	}
}

bool model_begin(struct model *m, enum op_kind kind, uint64_t first, uint32_t n, uint32_t *version)
{
	struct cell *c = &m->f->cell[first];
	bool ok;

	(void)pthread_mutex_lock(&m->lock);
	ok = is_free(c, n, kind == OP_READ);
	if (ok && kind == OP_READ) {
		for (uint32_t i = 0; i < n; i++)
			c[i].busy++;
	} else if (ok) {
		*version = ++m->f->version;
		for (uint32_t i = 0; i < n; i++)
			begin_change(&c[i], kind, *version);
	}
	(void)pthread_mutex_unlock(&m->lock);
	return ok;
}

void model_end(struct model *m, enum op_kind kind, uint64_t first, uint32_t n, uint32_t version, int result)
{
	struct cell *c = &m->f->cell[first];

	(void)pthread_mutex_lock(&m->lock);
	for (uint32_t i = 0; i < n; i++) {
		if (kind == OP_READ) {
			c[i].busy--;
			continue;
		}
		c[i].busy = 0;
		if (result < 0)
			continue; /* submitted stays ahead of acked: either is right */
		c[i].acked = version;
		c[i].kind = (uint8_t)kind;
	}
	(void)pthread_mutex_unlock(&m->lock);
}

void model_flush_begin(struct model *m)
{
	(void)pthread_mutex_lock(&m->flush_lock);
	(void)pthread_mutex_lock(&m->lock);
	for (uint64_t i = 0; i < m->f->sectors; i++)
		m->at_flush[i] = m->f->cell[i].acked;
	(void)pthread_mutex_unlock(&m->lock);
}

void model_flush_end(struct model *m, int result)
{
	(void)pthread_mutex_lock(&m->lock);
	for (uint64_t i = 0; i < m->f->sectors && result == 0; i++)
		m->f->cell[i].flushed = m->at_flush[i];
	(void)pthread_mutex_unlock(&m->lock);
	(void)pthread_mutex_unlock(&m->flush_lock);
}

/* ---- judgement ---- */

/* What does not depend on versions. *id is filled in for data. */
static const char *not_ours(const struct model *m, uint64_t block, enum sector_kind kind, const struct sector_id *id)
{
	if (kind == SECTOR_TORN)
		return "torn";
	if (kind == SECTOR_FOREIGN)
		return "foreign";
	if (kind == SECTOR_ZERO)
		return NULL;
	if (id->seed != m->f->seed)
		return "of another run";
	if (id->device != m->f->device)
		return "of another device";
	if (id->block != block)
		return "of another block";
	return id->version > m->f->cell[block].submitted ? "never written" : NULL;
}

/* Anything that is not older than version since. */
static const char *judge_since(const struct model *m, uint64_t block, const void *sector, uint32_t since)
{
	const struct cell *c = &m->f->cell[block];
	struct sector_id id = { 0 };
	enum sector_kind kind = sector_examine(sector, &id);
	const char *bad = not_ours(m, block, kind, &id);

	if (bad)
		return bad;
	if (kind == SECTOR_ZERO)
		return since == 0 || c->zeroed >= since ? NULL : "lost";
	if (id.version >= since)
		return NULL;
	return c->discarded >= since && id.version == c->before ? NULL : "stale";
}

const char *model_judge(const struct model *m, uint64_t block, const void *sector)
{
	const struct cell *c = &m->f->cell[block];
	struct sector_id id = { 0 };
	enum sector_kind kind = sector_examine(sector, &id);
	const char *bad = not_ours(m, block, kind, &id);
	uint32_t found = kind == SECTOR_DATA ? id.version : 0;

	if (bad)
		return bad;
	if (c->submitted != c->acked) /* it failed, or we ended before it did */
		return judge_since(m, block, sector, c->acked);
	if (c->kind == OP_WRITE)
		return found == c->acked ? NULL : found == 0 ? "lost" : "stale";
	if (found == 0)
		return NULL;
	return c->kind == OP_DISCARD && found == c->before ? NULL : "stale";
}

const char *model_judge_flushed(const struct model *m, uint64_t block, const void *sector)
{
	return judge_since(m, block, sector, m->f->cell[block].flushed);
}

void model_explain(const struct model *m, uint64_t block, const void *sector, char *text, size_t size)
{
	static const char *const kinds[] = { "nothing written", "written", "zeroed", "discarded", "" };
	static const char *const found[] = { "zeros", "version", "a torn version", "foreign data" };
	const struct cell *c = &m->f->cell[block];
	struct sector_id id = { 0 };
	enum sector_kind kind = sector_examine(sector, &id);
	int n = snprintf(text, size, "block %llu: acknowledged %u (%s), begun %u, flushed %u; found %s",
			 (unsigned long long)block, c->acked, kinds[c->kind], c->submitted, c->flushed, found[kind]);

	if ((kind == SECTOR_DATA || kind == SECTOR_TORN) && n > 0 && (size_t)n < size)
		(void)snprintf(text + n, size - (size_t)n, " %u of block %llu, device %u, run %llu", id.version,
			       (unsigned long long)id.block, id.device, (unsigned long long)id.seed);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/load.c - see load.h. Part of the checker.
 */
#include "tests/torture/load.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define THREADS_MAX 256U
#define COMPLAINTS_MAX 20U
#define ENDED_MAX (16U << 20)
/* half of all operations go to this part of the region, so that it is changed again and again */
#define HOT_PART 16U

struct worker {
	struct load *l;
	unsigned index;
	uint64_t random;
	uint8_t *buf;
	pthread_t thread;
};

static struct worker workers[THREADS_MAX];
static atomic_uint complaints;

long long load_now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* ---- one operation ---- */

static uint32_t draw(struct worker *w, uint64_t limit)
{
	w->random = w->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)((w->random >> 33) % limit);
}

static enum op_kind draw_kind(struct worker *w)
{
	uint32_t r = draw(w, 256);

	if (r < 4)
		return OP_FLUSH;
	if (r < 12)
		return OP_ZERO;
	if (r < 20)
		return w->l->no_discard ? OP_WRITE : OP_DISCARD;
	return r < 84 ? OP_READ : OP_WRITE;
}

static void draw_range(struct worker *w, uint64_t *first, uint32_t *n)
{
	uint64_t sectors = w->l->model->f->sectors;
	uint64_t area = draw(w, 2) ? sectors : sectors / HOT_PART;
	uint32_t unit = w->l->target->unit / SECTOR;

	*n = draw(w, 4) ? 1U << draw(w, 9) : 1 + draw(w, OP_SECTORS_MAX);
	*n = (*n + unit - 1) / unit * unit;
	*first = draw(w, area - *n + 1) / unit * unit;
}

static void note_end(struct load *l, enum op_kind kind, long long began)
{
	long long now = load_now(), longest = atomic_load(&l->longest_ns);
	size_t at = atomic_fetch_add(&l->nended, 1);

	if (at < l->max_ended)
		l->ended[at] = now;
	atomic_store(&l->last_ns, now);
	while (now - began > longest && !atomic_compare_exchange_weak(&l->longest_ns, &longest, now - began))
		;
	atomic_fetch_add(&l->ops[kind], 1);
}

static void complain(struct load *l, uint64_t block, const void *sector, const char *bad)
{
	char text[240];

	atomic_fetch_add(&l->mismatches, 1);
	if (atomic_fetch_add(&complaints, 1) >= COMPLAINTS_MAX)
		return;
	model_explain(l->model, block, sector, text, sizeof(text));
	(void)fprintf(stderr, "checker: %s: %s\n", bad, text);
}

static void judge(struct load *l, uint64_t first, uint32_t n, const uint8_t *buf, bool flushed)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *s = buf + (size_t)i * SECTOR;
		const char *bad =
			flushed ? model_judge_flushed(l->model, first + i, s) : model_judge(l->model, first + i, s);

		if (bad)
			complain(l, first + i, s, bad);
	}
	atomic_fetch_add(&l->verified, n);
}

static void note_error(struct load *l, enum op_kind kind, uint64_t first, int rc)
{
	static const char *const names[] = { "read", "write", "zero", "discard", "flush" };

	if (rc == 0)
		return;
	atomic_fetch_add(&l->errors, 1);
	if (atomic_fetch_add(&complaints, 1) < COMPLAINTS_MAX)
		(void)fprintf(stderr, "checker: %s at block %llu: %s\n", names[kind], (unsigned long long)first,
			      strerror(-rc));
}

static void flush(struct load *l)
{
	long long began;
	int rc;

	model_flush_begin(l->model);
	began = load_now();
	rc = l->target->ops->flush(l->target);
	note_end(l, OP_FLUSH, began);
	note_error(l, OP_FLUSH, 0, rc);
	model_flush_end(l->model, rc);
}

static void fill(struct load *l, uint8_t *buf, uint64_t first, uint32_t n, uint32_t version)
{
	struct sector_id id = { .seed = l->model->f->seed, .device = l->model->f->device, .version = version };

	for (uint32_t i = 0; i < n; i++) {
		id.block = first + i;
		sector_fill(buf + (size_t)i * SECTOR, &id);
	}
}

static int perform(struct load *l, enum op_kind kind, uint64_t first, uint32_t n, void *buf)
{
	const struct target_ops *ops = l->target->ops;
	uint64_t offset = l->offset + first * SECTOR, len = (uint64_t)n * SECTOR;

	switch (kind) {
	case OP_READ:
		return ops->read(l->target, buf, len, offset);
	case OP_WRITE:
		return ops->write(l->target, buf, len, offset);
	case OP_ZERO:
		return ops->zero(l->target, offset, len);
	default:
		return ops->discard(l->target, offset, len);
	}
}

static void operate(struct worker *w)
{
	struct load *l = w->l;
	enum op_kind kind = draw_kind(w);
	uint32_t n, version = 0;
	uint64_t first;
	long long began;
	int rc;

	if (kind == OP_FLUSH) {
		flush(l);
		return;
	}
	draw_range(w, &first, &n);
	if (!model_begin(l->model, kind, first, n, &version))
		return; /* somebody else is at it */
	if (kind == OP_WRITE)
		fill(l, w->buf, first, n, version);
	began = load_now();
	rc = perform(l, kind, first, n, w->buf);
	note_end(l, kind, began);
	note_error(l, kind, first, rc);
	if (kind == OP_READ && rc == 0)
		judge(l, first, n, w->buf, false);
	model_end(l->model, kind, first, n, version, rc);
}

/* ---- threads ---- */

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(w->index % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &cpus);
	(void)sched_setaffinity(0, sizeof(cpus), &cpus);
	while (!atomic_load(&w->l->stop))
		operate(w);
	return NULL;
}

int load_init(struct load *l)
{
	size_t size = ENDED_MAX * sizeof(*l->ended);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	l->ended = p;
	l->max_ended = ENDED_MAX;
	atomic_store(&complaints, 0);
	return l->threads == 0 || l->threads > THREADS_MAX || l->model->f->sectors < 2 * HOT_PART * OP_SECTORS_MAX
		       ? -EINVAL
		       : 0;
}

void load_free(struct load *l)
{
	(void)munmap(l->ended, l->max_ended * sizeof(*l->ended));
}

int load_start(struct load *l)
{
	atomic_store(&l->last_ns, load_now());
	for (unsigned i = 0; i < l->threads; i++) {
		struct worker *w = &workers[i];
		int rc;

		*w = (struct worker){ .l = l, .index = i, .random = l->model->f->seed * 1000003 + i };
		w->buf = aligned_alloc(4096, OP_SECTORS_MAX * SECTOR);
		if (!w->buf)
			return -ENOMEM;
		rc = pthread_create(&w->thread, NULL, worker_main, w);
		if (rc)
			return -rc;
	}
	return 0;
}

void load_stop(struct load *l)
{
	atomic_store(&l->stop, true);
	for (unsigned i = 0; i < l->threads; i++) {
		(void)pthread_join(workers[i].thread, NULL);
		free(workers[i].buf);
	}
}

void load_verify(struct load *l, bool flushed)
{
	uint8_t *buf = aligned_alloc(4096, OP_SECTORS_MAX * SECTOR);
	uint64_t sectors = l->model->f->sectors;

	for (uint64_t at = 0; buf && at < sectors; at += OP_SECTORS_MAX) {
		uint32_t n = (uint32_t)(sectors - at < OP_SECTORS_MAX ? sectors - at : OP_SECTORS_MAX);
		long long began = load_now();
		int rc = perform(l, OP_READ, at, n, buf);

		note_end(l, OP_READ, began);
		note_error(l, OP_READ, at, rc);
		if (rc == 0)
			judge(l, at, n, buf, flushed);
	}
	if (!buf)
		note_error(l, OP_READ, 0, -ENOMEM);
	free(buf);
}

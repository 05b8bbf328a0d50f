/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/late_disk.c - see late_disk.h. Runs in unit tests only.
 */
#include "tests/unit/late_disk.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/blk/engine_pread.h"
#include "worker/device/requests.h"

#define MAX 64U
#define WAIT_MS 5000

struct entry {
	struct engine *e;
	struct io *io;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry submitted[MAX], begun[MAX], ended[MAX];
static unsigned nsubmitted, nbegun, nended;
static bool at_once;

static void add(struct entry *list, unsigned *n, struct entry x)
{
	assert_true(*n < MAX);
	list[(*n)++] = x;
}

static struct entry take_out(struct entry *list, unsigned *n, unsigned i)
{
	struct entry x = list[i];

	--*n;
	memmove(&list[i], &list[i + 1], (*n - i) * sizeof(list[0]));
	return x;
}

static enum engine_answer late_submit(struct engine *e, struct io *io)
{
	if (io->now) {
		pread_io(e, io);
		return ENGINE_DONE;
	}
	(void)pthread_mutex_lock(&lock);
	add(submitted, &nsubmitted, (struct entry){ e, io });
	(void)pthread_mutex_unlock(&lock);
	return ENGINE_PENDING;
}

/* With the lock. */
static void end(unsigned n, int error)
{
	struct entry x = take_out(begun, &nbegun, n);
	uint64_t one = 1;

	if (error < 0)
		x.io->result = error;
	else
		pread_io(x.e, x.io);
	add(ended, &nended, x);
	assert_int_equal(write(x.e->wake_fd, &one, sizeof(one)), sizeof(one));
}

static void late_start(struct engine *e)
{
	(void)pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < nsubmitted;) {
		if (submitted[i].e == e)
			add(begun, &nbegun, take_out(submitted, &nsubmitted, i));
		else
			i++;
	}
	while (at_once && nbegun > 0)
		end(0, 0);
	(void)pthread_mutex_unlock(&lock);
}

static struct io *late_poll(struct engine *e)
{
	struct io *io = NULL;

	(void)pthread_mutex_lock(&lock);
	for (unsigned i = 0; i < nended && !io; i++)
		if (ended[i].e == e)
			io = take_out(ended, &nended, i).io;
	(void)pthread_mutex_unlock(&lock);
	return io;
}

const struct engine_ops late_disk = {
	.name = "late", .depth = LATE_DEPTH, .submit = late_submit, .start = late_start, .poll = late_poll
};

void late_use(struct queue *q)
{
	assert_int_equal(q->engine.ops->depth, 1);
	free(q->free);
	free(q->many[0]);
	q->engine.ops = &late_disk;
	q->free = NULL;
	q->nmany = 0;
	assert_int_equal(requests_create(q), 0);
}

unsigned late_pending(void)
{
	unsigned n;

	(void)pthread_mutex_lock(&lock);
	n = nbegun;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

void late_wait(unsigned n)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < WAIT_MS && late_pending() != n; i++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(late_pending(), n);
}

void late_end(unsigned n, int error)
{
	(void)pthread_mutex_lock(&lock);
	assert_true(n < nbegun);
	end(n, error);
	(void)pthread_mutex_unlock(&lock);
}

const struct io *late_io(unsigned n)
{
	const struct io *io;

	(void)pthread_mutex_lock(&lock);
	assert_true(n < nbegun);
	io = begun[n].io;
	(void)pthread_mutex_unlock(&lock);
	return io;
}

void late_let_go(bool go)
{
	(void)pthread_mutex_lock(&lock);
	at_once = go;
	while (at_once && nbegun > 0)
		end(0, 0);
	(void)pthread_mutex_unlock(&lock);
}

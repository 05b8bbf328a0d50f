/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/slow.c - see slow.h. Runs in the slow threads of vduse-worker, and in those that give
 * them something. Not pthread_cond: the system calls of that are none of the filter's.
 */
#include "worker/blk/slow.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "worker/blk/engine_pread.h"

#define STACK_SIZE (128U << 10)

struct list { /* of requests, and how many of them are executed now, and may be */
	struct io *first, *last;
	uint32_t running, most;
};

struct slow {
	pthread_mutex_t lock; /* of the lists */
	struct list rw, other;
	_Atomic uint32_t given, started; /* futexes: requests and threads there ever were */
	_Atomic uint32_t idle; /* threads that sleep, or are about to */
};

static void wait_while(_Atomic uint32_t *word, uint32_t value)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL);
}

static void wake(_Atomic uint32_t *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
}

static struct list *list_of(struct slow *s, const struct io *io)
{
	return engine_is_slow(io) ? &s->other : &s->rw;
}

static struct io *pop(struct list *l)
{
	struct io *io = l->running < l->most ? l->first : NULL;

	if (!io)
		return NULL;
	l->first = io->next;
	l->running++;
	return io;
}

/* The next one, after one that was of the list `ended`, if any. */
static struct io *take(struct slow *s, struct list *ended)
{
	struct io *io;

	(void)pthread_mutex_lock(&s->lock);
	if (ended)
		ended->running--;
	io = pop(&s->other);
	if (!io)
		io = pop(&s->rw);
	(void)pthread_mutex_unlock(&s->lock);
	return io;
}

/*
 * Once it is in the list of its engine it is not ours any more. Whoever put the first one there
 * wakes the engine's thread, which takes all.
 */
static void tell(struct io *io)
{
	struct engine *e = io->engine;
	struct io *before = atomic_load_explicit(&e->ended_slow, memory_order_relaxed);
	uint64_t one = 1;

	do
		io->next = before;
	while (!atomic_compare_exchange_weak_explicit(&e->ended_slow, &before, io, memory_order_release,
						      memory_order_relaxed));
	if (before)
		return;
	while (write(e->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

static void *slow_main(void *arg)
{
	struct list *ended = NULL;
	struct slow *s = arg;

	(void)prctl(PR_SET_NAME, "slow");
	(void)atomic_fetch_add(&s->started, 1);
	wake(&s->started);
	for (;;) {
		uint32_t given = atomic_load(&s->given);
		struct io *io = take(s, ended);

		ended = io ? list_of(s, io) : NULL;
		if (io) {
			pread_io(io->engine, io);
			tell(io);
			continue;
		}
		(void)atomic_fetch_add(&s->idle, 1);
		wait_while(&s->given, given);
		(void)atomic_fetch_sub(&s->idle, 1);
	}
	return NULL;
}

void slow_give(struct slow *s, struct io *io)
{
	struct list *l = list_of(s, io);

	io->next = NULL;
	(void)pthread_mutex_lock(&s->lock);
	if (l->first)
		l->last->next = io;
	else
		l->first = io;
	l->last = io;
	(void)pthread_mutex_unlock(&s->lock);
	/* in this order: who does not count as idle yet will find `given` changed */
	(void)atomic_fetch_add(&s->given, 1);
	if (atomic_load(&s->idle) > 0)
		wake(&s->given);
}

struct io *slow_next(struct engine *e)
{
	struct io *io;

	if (!e->ended && atomic_load_explicit(&e->ended_slow, memory_order_relaxed))
		e->ended = atomic_exchange_explicit(&e->ended_slow, NULL, memory_order_acquire);
	io = e->ended;
	if (io)
		e->ended = io->next;
	return io;
}

static int start_thread(struct slow *s, const pthread_attr_t *attr)
{
	uint32_t before = atomic_load(&s->started);
	pthread_t thread;
	int rc = pthread_create(&thread, attr, slow_main, s);

	while (rc == 0 && atomic_load(&s->started) == before)
		wait_while(&s->started, before);
	return -rc;
}

int slow_create(struct slow **out, uint32_t threads)
{
	struct slow *s = calloc(1, sizeof(*s));
	pthread_attr_t attr;
	uint32_t made;
	int rc;

	if (!s)
		return -ENOMEM;
	s->other.most = SLOW_LONG_MAX;
	rc = -pthread_mutex_init(&s->lock, NULL);
	if (rc == 0)
		rc = -pthread_attr_init(&attr);
	if (rc < 0)
		return rc;
	rc = -pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (uint32_t i = 0; i < threads && rc == 0; i++)
		rc = start_thread(s, &attr);
	(void)pthread_attr_destroy(&attr);
	*out = s;
	made = atomic_load(&s->started);
	(void)pthread_mutex_lock(&s->lock);
	s->rw.most = made > SLOW_LONG_MAX ? made - SLOW_LONG_MAX : 1;
	(void)pthread_mutex_unlock(&s->lock);
	return made >= SLOW_LONG_MAX ? 0 : rc;
}

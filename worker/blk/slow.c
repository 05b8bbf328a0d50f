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

#define STACK_SIZE (128U << 10)

struct slow {
	pthread_mutex_t lock; /* of the list */
	struct io *first, *last;
	_Atomic uint32_t given, started; /* futexes: requests and threads there ever were */
	void (*run)(struct io *io);
};

static void wait_while(_Atomic uint32_t *word, uint32_t value)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL);
}

static void add(_Atomic uint32_t *word)
{
	(void)atomic_fetch_add(word, 1);
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1);
}

static struct io *take(struct slow *s)
{
	struct io *io;

	(void)pthread_mutex_lock(&s->lock);
	io = s->first;
	if (io)
		s->first = io->next;
	(void)pthread_mutex_unlock(&s->lock);
	return io;
}

static void *slow_main(void *arg)
{
	struct slow *s = arg;

	(void)prctl(PR_SET_NAME, "slow");
	add(&s->started);
	for (;;) {
		uint32_t given = atomic_load(&s->given);
		struct io *io = take(s);

		if (io)
			s->run(io);
		else
			wait_while(&s->given, given);
	}
	return NULL;
}

void slow_give(struct slow *s, struct io *io)
{
	io->next = NULL;
	(void)pthread_mutex_lock(&s->lock);
	if (s->first)
		s->last->next = io;
	else
		s->first = io;
	s->last = io;
	(void)pthread_mutex_unlock(&s->lock);
	add(&s->given);
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

int slow_create(struct slow **out, void (*run)(struct io *io))
{
	struct slow *s = calloc(1, sizeof(*s));
	pthread_attr_t attr;
	int rc;

	if (!s)
		return -ENOMEM;
	s->run = run;
	rc = -pthread_mutex_init(&s->lock, NULL);
	if (rc == 0)
		rc = -pthread_attr_init(&attr);
	if (rc < 0)
		return rc;
	rc = -pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (unsigned i = 0; i < SLOW_THREADS && rc == 0; i++)
		rc = start_thread(s, &attr);
	(void)pthread_attr_destroy(&attr);
	*out = s;
	return rc;
}

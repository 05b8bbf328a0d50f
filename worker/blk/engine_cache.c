/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/engine_cache.c - see engine_cache.h. Runs in the queue threads of vduse-worker, in a
 * sealed process: preadv2 on the backend's descriptor, and what engine_pread.c does.
 *
 * Where nothing is in the cache, looking for it costs without a gain: after some misses in a row it
 * is looked for now and then only, but always while the disk does not answer, as what is cached
 * would wait behind it for nothing. Where requests come one at a time, another thread costs without
 * a gain: after some of them most reads wait for the disk in the calling thread, until more come
 * at once again.
 */
#include "worker/blk/engine_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "worker/blk/engine_pread.h"
#include "worker/blk/slow.h"

#define DEPTH 32U
#define READS 8U /* of the disk at once */
#define MISSES_MAX 8U /* in a row: then it is looked for ... */
#define LOOK_EACH 32U /* ... only so often */
#define BLIND_MAX READS /* reads without a look, before the disk answers any */
/* So many requests came alone, one after the other: then they are done here, up to that one ... */
#define ALONE_MIN 16U
#define ALONE_MAX 48U /* ... as nobody sees meanwhile that another comes */

struct cache {
	bool cannot_tell; /* the backend cannot say what is in the cache */
	uint32_t misses, not_looked; /* in a row; reads since it was looked for */
	uint32_t blind; /* reads that may go without a look */
	uint32_t submitted; /* since the last start() */
	uint32_t alone; /* in a row */
	uint32_t begun; /* and not polled yet */
	struct io *first, **last; /* for start(), in their order */
};

static bool looks(struct cache *c)
{
	if (c->misses < MISSES_MAX || c->blind == 0)
		return true;
	c->blind--;
	c->not_looked = (c->not_looked + 1) % LOOK_EACH;
	return c->not_looked == 0;
}

/*
 * A READ, if all of it is in the cache; false: it may be in part, and is begun again as a whole.
 * What is wrong for another reason is so without looking first.
 */
static bool read_cached(struct engine *e, struct io *io)
{
	const struct io_range *r = &io->range[0];
	struct cache *c = e->own;
	ssize_t n = preadv2(e->backend->fd, io->iov, (int)io->niov, (off_t)r->offset, RWF_NOWAIT);

	if (n >= 0 && (uint64_t)n == r->len) {
		c->misses = 0;
		io->result = 0;
		return true;
	}
	if (n > 0 || (n < 0 && errno == EAGAIN)) {
		c->misses++;
		return false;
	}
	c->cannot_tell = n < 0 && errno == EOPNOTSUPP;
	pread_io(e, io);
	return true;
}

static bool done_at_once(struct engine *e, struct io *io)
{
	struct cache *c = e->own;

	if (engine_is_slow(io))
		return false;
	if (io->op == IO_READ && !c->cannot_tell)
		return looks(c) && read_cached(e, io);
	pread_io(e, io);
	return true;
}

static enum engine_answer cache_submit(struct engine *e, struct io *io)
{
	struct cache *c = e->own;

	if (io->now) {
		pread_io(e, io);
		return ENGINE_DONE;
	}
	c->submitted++;
	if (done_at_once(e, io))
		return ENGINE_DONE;
	io->engine = e;
	io->next = NULL;
	*c->last = io;
	c->last = &io->next;
	return ENGINE_PENDING;
}

static void begin(struct engine *e, struct io *io, bool here)
{
	struct cache *c = e->own;

	c->begun++;
	if (here) {
		pread_io(e, io);
		engine_ended(e, io);
	} else {
		slow_give(e->backend->slow, io);
	}
}

static void cache_start(struct engine *e)
{
	struct cache *c = e->own;
	struct io *io = c->first;
	bool alone = c->submitted == 1 && c->begun == 0;

	if (c->submitted == 0)
		return;
	c->submitted = 0;
	if (!alone)
		c->alone = 0;
	else if (++c->alone > ALONE_MAX)
		c->alone = ALONE_MIN;
	c->first = NULL;
	c->last = &c->first;
	while (io) {
		struct io *next = io->next;

		begin(e, io, c->alone > ALONE_MIN && !engine_is_slow(io));
		io = next;
	}
}

static struct io *cache_poll(struct engine *e)
{
	struct cache *c = e->own;
	struct io *io = slow_next(e);

	if (!io)
		return NULL;
	c->begun--;
	if (io->op == IO_READ && c->blind < BLIND_MAX)
		c->blind++;
	return io;
}

static int cache_prepare(struct engine *e)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->last = &c->first;
	e->own = c;
	return 0;
}

const struct engine_ops engine_cache = { .name = "cache",
					 .depth = DEPTH,
					 .threads = READS + SLOW_LONG_MAX,
					 .prepare = cache_prepare,
					 .submit = cache_submit,
					 .start = cache_start,
					 .poll = cache_poll };

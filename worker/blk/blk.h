/*
 * worker/blk/blk.h - virtio-blk requests: parse, validate, hand to an engine. Runs in the queue threads of
 * vduse-worker on hostile requests. Source: virtio 1.2, 5.2.6.
 *
 * Every popped chain becomes a request that is completed: with a status byte where the driver gave us a place for
 * one, else with length 0.
 */
#ifndef WORKER_BLK_BLK_H
#define WORKER_BLK_BLK_H

#include <linux/virtio_blk.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/state_file.h"
#include "worker/blk/engine.h"
#include "worker/ring/virtq.h"

struct blk_dev { /* what the device promised the driver; constant while queues run, but for capacity, which may grow */
	_Atomic uint64_t capacity; /* bytes */
	uint64_t features; /* negotiated */
	uint32_t seg_max; /* data segments of one request */
	bool read_only;
	char serial[VIRTIO_BLK_ID_BYTES];
};

struct blk_done { /* how a request ended, kept until its batch is published */
	uint16_t head;
	uint8_t status; /* VIRTIO_BLK_S_* */
	bool wrote; /* it changed data: must be durable first when the driver has no FLUSH */
	uint8_t *status_at; /* in the driver's memory; NULL = none was found */
	uint32_t len; /* for the used ring */
};

struct blk_req {
	struct blk_req *next; /* queue.c: in the list of free ones */
	struct blk_done done;
	int error; /* negative errno of the I/O, 0 = none: for the log */
	const char *bad; /* why the request was refused, or NULL: for the log */
	uint32_t type; /* VIRTIO_BLK_T_* */
	struct io io;
};

/*
 * Make a request of a chain. True: r->io must be given to the engine, then blk_finish() called. False: it
 * is finished already (refused, GET_ID). Counts into cnt. Writes to the driver's memory only for GET_ID.
 */
bool blk_begin(const struct blk_dev *dev, struct iova_view *mem, const struct chain *c, struct blk_req *r,
	       struct state_counters *cnt);

/*
 * The engine is done with io, a discard that the backend has no way to do, though it had one when the device was made (a table
 * of device-mapper was replaced): the driver is told so, and nothing is wrong with the disk.
 */
bool blk_cannot(const struct io *io);

/* The engine is done with r->io: set the status from its result. */
void blk_finish(struct blk_req *r, struct state_counters *cnt);

/* Store the status byte, if there is a place for it. Right before the head is pushed. */
void blk_store_status(const struct blk_done *d);

/* Writes must be durable when they are completed: the driver did not negotiate FLUSH. */
bool blk_writethrough(const struct blk_dev *dev);

/* Add v to a counter that only this thread writes and others read. */
void blk_count(uint64_t *counter, uint64_t v);

#endif

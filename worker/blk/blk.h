/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/blk.h - virtio-blk requests: parse, validate, hand to an engine. Runs in the queue
 * threads of vduse-worker on hostile requests. Source: virtio 1.2, 5.2.6.
 *
 * No request is completed without a status byte. A driver need not look at anything else, and where
 * none was written it finds that of an earlier request: what was never executed would be taken for
 * done. So a chain without a place for a status, or of which something cannot be reached for the
 * moment, is not completed: it stays in flight (queue.h).
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

/*
 * what the device promised the driver; constant while queues run, but for capacity, which may grow
 */
struct blk_dev {
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
	uint8_t *status_at; /* in the driver's memory */
	uint32_t len; /* for the used ring */
};

struct blk_req {
	struct blk_req *next; /* queue.c: in the list of free ones */
	struct blk_done done;
	int error; /* negative errno of the I/O, or of iova.h where it is BLK_UNREACHED; 0 = none */
	const char *bad; /* why the request was refused or cannot be reached, or NULL */
	uint32_t type; /* VIRTIO_BLK_T_* */
	uint64_t bytes; /* queue.c: of all its ranges */
	struct io io;
};

enum blk_begun {
	BLK_IO, /* give r->io to the engine, then blk_finish() */
	BLK_DONE, /* finished: refused, GET_ID */
	/*
	 * Not to be completed now: no place for a status, or r->bad cannot be reached, be it the
	 * status or, where there is r->done.status_at, something else. r->error says why (iova.h):
	 * it may pass. 0: never.
	 */
	BLK_UNREACHED
};

/*
 * Make a request of a chain. Counts into cnt. Writes to the driver's memory only for GET_ID.
 * r->io.many is the caller's; where r->io.iov is that afterwards, it is in use.
 */
enum blk_begun blk_begin(const struct blk_dev *dev, struct iova_view *mem, const struct chain *c, struct blk_req *r,
			 struct state_counters *cnt);

/*
 * Finish as refused, with an I/O error, what was BLK_UNREACHED but has r->done.status_at. r->bad
 * stays.
 */
void blk_refuse(struct blk_req *r, struct state_counters *cnt);

/*
 * The engine is done with io, a discard that the backend has no way to do, though it had one when
 * the device was made (a table of device-mapper was replaced): the driver is told so, and nothing
 * is wrong with the disk.
 */
bool blk_cannot(const struct io *io);

/* The engine is done with r->io: set the status from its result. */
void blk_finish(struct blk_req *r, struct state_counters *cnt);

/* Store the status byte. Right before the head is pushed. */
void blk_store_status(const struct blk_done *d);

/* Writes must be durable when they are completed: the driver did not negotiate FLUSH. */
bool blk_writethrough(const struct blk_dev *dev);

/* Add v to a counter that only this thread writes and others read. */
void blk_count(uint64_t *counter, uint64_t v);

#endif

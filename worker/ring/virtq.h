/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/virtq.h - one virtqueue, whatever its ring format. Runs in vduse-worker, all of the
 * operations in the queue's thread. Everything in a ring is hostile.
 * Source: virtio 1.2, 2.7 (split virtqueues).
 */
#ifndef WORKER_RING_VIRTQ_H
#define WORKER_RING_VIRTQ_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/ring/inflight.h"
#include "worker/ring/iova.h"

#define VIRTQ_SEGS_MAX VD_QUEUE_SIZE_MAX

struct seg {
	uint64_t iova;
	uint32_t len; /* > 0 */
};

/* One request as the driver describes it: shape checked, addresses not yet translated. */
struct chain {
	uint16_t head;
	const char *bad; /* NULL, or what is wrong with it: no segments then */
	int unreached; /* with bad: the error (iova.h) of reading its table; 0: it is its shape */
	uint32_t nout, nin; /* seg[0..nout) are for us to read, the nin behind them to write */
	uint64_t out_len, in_len; /* bytes of each part */
	struct seg seg[VIRTQ_SEGS_MAX];
};

/* What the driver set up, checked by virtq_check(). */
struct virtq_conf {
	uint16_t num; /* entries */
	uint16_t base; /* index at which the driver starts */
	/* IOVA: descriptors, available ring, used ring */
	uint64_t desc_addr, driver_addr, device_addr;
	bool event_idx, indirect; /* negotiated features */
};

struct virtq;

struct virtq_ops {
	const char *name;
	/*
	 * Translate the rings. 0, or a negative errno: they are not (wholly) mapped. Again after
	 * iova_drop().
	 */
	int (*map)(struct virtq *vq);
	/* Where the device is, after map(): the published used index. */
	uint16_t (*used_idx)(struct virtq *vq);
	/*
	 * Is what vq->log says is in flight, with used_idx, just what the driver can have
	 * outstanding beside what was not taken yet? Before start().
	 */
	bool (*log_fits)(struct virtq *vq, uint16_t used_idx);
	/*
	 * Begin at used_idx with what vq->log says is in flight. 0, or -EPROTO (vq->error says
	 * why).
	 */
	int (*start)(struct virtq *vq, uint16_t used_idx);
	/*
	 * Next request: first those to be executed again, then new ones, which are marked in
	 * flight.
	 * 1 = *c is filled in, 0 = none, -EPROTO = the ring is malformed (vq->error): take nothing
	 * more from it.
	 */
	int (*pop)(struct virtq *vq, struct chain *c);
	/*
	 * A popped head is finished, len bytes were written for it. Not visible to the driver
	 * before publish().
	 */
	void (*push)(struct virtq *vq, uint16_t head, uint32_t len);
	/* Make the pushed heads visible, at least one. True: the driver wants an interrupt. */
	bool (*publish)(struct virtq *vq);
	/* Ask for kicks. True: a request came in meanwhile, look again. */
	bool (*enable_kicks)(struct virtq *vq);
	void (*disable_kicks)(struct virtq *vq);
};

struct virtq_desc { /* private copy of a descriptor */
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

struct virtq {
	const struct virtq_ops *ops;
	struct virtq_conf conf;
	struct iova_view *mem;
	struct inflight log;
	const char *error; /* what is wrong with the ring, NULL = nothing */
	/* mapped rings, hostile */
	uint8_t *desc, *driver, *device;
	/* our own positions */
	uint16_t last_avail; /* next entry of the available ring to take */
	uint16_t avail_seen; /* available entries known so far */
	uint16_t used_idx; /* published */
	uint16_t pushed; /* behind used_idx, not published */
	uint16_t batch[VD_QUEUE_SIZE_MAX];
	struct virtq_desc table[VIRTQ_SEGS_MAX]; /* copy of the indirect table being read */
};

/*
 * NULL when c can be served by a device whose queues have at most max entries, else what is wrong.
 * Pure.
 */
const char *virtq_check(const struct virtq_conf *c, uint32_t max);

/* Add a descriptor's buffer to c. NULL, or what is wrong with the chain. Pure. */
const char *chain_add(struct chain *c, uint64_t iova, uint32_t len, bool writable);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/transfer.h - reads and writes of a backend, all of it or an error. Runs in the queue
 * threads of vduse-worker; buffers are mapped memory of a driver, whose pages may vanish and whose
 * bytes mean nothing here.
 *
 * Where the backend is open with O_DIRECT the kernel wants buffers aligned, which virtio does not.
 * Requests with others go through memory of ours, in as many pieces as that takes; the rest never
 * touch it.
 */
#ifndef WORKER_BLK_TRANSFER_H
#define WORKER_BLK_TRANSFER_H

#include "worker/blk/engine.h"

#define BOUNCE_SIZE (256U << 10) /* a multiple of every alignment that a backend can ask for */

/* Memory for e->bounce, for good. NULL: there is none. Before the jail closes. */
uint8_t *bounce_create(void);

/*
 * The READ or WRITE io, which may have any buffers. 0 or a negative errno: then some of it may be
 * done. A page that was gone is -EFAULT, and nothing of what should have been read from it is
 * written; sigbus.h has counted it.
 */
int transfer_io(const struct engine *e, struct io *io);

/* Does the backend take the buffers of io, a READ or WRITE, as they are? */
bool transfer_fits(const struct backend *b, const struct io *io);

/* Skip n transferred bytes of the array. */
void transfer_advance(struct iovec **iov, uint32_t *niov, size_t n);

/*
 * left bytes at offset with these buffers, which the backend takes as they are. The array is used
 * up.
 */
int transfer_all(int fd, bool write, struct iovec *iov, uint32_t niov, uint64_t offset, uint64_t left);

#endif

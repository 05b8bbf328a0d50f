/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_blk.c - target "blk": block requests from the ring to the disk and back:
 * virtq_split.c, blk.c and an engine (B cases). Run by libFuzzer. The engine is either a careful
 * one in memory, which looks at every range and every piece of memory it is given, or the real one
 * on a memfd.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/checked.h"
#include "worker/blk/blk.h"
#include "worker/blk/engine_pread.h"

enum blk_op {
	B_RUN = G_OPS, /* u8 bits: which I/O fails; take, execute and publish what is there */
	B_DEVICE, /* u8: features and read-only from now on */
	B_OPS,
};

#define DISK 0x8000U
#define CANARY 0x1000U
#define BATCH 32U

static struct iova_map map;
static struct iova_view view;
static struct virtq vq;
static struct state_queue log_file;
static struct chain chain;
static struct guest guest;
static struct checked *checks;
static struct blk_dev dev;
static struct iovec many[IO_IOV_MAX];
static struct blk_req req = { .io.many = many };
static uint8_t disk[DISK], canary[CANARY];
static uint8_t *file; /* the memfd, mapped */
static struct backend backend = { .fd = -1 };
static struct engine engine = { .ops = &engine_pread, .backend = &backend };

/* ---- what must hold for the I/O of a request ---- */

/* The driver's bytes that the data of a request consists of, one run after the other. */
struct cursor {
	uint32_t seg;
	uint64_t at, left; /* in the segment; of the data */
};

static bool next_run(struct cursor *c, uint8_t perm, uint8_t **p, uint64_t *n)
{
	while (c->left > 0) {
		const struct seg *s = &chain.seg[c->seg];

		if (c->at >= s->len) {
			c->at -= s->len;
			c->seg++;
			continue;
		}
		*p = mem_mapped(s->iova + c->at, perm, n);
		PROMISE(*p, "data is mapped with the permission that it needs");
		*n = *n < s->len - c->at ? *n : s->len - c->at;
		*n = *n < c->left ? *n : c->left;
		c->at += *n;
		c->left -= *n;
		return true;
	}
	return false;
}

/* Piece by piece the same memory, in the same order, and the sum is the range's. */
static void check_iov(const struct io *io)
{
	bool write = io->op == IO_WRITE;
	struct cursor c = { .seg = write ? 0 : chain.nout, .at = write ? 16 : 0 };
	uint32_t i = 0;
	uint64_t used = 0, n;
	uint8_t *p;

	PROMISE(io->niov <= IO_IOV_MAX, "no more pieces than one system call takes");
	c.left = write ? chain.out_len - 16 : chain.in_len - 1;
	PROMISE(c.left == io->range[0].len, "the range is as long as the data");
	while (next_run(&c, write ? VDUSE_ACCESS_RO : VDUSE_ACCESS_WO, &p, &n)) {
		for (; n > 0; used = 0, i++) {
			uint64_t part;

			PROMISE(i < io->niov && (uint8_t *)io->iov[i].iov_base + used == p,
				"each piece is what the chain says");
			part = io->iov[i].iov_len - used < n ? io->iov[i].iov_len - used : n;
			p += part;
			n -= part;
			used += part;
			if (used < io->iov[i].iov_len)
				break;
		}
	}
	PROMISE(i == io->niov && used == 0, "there is no piece that the chain does not have");
}

static void check_io(const struct io *io)
{
	bool changes = io->op == IO_WRITE || io->op == IO_DISCARD || io->op == IO_ZERO;

	PROMISE(!changes || !dev.read_only, "a read-only device is not written");
	PROMISE(io->ranges == (io->op == IO_FLUSH     ? 0U
			       : io->op == IO_DISCARD ? io->ranges
						      : 1U) &&
			io->ranges <= BLK_DISCARD_SEGS && (io->op != IO_DISCARD || io->ranges > 0),
		"an operation has as many ranges as it may");
	for (uint32_t i = 0; i < io->ranges; i++)
		PROMISE(io->range[i].offset <= dev.capacity && io->range[i].len <= dev.capacity - io->range[i].offset &&
				io->range[i].offset % 512 == 0 && io->range[i].len % 512 == 0,
			"a range is whole sectors inside of the device");
	if (io->op == IO_READ || io->op == IO_WRITE)
		check_iov(io);
	PROMISE(req.done.wrote == changes, "what changes data is known as such");
}

/* ---- engines ---- */

static void careful_transfer(struct io *io)
{
	uint64_t at = io->range[0].offset;

	for (uint32_t i = 0; i < io->niov; i++) {
		uint64_t n = io->iov[i].iov_len;

		if (at + n > DISK)
			break; /* of a device that is only imagined to be so large */
		if (io->op == IO_READ)
			memcpy(io->iov[i].iov_base, disk + at, n);
		else
			memcpy(disk + at, io->iov[i].iov_base, n);
		at += n;
	}
}

static void careful_submit(struct io *io)
{
	if (io->op == IO_READ || io->op == IO_WRITE)
		careful_transfer(io);
	for (uint32_t i = 0; io->op == IO_ZERO && i < io->ranges; i++)
		if (io->range[i].offset + io->range[i].len <= DISK)
			memset(disk + io->range[i].offset, 0, io->range[i].len);
	io->result = 0;
}

static void execute(bool fails)
{
	struct io *io = &req.io;

	check_io(io);
	if (backend.fd >= 0 && dev.capacity == DISK) {
		PROMISE(engine.ops->submit(&engine, io) == ENGINE_DONE && io->result <= 0, "the engine answers");
		PROMISE(memcmp(file + DISK, canary, CANARY) == 0, "nothing behind the device is written");
	} else {
		careful_submit(io);
	}
	if (fails)
		io->result = -EIO;
}

/* ---- one request ---- */

static void check_done(const struct blk_done *d, const struct state_counters *before)
{
	PROMISE(d->status == VIRTIO_BLK_S_OK || d->status == VIRTIO_BLK_S_IOERR || d->status == VIRTIO_BLK_S_UNSUPP,
		"a status is one of three");
	PROMISE(d->head == chain.head, "a request is completed under its own head");
	PROMISE(mem_accessible(d->status_at, 1, VDUSE_ACCESS_WO), "a status has a place in writable memory");
	PROMISE(d->len <= chain.in_len, "no more is said to be written than there is room for");
	PROMISE(log_file.counters.errors - before->errors == (d->status != VIRTIO_BLK_S_OK),
		"each error is counted once");
	PROMISE((d->status == VIRTIO_BLK_S_OK) == (!req.bad && req.error == 0), "each error has a reason");
	PROMISE(chain.out_len >= 16 || req.type == UINT32_MAX, "without a whole header there is no type");
	PROMISE(d->status != VIRTIO_BLK_S_OK || req.type != VIRTIO_BLK_T_GET_ID || chain.in_len == 21,
		"the serial is 20 bytes long");
}

/* False: it cannot be completed. */
static bool serve(bool fails, struct blk_done *done)
{
	struct state_counters before = log_file.counters;
	enum blk_begun begun;

	memset(&req.done, 0x5a, sizeof(req.done));
	begun = blk_begin(&dev, &view, &chain, &req, &log_file.counters);
	if (begun == BLK_UNREACHED) {
		PROMISE(req.bad && req.error <= 0, "what cannot be completed has a reason");
		PROMISE(!req.done.status_at || req.error < 0, "where there is a place for the status, it may pass");
		if (!req.done.status_at || req.error == -ENOSPC || iova_passes(req.error))
			return false;
		blk_refuse(&req, &log_file.counters); /* as it did not */
	}
	if (begun == BLK_IO) {
		execute(fails);
		blk_finish(&req, &log_file.counters);
	}
	check_done(&req.done, &before);
	*done = req.done;
	return true;
}

static void complete(const struct blk_done *done, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		blk_store_status(&done[i]);
		vq.ops->push(&vq, done[i].head, done[i].len);
	}
	if (n > 0)
		(void)vq.ops->publish(&vq);
}

/*
 * As queue.c does: room is made, or the error is gone; what was taken comes again. Else the queue
 * has failed.
 */
static void try_again(void)
{
	if (req.error == -ENOSPC) {
		(void)iova_drop(&map, 0, UINT64_MAX);
		iova_sweep(&map);
		mem_check(&map);
	}
	if ((req.error == -ENOSPC || iova_passes(req.error)) && vq.ops->map(&vq) == 0) {
		PROMISE(inflight_load(&vq.log, &log_file, vq.conf.num, vq.used_idx) == 0, "our own log is right");
		if (vq.ops->start(&vq, vq.used_idx) == 0)
			return;
	}
	checks->failed = true;
}

static void run(uint8_t fails)
{
	struct blk_done done[BATCH];
	uint64_t answers = mem_answers();
	bool served = true;
	uint32_t n = 0;

	while (!checks->failed && n < BATCH && vq.ops->pop(&vq, &chain) == 1) {
		served = serve(fails >> (n % 8) & 1, &done[n]);
		if (!served)
			break;
		n++;
	}
	complete(done, n);
	PROMISE(mem_answers() - answers <= (uint64_t)(n + 1) * (2 * VIRTQ_SEGS_MAX + IOVA_REGIONS_MAX + 4),
		"a request is looked up in bounded steps");
	if (!served)
		try_again();
}

/* ---- the target ---- */

static void set_device(uint8_t how)
{
	static const uint64_t sizes[] = { DISK, DISK, 512, 4096 * 3, 1ULL << 62, 0x100000000ULL };

	dev = (struct blk_dev){ .capacity = sizes[(how >> 4) % 6],
				.seg_max = how & 8 ? 2 : 254,
				.serial = "0123456789" };
	dev.read_only = (how & 7) == 1;
	if (how & 2)
		dev.features |= 1ULL << VIRTIO_BLK_F_FLUSH;
	if ((how & 7) != 5)
		dev.features |= 1ULL << VIRTIO_BLK_F_DISCARD | 1ULL << VIRTIO_BLK_F_WRITE_ZEROES;
	PROMISE(blk_writethrough(&dev) == !(how & 2), "a driver without FLUSH is written through");
}

static void use_file(bool real)
{
	static int fd = -1;

	if (fd < 0) {
		memset(canary, 0xc5, sizeof(canary));
		fd = memfd_create("disk", MFD_CLOEXEC);
		PROMISE(fd >= 0 && ftruncate(fd, DISK + CANARY) == 0, "there is a memfd");
		file = mmap(NULL, DISK + CANARY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		PROMISE(file != MAP_FAILED, "it can be mapped");
		memcpy(file + DISK, canary, CANARY);
	}
	if (real)
		memset(file, 0, DISK);
	else
		memset(disk, 0, DISK);
	backend.fd = real ? fd : -1;
}

static bool begin(struct input *in)
{
	uint8_t how = in8(in);

	checked_init();
	mem_init();
	mem_new_process(&map);
	if (how & 0x20)
		mem_scatter();
	set_device(in8(in));
	use_file((how & 0x18) == 0x18);
	guest_init(&guest, 0, how & 4 ? 256 : 32);
	memset(&vq, 0, offsetof(struct virtq, table));
	vq.ops = &checked_split;
	vq.mem = &view;
	vq.conf = (struct virtq_conf){ .num = guest.num,
				       .desc_addr = guest.desc,
				       .driver_addr = guest.avail,
				       .device_addr = guest.used,
				       .event_idx = how & 1,
				       .indirect = !(how & 2) };
	view = (struct iova_view){ .map = &map };
	checks = checked_add(&vq);
	checks->answers = true;
	memset(&log_file, 0, sizeof(log_file));
	if (vq.ops->map(&vq) < 0)
		return false;
	inflight_start(&vq.log, &log_file, vq.conf.num, 0);
	return vq.ops->start(&vq, 0) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	bool good = begin(&in);

	while (good && in.left > 0) {
		uint8_t op = in8(&in) % B_OPS;

		if (op < G_OPS)
			guest_op(&guest, op, &in);
		else if (op == B_RUN)
			run(in8(&in));
		else
			set_device(in8(&in));
	}
	mem_check(&map);
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	mem_check(&map);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_chain.c - target "chain": a hostile driver's split ring and indirect tables
 * against worker/ring/virtq_split.c, inflight.c and iova.c (D cases, and crashes between any two
 * steps). Run by libFuzzer.
 */
#include <errno.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "tests/fuzz/checked.h"

enum chain_op {
	C_POP = G_OPS, /* u8 count */
	C_PUSH, /* u8 which, u16 length */
	C_PUBLISH,
	C_KICKS, /* u8 bit 0: enable */
	C_REMAP, /* ADDR start, u16 size: drop and map again */
	C_CRASH, /* a new worker takes over */
	C_OPS,
};

static struct iova_map map;
static struct iova_view view;
static struct virtq vq;
static struct state_queue log_file;
static struct chain chain;
static struct guest guest;
static struct checked *checks;
static bool usable; /* mapped and started */
/* regions of different sizes may overlap now, which the kernel never does */
static bool refragmented;

static void fresh_queue(const struct virtq_conf *c)
{
	memset(&vq, 0, offsetof(struct virtq, table));
	vq.ops = &checked_split;
	vq.conf = *c;
	vq.mem = &view;
	view = (struct iova_view){ .map = &map };
}

static bool power_of_two(uint32_t v)
{
	return __builtin_popcount(v) == 1;
}

/* What the driver set up. False: it is refused. */
static bool configure(struct input *in, struct virtq_conf *c)
{
	uint8_t size = in8(in), how = in8(in);
	uint16_t max = how & 0x40 ? 256 : VD_QUEUE_SIZE_MAX;
	const char *why;

	guest_init(&guest, 0, size < 0xe0 ? (uint16_t)(1U << (size % 11)) : in16(in));
	if (how & 4)
		guest.desc = mem_address(in);
	if (how & 8)
		guest.avail = mem_address(in);
	if (how & 0x10)
		guest.used = mem_address(in);
	*c = (struct virtq_conf){ .num = guest.num,
				  .base = how & 0x20 ? in16(in) : 0,
				  .desc_addr = guest.desc,
				  .driver_addr = guest.avail,
				  .device_addr = guest.used,
				  .event_idx = how & 1,
				  .indirect = how & 2 };
	why = virtq_check(c, max);
	PROMISE(!why == (power_of_two(c->num) && c->num <= max && c->desc_addr % 16 == 0 && c->driver_addr % 2 == 0 &&
			 c->device_addr % 4 == 0),
		"a ring is accepted by its rule");
	return !why;
}

/* Take the ring over from whatever the log says. */
static void take_over(void)
{
	uint16_t used = vq.ops->used_idx(&vq);
	int rc = inflight_load(&vq.log, &log_file, vq.conf.num, used);

	PROMISE(rc == 0 || (rc == -EBADMSG && !checks->honest), "an honest log is believed");
	usable = rc == 0 && vq.ops->start(&vq, used) == 0;
}

static void begin(struct input *in)
{
	struct virtq_conf c;

	usable = refragmented = false;
	checked_init();
	mem_init();
	mem_new_process(&map);
	checks = checked_add(&vq);
	if (!configure(in, &c))
		return;
	fresh_queue(&c);
	guest.avail_idx = c.base;
	mem_put16(guest.avail + 2, c.base);
	mem_put16(guest.used + 2, c.base);
	if (vq.ops->map(&vq) < 0)
		return;
	memset(&log_file, 0, sizeof(log_file));
	inflight_start(&vq.log, &log_file, c.num, vq.ops->used_idx(&vq));
	usable = vq.ops->start(&vq, vq.ops->used_idx(&vq)) == 0;
}

static void crash(void)
{
	struct virtq_conf c = vq.conf;

	if (!checks->started)
		return;
	mem_check(&map);
	mem_new_process(&map);
	fresh_queue(&c);
	usable = false;
	/* The used index is in memory that the driver can write, too. */
	checks->honest = mem_get16(guest.used + 2) == checks->published;
	if (vq.ops->map(&vq) == 0)
		take_over();
	else
		checks->started = false;
}

/* ---- a chain read a second time, by the rules of the standard alone ---- */

struct expected {
	uint32_t n; /* segments */
	uint64_t out, in;
	bool bad;
};

static void add(struct expected *x, const struct vring_desc *d)
{
	bool writable = d->flags & VRING_DESC_F_WRITE;

	if (!writable && x->in > 0)
		x->bad = true;
	if (d->len > 0 && x->n++ == VIRTQ_SEGS_MAX)
		x->bad = true;
	*(writable ? &x->in : &x->out) += d->len;
}

static bool table_exists(const struct vring_desc *d)
{
	for (uint64_t i = 0; i < d->len; i++)
		if (d->addr + i < d->addr || !mem_exists(d->addr + i, VDUSE_ACCESS_RO))
			return false;
	return true;
}

static bool table_good(const struct vring_desc *d)
{
	return vq.conf.indirect && !(d->flags & VRING_DESC_F_NEXT) && d->len > 0 && d->len % 16 == 0 &&
	       d->len / 16 <= VIRTQ_SEGS_MAX && table_exists(d);
}

/*
 * The list at `at` with n entries, from entry i on; a table if it is behind an indirect descriptor.
 */
static void expect_list(uint64_t at, uint32_t n, uint32_t i, bool table, struct expected *x)
{
	for (uint32_t steps = 0; !x->bad; steps++) {
		struct vring_desc d;

		if (i >= n || steps >= n) {
			x->bad = true;
			return;
		}
		mem_get(at + 16ULL * i, &d, sizeof(d));
		if (d.flags > 7 || (table && (d.flags & VRING_DESC_F_INDIRECT))) {
			x->bad = true;
		} else if (d.flags & VRING_DESC_F_INDIRECT) {
			x->bad = !table_good(&d);
			if (!x->bad)
				expect_list(d.addr, d.len / 16, 0, true, x);
			return;
		} else {
			add(x, &d);
			if (!(d.flags & VRING_DESC_F_NEXT))
				return;
			i = d.next;
		}
	}
}

/*
 * Not where the kernel's answers were strange: what is mapped is then not what the driver has
 * there.
 */
static void compare(void)
{
	struct expected x = { 0 };

	if (mem_lies() > 0)
		return;
	expect_list(guest.desc, vq.conf.num, chain.head, false, &x);
	if (x.bad)
		PROMISE(chain.bad, "a bad chain is found to be bad");
	else if (!chain.bad)
		PROMISE(chain.nout + chain.nin == x.n && chain.out_len == x.out && chain.in_len == x.in,
			"a good chain is read as it is");
	else
		PROMISE(refragmented || chain.unreached == -ENOSPC || iova_passes(chain.unreached),
			"a good chain is found to be good");
}

static void pop(uint8_t count)
{
	while (usable && count-- > 0) {
		int rc = vq.ops->pop(&vq, &chain);

		if (rc < 0)
			usable = false;
		if (rc <= 0)
			return;
		compare();
	}
}

static void push(uint8_t which, uint16_t len)
{
	uint16_t open[VD_QUEUE_SIZE_MAX], n = 0;

	if (!usable || vq.log.replay_pos < vq.log.replay_len)
		return;
	for (uint16_t i = 0; i < checks->ntaken; i++)
		if (!checked_is_pushed(checks, checks->taken[i]))
			open[n++] = checks->taken[i];
	if (n > 0)
		vq.ops->push(&vq, open[which % n], len);
}

static void publish(void)
{
	uint16_t pushed = checks->npushed, old = vq.used_idx;
	bool irq;

	if (!usable || pushed == 0)
		return;
	irq = vq.ops->publish(&vq);
	if (vq.conf.event_idx)
		PROMISE(irq == ((uint16_t)(vq.used_idx - mem_get16(guest.avail + 4 + 2ULL * vq.conf.num) - 1) <
				(uint16_t)(vq.used_idx - old)),
			"an interrupt is raised when the index passes used_event");
	else
		PROMISE(irq == !(mem_get16(guest.avail) & 1), "an interrupt is raised unless the driver wants none");
}

static void kicks(bool enable)
{
	if (!usable)
		return;
	if (!enable)
		vq.ops->disable_kicks(&vq);
	else
		PROMISE(vq.ops->enable_kicks(&vq) == (mem_get16(guest.avail + 2) != vq.last_avail),
			"enable_kicks() sees what came in");
}

static void remap(uint64_t start, uint16_t size)
{
	(void)iova_drop(&map, start, start + size < start ? UINT64_MAX : start + size);
	iova_sweep(&map);
	mem_check(&map);
	usable = usable && vq.ops->map(&vq) == 0;
}

static void own_op(uint8_t op, struct input *in)
{
	uint64_t at;
	uint8_t which;

	switch ((enum chain_op)op) {
	case C_POP:
		pop(in8(in));
		break;
	case C_PUSH:
		which = in8(in);
		push(which, in16(in));
		break;
	case C_PUBLISH:
		publish();
		break;
	case C_KICKS:
		kicks(in8(in) & 1);
		break;
	case C_REMAP:
		at = mem_address(in);
		remap(at, in16(in));
		break;
	case C_CRASH:
		crash();
		break;
	case C_OPS:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	begin(&in);
	while (checks->started && in.left > 0) {
		uint8_t op = in8(&in) % C_OPS;

		refragmented = refragmented || op == G_FRAGMENT;
		if (op < G_OPS)
			guest_op(&guest, op, &in);
		else
			own_op(op, &in);
	}
	mem_check(&map);
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	mem_check(&map);
	PROMISE(map.count == 0, "everything can be dropped");
	return 0;
}

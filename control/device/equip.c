/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/equip.c - see equip.h. Runs in vdused's main process.
 */
#include "control/device/equip.h"

#include <string.h>

#include "common/blkconf.h"
#include "control/device/saved.h"
#include "control/steps/handover.h"

/* ---- at its start ---------------------------------------------------------------------------- */

static uint32_t work_flags(const struct device *d)
{
	return (d->flags & CTL_F_READ_ONLY ? WORK_F_READ_ONLY : 0) | (d->flags & CTL_F_DIRECT ? WORK_F_DIRECT : 0) |
	       (d->backing.is_block ? WORK_F_BLOCK_DEV : 0) | (d->backing.on_tmpfs ? WORK_F_TMPFS : 0) |
	       (d->fail_mode ? WORK_F_FAIL : 0) | (d->flags & CTL_F_STOP ? WORK_F_STOP : 0) |
	       (d->bus == CTL_BUS_VIRTIO ? WORK_F_HOST : 0);
}

static void fill_setup(const struct device *d, uint32_t generation, struct work_setup *m)
{
	struct blk_params blk;

	device_blk_params(d, &blk);
	memcpy(m->name, d->name, sizeof(m->name));
	memcpy(m->serial, d->serial, sizeof(m->serial));
	m->capacity = d->backing.size;
	m->features = blk_features(&blk);
	m->flags = work_flags(d);
	m->queues = d->queues;
	m->queue_size = d->queue_size;
	m->block_size = d->block_size;
	m->generation = generation;
}

void equip_params(const struct device *d, uint32_t generation, struct worker_params *p)
{
	memset(p, 0, sizeof(*p));
	p->base = d->svc->base;
	p->runtime_dir = d->svc->opt->runtime_dir;
	p->binary = d->svc->opt->worker;
	p->limits = d->svc->limits;
	p->uid = d->worker_uid;
	p->owner_uid = d->owner.uid;
	p->file_size = d->backing.is_block ? 0 : d->backing.size;
	fill_setup(d, generation, &p->setup);
}

int equip_start(struct device *d, struct worker *w, bool standby, worker_started *started, struct err *e)
{
	struct worker_params p;
	int rc;

	equip_params(d, d->generation + 1, &p);
	rc = worker_start(w, &p, standby, started, e);
	if (rc == 0)
		d->generation++;
	return rc;
}

/* ---- its events ------------------------------------------------------------------------------ */

static int on_handover(const struct device *d, struct handover_arg *a)
{
	memset(a, 0, sizeof(*a));
	memcpy(a->name, d->name, sizeof(a->name));
	device_state_path(d, a->state_path);
	a->uid = d->worker_uid;
	a->owner = d->owner;
	a->how.block_size = d->block_size;
	a->how.read_only = d->flags & CTL_F_READ_ONLY;
	a->how.direct = d->flags & CTL_F_DIRECT;
	a->info = d->backing;
	a->again = d->generation > 1;
	a->no_file = d->path_fd < 0;
	a->timeout_short = d->timeout_short;
	a->msg_timeout = d->msg_timeout;
	a->fail_mode = d->fail_mode;
	return d->path_fd;
}

static void on_about_to_serve(struct device *d)
{
	(void)saved_write(d);
}

static void on_handed_over(struct device *d)
{
	d->timeout_short = false;
}

static void on_died(struct device *d, const struct err *why)
{
	d->svc->worker_died(d, why);
}

const struct worker_events equip_events = {
	.handover = on_handover,
	.about_to_serve = on_about_to_serve,
	.handed_over = on_handed_over,
	.died = on_died,
};

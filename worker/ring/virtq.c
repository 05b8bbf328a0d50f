/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/virtq.c - what all ring formats share. Runs in vduse-worker; pure.
 */
#include "worker/ring/virtq.h"

const char *virtq_check(const struct virtq_conf *c, uint32_t max)
{
	if (c->num == 0 || (c->num & (c->num - 1)) != 0)
		return "its size is not a power of two";
	if (c->num > max)
		return "its size is larger than the device allows";
	if (c->desc_addr % 16 != 0 || c->driver_addr % 2 != 0 || c->device_addr % 4 != 0)
		return "its rings are not aligned";
	return NULL;
}

const char *chain_add(struct chain *c, uint64_t iova, uint32_t len, bool writable)
{
	if (!writable && c->nin > 0)
		return "a readable buffer behind a writable one";
	if (len == 0)
		return NULL;
	if (c->nout + c->nin == VIRTQ_SEGS_MAX)
		return "too many buffers";
	c->seg[c->nout + c->nin] = (struct seg){ .iova = iova, .len = len };
	if (writable) {
		c->nin++;
		c->in_len += len;
	} else {
		c->nout++;
		c->out_len += len;
	}
	return NULL;
}

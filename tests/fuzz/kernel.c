/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/kernel.c - see kernel.h. Runs in the targets device and state.
 */
#include "tests/fuzz/kernel.h"

#include <errno.h>
#include <string.h>

#include "tests/fuzz/memory.h"

struct kernel kernel;

static void step(void)
{
	if (kernel.hook)
		kernel.hook();
}

void kernel_message(uint32_t type)
{
	uint32_t id = kernel.request.request_id + 1;

	if (kernel.read)
		kernel.abandoned = kernel.request.request_id;
	memset(&kernel.request, 0, sizeof(kernel.request));
	kernel.request.type = type;
	kernel.request.request_id = id;
	kernel.waiting = true;
	kernel.read = false;
}

void kernel_worker_died(void)
{
	kernel.waiting = kernel.waiting || kernel.read;
	kernel.read = false;
	kernel.abandoned = 0;
	memset(kernel.kick_fd, 0, sizeof(kernel.kick_fd));
}

static int set_nonblocking(struct vduse *v)
{
	(void)v;
	step();
	return 0;
}

static int features(struct vduse *v, uint64_t *f)
{
	(void)v;
	step();
	if (kernel.features_error)
		return kernel.features_error;
	*f = kernel.features;
	return 0;
}

static int queue_info(struct vduse *v, uint32_t index, struct vduse_vq_info *info)
{
	(void)v;
	PROMISE(index < kernel.queues, "only queues that exist are asked for");
	step();
	if (kernel.info_error)
		return kernel.info_error;
	*info = kernel.info[index];
	info->index = index;
	return 0;
}

static int set_kick_fd(struct vduse *v, uint32_t index, int eventfd)
{
	(void)v;
	PROMISE(index < kernel.queues, "only queues that exist get a kick descriptor");
	step();
	if (kernel.kick_error)
		return kernel.kick_error;
	kernel.kick_fd[index] = eventfd;
	return 0;
}

static int inject_irq(struct vduse *v, uint32_t index)
{
	(void)v;
	PROMISE(index < kernel.queues, "only queues that exist raise interrupts");
	step();
	return kernel.irq_error;
}

static int set_config(struct vduse *v, uint32_t offset, const void *bytes, uint32_t len)
{
	(void)v;
	PROMISE(offset == 0 && len == sizeof(kernel.capacity), "only the capacity changes");
	step();
	if (kernel.config_error)
		return kernel.config_error;
	memcpy(&kernel.capacity, bytes, sizeof(kernel.capacity));
	return 0;
}

static int config_irq(struct vduse *v)
{
	(void)v;
	step();
	return kernel.irq_error;
}

static int region(struct vduse *v, struct vduse_iotlb_entry *e)
{
	(void)v;
	step();
	return mem_region_of(NULL, e);
}

static int read_message(struct vduse *v, struct vduse_dev_request *req)
{
	(void)v;
	step();
	if (kernel.read_error)
		return kernel.read_error;
	if (!kernel.waiting)
		return -EAGAIN;
	*req = kernel.request;
	kernel.waiting = false;
	kernel.read = true;
	step();
	return 0;
}

static int reply(struct vduse *v, const struct vduse_dev_response *resp)
{
	static const uint32_t zero[sizeof(resp->reserved) / 4];

	(void)v;
	if (resp->request_id == kernel.abandoned && kernel.abandoned != 0) {
		kernel.abandoned = 0;
		step();
		return -ENOENT;
	}
	PROMISE(kernel.read && resp->request_id == kernel.request.request_id, "what is answered was asked");
	PROMISE(resp->result == VDUSE_REQ_RESULT_OK || resp->result == VDUSE_REQ_RESULT_FAILED,
		"an answer is yes or no");
	PROMISE(memcmp(resp->reserved, zero, sizeof(zero)) == 0, "what is reserved is zero");
	step();
	kernel.answer = *resp;
	kernel.answers++;
	kernel.read = false;
	if (kernel.on_reply)
		kernel.on_reply(&kernel);
	step();
	return kernel.reply_error;
}

const struct vduse_ops kernel_ops = {
	.set_nonblocking = set_nonblocking,
	.features = features,
	.queue_info = queue_info,
	.set_kick_fd = set_kick_fd,
	.inject_irq = inject_irq,
	.set_config = set_config,
	.config_irq = config_irq,
	.region = region,
	.read = read_message,
	.reply = reply,
};

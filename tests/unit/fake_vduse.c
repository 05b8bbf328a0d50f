/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/fake_vduse.c - see fake_vduse.h. Runs in unit tests only.
 */
#include "tests/unit/fake_vduse.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"

struct fake_vduse fake;

static int answer(void)
{
	return atomic_load(&fake.error);
}

static int set_nonblocking(struct vduse *v)
{
	(void)v;
	return answer();
}

static int features(struct vduse *v, uint64_t *f)
{
	(void)v;
	*f = fake.features;
	return answer();
}

static int queue_info(struct vduse *v, uint32_t index, struct vduse_vq_info *info)
{
	(void)v;
	assert_true(index < VD_QUEUES_MAX);
	fake.infos++;
	*info = fake.queue[index];
	return answer();
}

static int set_kick_fd(struct vduse *v, uint32_t index, int eventfd)
{
	(void)v;
	assert_true(index < VD_QUEUES_MAX);
	fake.kick_fd[index] = eventfd;
	return answer();
}

static int inject_irq(struct vduse *v, uint32_t index)
{
	int rc = atomic_load(&fake.irq_error);

	(void)v;
	if (rc == 0)
		atomic_fetch_add(&fake.irqs[index], 1);
	return rc < 0 ? rc : answer();
}

static int set_config(struct vduse *v, uint32_t offset, const void *bytes, uint32_t len)
{
	(void)v;
	assert_true(offset + len <= sizeof(fake.config));
	if (fake.config_error < 0)
		return fake.config_error;
	memcpy((char *)&fake.config + offset, bytes, len);
	fake.configs++;
	if (fake.on_config)
		fake.on_config();
	return answer();
}

static int config_irq(struct vduse *v)
{
	(void)v;
	if (fake.config_irq_error < 0)
		return fake.config_irq_error;
	fake.config_irqs++;
	return answer();
}

static int region(struct vduse *v, struct vduse_iotlb_entry *e)
{
	(void)v;
	return answer() < 0 ? answer() : guest_get(fake.guest, e);
}

static int read_message(struct vduse *v, struct vduse_dev_request *req)
{
	int rc = fake.read_error;

	(void)v;
	fake.read_error = 0;
	if (rc < 0)
		return rc;
	if (fake.taken == fake.requests)
		return -EAGAIN;
	*req = fake.request[fake.taken++];
	return 0;
}

static int reply(struct vduse *v, const struct vduse_dev_response *resp)
{
	int rc = fake.reply_error;

	(void)v;
	fake.reply_error = 0;
	fake.response = *resp;
	fake.responses++;
	return rc;
}

const struct vduse_ops fake_vduse_ops = {
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

void fake_begin(struct guest *g)
{
	memset(&fake, 0, sizeof(fake));
	fake.guest = g;
	for (uint32_t i = 0; i < VD_QUEUES_MAX; i++)
		fake.kick_fd[i] = -1;
}

void fake_enable(uint32_t index, const struct ring *r)
{
	fake.queue[index] = (struct vduse_vq_info){ .index = index,
						    .num = r->num,
						    .desc_addr = r->desc,
						    .driver_addr = r->avail,
						    .device_addr = r->used,
						    .ready = 1 };
}

void fake_forget(void)
{
	fake.features = 0;
	memset(fake.queue, 0, sizeof(fake.queue));
}

static struct vduse_dev_request *next_request(uint32_t type)
{
	struct vduse_dev_request *req;

	if (fake.taken == fake.requests)
		fake.taken = fake.requests = 0;
	assert_true(fake.requests < FAKE_MESSAGES);
	req = &fake.request[fake.requests];
	*req = (struct vduse_dev_request){ .type = type, .request_id = 100 + fake.sent++ };
	fake.requests++;
	return req;
}

void fake_status(uint8_t status)
{
	next_request(VDUSE_SET_STATUS)->s.status = status;
}

void fake_queue_state(uint32_t index)
{
	next_request(VDUSE_GET_VQ_STATE)->vq_state.index = index;
}

void fake_iotlb(uint64_t start, uint64_t last)
{
	next_request(VDUSE_UPDATE_IOTLB)->iova = (struct vduse_iova_range){ .start = start, .last = last };
}

void fake_message(uint32_t type)
{
	(void)next_request(type);
}

void fake_kick(uint32_t index)
{
	uint64_t one = 1;

	assert_true(fake.kick_fd[index] >= 0);
	assert_int_equal(write(fake.kick_fd[index], &one, sizeof(one)), sizeof(one));
}

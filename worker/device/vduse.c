/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/vduse.c - see vduse.h. Runs in vduse-worker; the only file with VDUSE ioctls in it.
 * Each of them has a row in syscalls.c.
 */
#include "worker/device/vduse.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

_Static_assert(sizeof(struct vduse_dev_request) == 152, "kernel ABI");
_Static_assert(sizeof(struct vduse_dev_response) == 152, "kernel ABI");

static int set_nonblocking(struct vduse *v)
{
	int on = 1;

	return ioctl(v->fd, FIONBIO, &on) < 0 ? -errno : 0;
}

static int features(struct vduse *v, uint64_t *f)
{
	__u64 value = 0;

	if (ioctl(v->fd, VDUSE_DEV_GET_FEATURES, &value) < 0)
		return -errno;
	*f = value;
	return 0;
}

static int queue_info(struct vduse *v, uint32_t index, struct vduse_vq_info *info)
{
	*info = (struct vduse_vq_info){ .index = index };
	return ioctl(v->fd, VDUSE_VQ_GET_INFO, info) < 0 ? -errno : 0;
}

static int set_kick_fd(struct vduse *v, uint32_t index, int eventfd)
{
	struct vduse_vq_eventfd e = { .index = index, .fd = eventfd };

	return ioctl(v->fd, VDUSE_VQ_SETUP_KICKFD, &e) < 0 ? -errno : 0;
}

static int inject_irq(struct vduse *v, uint32_t index)
{
	return ioctl(v->fd, VDUSE_VQ_INJECT_IRQ, &index) < 0 ? -errno : 0;
}

static int set_config(struct vduse *v, uint32_t offset, const void *bytes, uint32_t len)
{
	_Alignas(struct vduse_config_data) uint8_t buf[sizeof(struct vduse_config_data) + VDUSE_CONFIG_PART];
	struct vduse_config_data head = { .offset = offset, .length = len };

	if (len > VDUSE_CONFIG_PART)
		return -EINVAL;
	memcpy(buf, &head, sizeof(head));
	memcpy(buf + sizeof(head), bytes, len);
	return ioctl(v->fd, VDUSE_DEV_SET_CONFIG, buf) < 0 ? -errno : 0;
}

static int config_irq(struct vduse *v)
{
	return ioctl(v->fd, VDUSE_DEV_INJECT_CONFIG_IRQ) < 0 ? -errno : 0;
}

static int region(struct vduse *v, struct vduse_iotlb_entry *e)
{
	int fd = ioctl(v->fd, VDUSE_IOTLB_GET_FD, e);

	return fd < 0 ? -errno : fd;
}

static int read_message(struct vduse *v, struct vduse_dev_request *req)
{
	ssize_t n;

	do
		n = read(v->fd, req, sizeof(*req));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == sizeof(*req) ? 0 : -EBADMSG;
}

static int reply(struct vduse *v, const struct vduse_dev_response *resp)
{
	ssize_t n;

	do
		n = write(v->fd, resp, sizeof(*resp));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == sizeof(*resp) ? 0 : -EIO;
}

const struct vduse_ops vduse_kernel = {
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

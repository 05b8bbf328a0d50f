/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/vdpa.c - a vhost-vdpa node, call by call. Part of the hostile driver (hostile.h);
 * decides nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vhost_types.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

static int result(int rc)
{
	return rc < 0 ? -errno : 0;
}

int vdpa_open(struct vdpa *v, const char *node)
{
	uint64_t backend = FEATURE(VHOST_BACKEND_F_IOTLB_MSG_V2) | FEATURE(VHOST_BACKEND_F_IOTLB_BATCH);

	v->fd = open(node, O_RDWR | O_CLOEXEC);
	if (v->fd < 0 || ioctl(v->fd, VHOST_SET_OWNER) < 0 || ioctl(v->fd, VHOST_SET_BACKEND_FEATURES, &backend) < 0 ||
	    ioctl(v->fd, VHOST_GET_FEATURES, &v->offered) < 0)
		return -errno;
	return 0;
}

int vdpa_set_status(const struct vdpa *v, uint8_t status)
{
	return result(ioctl(v->fd, VHOST_VDPA_SET_STATUS, &status));
}

uint8_t vdpa_status(const struct vdpa *v)
{
	uint8_t status = 0xff;

	(void)ioctl(v->fd, VHOST_VDPA_GET_STATUS, &status);
	return status;
}

int vdpa_set_features(const struct vdpa *v, uint64_t features)
{
	return result(ioctl(v->fd, VHOST_SET_FEATURES, &features));
}

int vdpa_vring(const struct vdpa *v, unsigned long cmd, unsigned index, unsigned value)
{
	struct vhost_vring_state s = { .index = index, .num = value };

	return result(ioctl(v->fd, cmd, &s));
}

int vdpa_get_base(const struct vdpa *v, unsigned index, unsigned *base)
{
	struct vhost_vring_state s = { .index = index };
	int rc = result(ioctl(v->fd, VHOST_GET_VRING_BASE, &s));

	*base = s.num;
	return rc;
}

int vdpa_vring_fd(const struct vdpa *v, unsigned long cmd, unsigned index, int fd)
{
	struct vhost_vring_file f = { .index = index, .fd = fd };

	return result(ioctl(v->fd, cmd, &f));
}

int vdpa_vring_addr(const struct vdpa *v, unsigned index, uint64_t desc, uint64_t avail, uint64_t used)
{
	struct vhost_vring_addr a = {
		.index = index, .desc_user_addr = desc, .avail_user_addr = avail, .used_user_addr = used
	};

	return result(ioctl(v->fd, VHOST_SET_VRING_ADDR, &a));
}

/* ---- IOTLB messages ---- */

static int tell(const struct vdpa *v, uint8_t type, uint64_t iova, const void *va, uint64_t size, unsigned perm)
{
	struct vhost_msg_v2 m;

	memset(&m, 0, sizeof(m));
	m.type = VHOST_IOTLB_MSG_V2;
	m.iotlb.type = type;
	m.iotlb.iova = iova;
	m.iotlb.uaddr = (uint64_t)(uintptr_t)va;
	m.iotlb.size = size;
	m.iotlb.perm = (uint8_t)perm;
	return write(v->fd, &m, sizeof(m)) == sizeof(m) ? 0 : -errno;
}

int vdpa_map(const struct vdpa *v, uint64_t iova, const void *va, uint64_t size, unsigned perm)
{
	return tell(v, VHOST_IOTLB_UPDATE, iova, va, size, perm);
}

int vdpa_unmap(const struct vdpa *v, uint64_t iova, uint64_t size)
{
	return tell(v, VHOST_IOTLB_INVALIDATE, iova, NULL, size, 0);
}

int vdpa_batch(const struct vdpa *v, bool begin)
{
	return tell(v, begin ? VHOST_IOTLB_BATCH_BEGIN : VHOST_IOTLB_BATCH_END, 0, NULL, 0, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/vduse_control.c - see vduse_control.h. Runs in helpers with no capability at all:
 * uid 0 may open /dev/vduse/control (0600), and that is the whole gate.
 */
#include "control/steps/vduse_control.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vduse.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/fd.h"

#define CONTROL_NODE "/dev/vduse/control"
#define RING_ALIGN 4096U

static void pause_ms(unsigned ms)
{
	struct timespec ts = { .tv_sec = 0, .tv_nsec = ms * 1000000L };

	(void)nanosleep(&ts, NULL);
}

static int open_control(struct err *e)
{
	uint64_t version = 0;
	int fd = open(CONTROL_NODE, O_RDWR | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENXIO || errno == ENODEV))
		return err_set(e, -errno,
			       CONTROL_NODE
			       " is not there: load the module with \"modprobe vduse\", and restart vdused");
	if (fd < 0 && errno == EPERM) /* the device controller of the unit's cgroup */
		return err_set(e, -EPERM,
			       CONTROL_NODE " may not be opened by this service: vduse was loaded after it "
					    "had started: \"systemctl restart vdused\"");
	if (fd < 0)
		return err_set(e, -errno, CONTROL_NODE ": %s", err_str(-errno));
	if (ioctl(fd, VDUSE_SET_API_VERSION, &version) != 0) {
		int rc = err_set(e, -errno, "the kernel's VDUSE does not speak API version 0: %s", err_str(-errno));

		fd_close(&fd);
		return rc;
	}
	return fd;
}

int vduse_open(const char *name, long long ms, struct err *e)
{
	long long end = now_ms() + ms;
	char node[64];
	int fd;

	(void)snprintf(node, sizeof(node), "/dev/vduse/%s", name);
	for (;;) {
		fd = open(node, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
		if (errno != EBUSY)
			return err_set(e, -errno, "%s: %s", node, err_str(-errno));
		if (now_ms() >= end)
			return err_class(e, CTL_E_BUSY, "%s: %s", node, err_str(-EBUSY));
		pause_ms(2);
	}
}

bool vduse_broken(int fd)
{
	uint64_t features;

	return ioctl(fd, VDUSE_DEV_GET_FEATURES, &features) != 0 && errno == EPERM;
}

static int destroy(int control, const char *name)
{
	char buf[VDUSE_NAME_MAX] = { 0 };

	memcpy(buf, name, strnlen(name, VD_NAME_MAX));
	return ioctl(control, VDUSE_DESTROY_DEV, buf) == 0 ? 0 : -errno;
}

static int create(int control, const struct vduse_arg *a, struct err *e)
{
	size_t size = sizeof(struct vduse_dev_config) + sizeof(struct virtio_blk_config);
	struct vduse_dev_config *c = calloc(1, size);
	struct virtio_blk_config blk;
	int rc = 0;

	if (!c)
		return err_set(e, -ENOMEM, "out of memory");
	blk_config_fill(&a->blk, &blk);
	memcpy(c->name, a->name, strnlen(a->name, VD_NAME_MAX));
	c->device_id = VIRTIO_ID_BLOCK;
	c->features = blk_features(&a->blk);
	c->vq_num = a->blk.queues;
	c->vq_align = RING_ALIGN;
	c->config_size = sizeof(blk);
	memcpy(c->config, &blk, sizeof(blk));
	if (ioctl(control, VDUSE_CREATE_DEV, c) != 0)
		rc = -errno;
	free(c);
	if (rc == -EEXIST)
		return err_class(e, CTL_E_EXISTS,
				 "the kernel already has a VDUSE device \"%s\" that is not ours: choose another name",
				 a->name);
	if (rc < 0)
		return err_set(e, rc, "VDUSE_CREATE_DEV: %s", err_str(rc));
	return 0;
}

/* Only possible before the first attach. */
static int set_bounce_size(const struct vduse_arg *a, struct err *e)
{
	char path[96], text[24];
	int rc;

	(void)snprintf(path, sizeof(path), "/sys/class/vduse/%s/bounce_size", a->name);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)a->bounce_size);
	rc = file_write(AT_FDCWD, path, text);
	return rc < 0 ? err_set(e, rc, "%s: writing %s: %s", path, text, err_str(rc)) : 0;
}

static int setup_queues(const struct vduse_arg *a, struct err *e)
{
	int fd = vduse_open(a->name, 500, e), rc = 0;

	if (fd < 0)
		return fd;
	for (uint32_t i = 0; i < a->blk.queues && rc == 0; i++) {
		struct vduse_vq_config vq = { .index = i, .max_size = (uint16_t)a->blk.queue_size };

		if (ioctl(fd, VDUSE_VQ_SETUP, &vq) != 0)
			rc = err_set(e, -errno, "VDUSE_VQ_SETUP of queue %u: %s", i, err_str(-errno));
	}
	fd_close(&fd);
	return rc;
}

int vduse_create(const void *arg, struct helper_out *out)
{
	const struct vduse_arg *a = arg;
	struct err *e = &out->result->err;
	int control, rc;

	control = open_control(e);
	if (control < 0)
		return control;
	rc = create(control, a, e);
	if (rc < 0)
		return rc;
	rc = set_bounce_size(a, e);
	if (rc == 0)
		rc = setup_queues(a, e);
	if (rc < 0)
		(void)destroy(control, a->name);
	return rc;
}

int vduse_destroy(const void *arg, struct helper_out *out)
{
	const struct vduse_arg *a = arg;
	struct err *e = &out->result->err;
	long long end = now_ms() + 2000;
	int control, rc;

	control = open_control(e);
	if (control < 0)
		return control;
	while ((rc = destroy(control, a->name)) == -EBUSY && now_ms() < end)
		pause_ms(5);
	if (rc == -EINVAL || rc == -ENOENT)
		rc = 0; /* no such device */
	if (rc == -EBUSY)
		return err_class(e, CTL_E_BUSY, "VDUSE_DESTROY_DEV: %s", err_str(rc));
	return rc < 0 ? err_set(e, rc, "VDUSE_DESTROY_DEV: %s", err_str(rc)) : 0;
}

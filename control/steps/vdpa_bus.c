/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/vdpa_bus.c - see vdpa_bus.h. Runs in helpers; reads sysfs only, and opens the
 * disk's node without reading a byte of it.
 */
#include "control/steps/vdpa_bus.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/steps/vdpa_nl.h"
#include "control/steps/vdpa_node.h"

#define BUS "/sys/bus/vdpa"

static const char *driver_of(uint32_t bus)
{
	return bus == CTL_BUS_VHOST ? "vhost_vdpa" : "virtio_vdpa";
}

static int need(const char *path, const char *module, struct err *e)
{
	if (access(path, F_OK) == 0)
		return 0;
	return err_set(e, -ENODEV, "the driver %s is not there: load the module with \"modprobe %s\"", module, module);
}

int bus_add(const void *arg, struct helper_out *out)
{
	const struct bus_arg *a = arg;
	struct err *e = &out->result->err;
	char path[64];
	int rc;

	(void)snprintf(path, sizeof(path), BUS "/drivers/%s", driver_of(a->bus));
	rc = need(path, driver_of(a->bus), e);
	if (rc == 0 && a->bus == CTL_BUS_VIRTIO)
		rc = need("/sys/bus/virtio/drivers/virtio_blk", "virtio_blk", e);
	return rc < 0 ? rc : vdpa_nl_add(a->name, e);
}

bool bus_is_bound(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), BUS "/devices/%s/driver", name);
	return access(path, F_OK) == 0;
}

static int bind_driver(const struct bus_arg *a, struct err *e)
{
	const char *driver = driver_of(a->bus);
	char path[128];
	int rc;

	if (bus_is_bound(a->name))
		return 0; /* somebody switched automatic probing on meanwhile */
	(void)snprintf(path, sizeof(path), BUS "/devices/%s/driver_override", a->name);
	rc = file_write(AT_FDCWD, path, driver);
	if (rc < 0)
		return err_set(e, rc, "%s: %s", path, err_str(rc));
	(void)snprintf(path, sizeof(path), BUS "/drivers/%s/bind", driver);
	rc = file_write(AT_FDCWD, path, a->name);
	if (rc < 0 && !bus_is_bound(a->name))
		return err_set(e, rc, "binding to %s: %s: look into the kernel's log with \"dmesg\"", driver,
			       err_str(rc));
	return 0;
}

int bus_bind(const void *arg, struct helper_out *out)
{
	const struct bus_arg *a = arg;
	struct err *e = &out->result->err;
	struct timespec ts = { .tv_nsec = 2000000 };
	struct bus_node res = { 0 };
	long long end;
	int rc = bind_driver(a, e);

	if (rc < 0)
		return rc;
	/*
	 * From here on a kill does no harm, and a node that comes late may belong to another device
	 * of that name.
	 */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!helper_wanted())
		return err_set(e, -ECANCELED, "nobody waits for it any more");
	end = now_ms() + BUS_NODE_WAIT_MS;
	while (!node_ready(a->name, a->bus, res.node, sizeof(res.node))) {
		if (now_ms() >= end)
			return err_set(
				e, -ENODEV,
				"no %s appeared within %d s of binding: look into the kernel's log with \"dmesg\"",
				a->bus == CTL_BUS_VHOST ? "node" : "disk", BUS_NODE_WAIT_MS / 1000);
		(void)nanosleep(&ts, NULL);
		if (ts.tv_nsec < 50000000)
			ts.tv_nsec *= 2;
	}
	if (!helper_wanted())
		return err_set(e, -ECANCELED, "nobody waits for it any more");
	memcpy(out->result->data, &res, sizeof(res));
	return a->bus == CTL_BUS_VHOST ? node_give(res.node, a->uid, a->gid, e) : 0;
}

/*
 * By the driver's own file, which knows that an unbind is under way until it is over, and waits for
 * that one: the link to the driver is gone at its beginning. VDPA_CMD_DEV_DEL would wait for it as
 * well, but under the locks of all.
 */
static int unbind_driver(const struct bus_arg *a, struct err *e)
{
	char path[128];
	int rc;

	(void)snprintf(path, sizeof(path), BUS "/drivers/%s/unbind", driver_of(a->bus));
	rc = file_write(AT_FDCWD, path, a->name);
	if (rc < 0 && bus_is_bound(a->name))
		return err_set(e, rc, "unbinding from %s: %s", driver_of(a->bus), err_str(rc));
	return 0;
}

/* Not on the bus: netlink need not be asked, which may be the very thing that does not work. */
bool bus_has(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), BUS "/devices/%s", name);
	return access(path, F_OK) == 0;
}

/*
 * Where the disk is mounted, or what else it is now, is a matter of its number: names are used
 * again, and changed.
 */
static int detach_disk(const struct bus_arg *a, struct err *e)
{
	struct node n;
	int hold = -1, rc = 0;

	if (node_of_device(a->name, a->bus, &n))
		rc = node_open_exclusive(&n, a->force, &hold, e);
	if (rc == 0)
		rc = unbind_driver(a, e);
	if (rc == 0)
		rc = vdpa_nl_del(a->name, e);
	fd_close(&hold);
	return rc;
}

static int detach_vhost(const struct bus_arg *a, struct err *e)
{
	struct node_taken t = { .fd = -1, .uid = a->interrupted ? a->uid : 0, .gid = a->interrupted ? a->gid : 0 };
	struct node n;
	int rc = 0;

	if (node_of_device(a->name, a->bus, &n))
		rc = node_take_vhost(&n, &t, e);
	if (rc < 0)
		return rc;
	rc = unbind_driver(a, e);
	if (rc < 0)
		node_give_back(&t, e);
	fd_close(&t.fd);
	return rc < 0 ? rc : vdpa_nl_del(a->name, e);
}

int bus_detach(const void *arg, struct helper_out *out)
{
	const struct bus_arg *a = arg;
	struct err *e = &out->result->err;

	if (!bus_has(a->name))
		return 0;
	return a->bus == CTL_BUS_VHOST ? detach_vhost(a, e) : detach_disk(a, e);
}

/*
 * control/vdpa_bus.c - see vdpa_bus.h. Runs in helpers; reads sysfs only, and opens the disk's node
 * without reading a byte of it.
 */
#include "control/vdpa_bus.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/disk_use.h"
#include "control/vdpa_nl.h"

#define BUS "/sys/bus/vdpa"
#define DRIVER "virtio_vdpa"

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
	int rc = need(BUS "/drivers/" DRIVER, DRIVER, e);

	if (!rc)
		rc = need("/sys/bus/virtio/drivers/virtio_blk", "virtio_blk", e);
	return rc ? rc : vdpa_nl_add(a->name, e);
}

static bool is_bound(const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), BUS "/devices/%s/driver", name);
	return access(path, F_OK) == 0;
}

static int bind_driver(const char *name, struct err *e)
{
	char path[128];
	int rc;

	if (is_bound(name))
		return 0; /* somebody switched automatic probing on meanwhile */
	(void)snprintf(path, sizeof(path), BUS "/devices/%s/driver_override", name);
	rc = file_write(AT_FDCWD, path, DRIVER);
	if (rc)
		return err_set(e, rc, "%s: %s", path, err_str(rc));
	rc = file_write(AT_FDCWD, BUS "/drivers/" DRIVER "/bind", name);
	if (rc && !is_bound(name))
		return err_set(e, rc, "binding to " DRIVER ": %s: look into the kernel's log with \"dmesg\"",
			       err_str(rc));
	return 0;
}

/* First entry of dir whose name begins with prefix; its name to buf. */
static bool first_entry(const char *dir, const char *prefix, char *buf, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	bool found = false;

	if (!d)
		return false;
	while (!found && (de = readdir(d)))
		if (de->d_name[0] != '.' && strncmp(de->d_name, prefix, strlen(prefix)) == 0)
			found = snprintf(buf, size, "%s", de->d_name) < (int)size;
	(void)closedir(d);
	return found;
}

/* The disk of a bound device and its number, as sysfs has them. */
static bool find_disk(const char *name, char *disk, size_t size, dev_t *number)
{
	char path[256], virtio[64], text[32];
	unsigned maj, min;

	(void)snprintf(path, sizeof(path), BUS "/devices/%s", name);
	/* not "virtio_vdpa..." attributes: the child is called virtio0, virtio1, ... */
	if (!first_entry(path, "virtio", virtio, sizeof(virtio)))
		return false;
	(void)snprintf(path, sizeof(path), BUS "/devices/%s/%s/block", name, virtio);
	if (!first_entry(path, "", disk, size))
		return false;
	(void)snprintf(path, sizeof(path), BUS "/devices/%s/%s/block/%s/dev", name, virtio, disk);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0 || sscanf(text, "%u:%u", &maj, &min) != 2)
		return false;
	*number = makedev(maj, min);
	return true;
}

static bool node_ready(const char *name, char *node, size_t size)
{
	char disk[VD_NODE_SIZE - 8];
	struct stat st;
	dev_t number;

	if (!find_disk(name, disk, sizeof(disk), &number))
		return false;
	(void)snprintf(node, size, "/dev/%s", disk);
	return stat(node, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == number;
}

int bus_bind(const void *arg, struct helper_out *out)
{
	const struct bus_arg *a = arg;
	struct err *e = &out->result->err;
	struct timespec ts = { .tv_nsec = 2000000 };
	struct bus_node res = { 0 };
	long long end;
	int rc = bind_driver(a->name, e);

	if (rc)
		return rc;
	end = now_ms() + BUS_NODE_WAIT_MS;
	while (!node_ready(a->name, res.node, sizeof(res.node))) {
		if (now_ms() >= end)
			return err_set(
				e, -ETIMEDOUT,
				"no disk appeared within %d s of binding: look into the kernel's log with \"dmesg\"",
				BUS_NODE_WAIT_MS / 1000);
		(void)nanosleep(&ts, NULL);
		if (ts.tv_nsec < 50000000)
			ts.tv_nsec *= 2;
	}
	memcpy(out->result->data, &res, sizeof(res));
	return 0;
}

/* Hold the node so that nobody mounts it while it goes. -1 in *hold when there is nothing to hold. */
static int hold_node(const struct bus_arg *a, int *hold, struct err *e)
{
	*hold = -1;
	if (!a->node[0])
		return 0;
	*hold = open(a->node, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (*hold >= 0 || errno != EBUSY || a->force)
		return 0;
	return disk_use_error(a->node, e);
}

static int unbind_driver(const char *name, struct err *e)
{
	char path[128];
	int rc;

	if (!is_bound(name))
		return 0;
	(void)snprintf(path, sizeof(path), BUS "/devices/%s/driver/unbind", name);
	rc = file_write(AT_FDCWD, path, name);
	if (rc && is_bound(name))
		return err_set(e, rc, "unbinding from " DRIVER ": %s", err_str(rc));
	return 0;
}

int bus_detach(const void *arg, struct helper_out *out)
{
	const struct bus_arg *a = arg;
	struct err *e = &out->result->err;
	int hold, rc = hold_node(a, &hold, e);

	if (!rc)
		rc = unbind_driver(a->name, e);
	if (!rc)
		rc = vdpa_nl_del(a->name, e);
	fd_close(&hold);
	return rc;
}

/*
 * control/steps/vdpa_node.c - see vdpa_node.h. Reads sysfs; opens nodes without reading a byte from them.
 */
#include "control/steps/vdpa_node.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/steps/disk_users.h"

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

/* Directory of the device's node in sysfs, and the node's name. */
static bool find_in_sysfs(const char *name, uint32_t bus, char *dir, size_t dir_size, char *leaf, size_t leaf_size)
{
	char base[128], virtio[64];

	(void)snprintf(base, sizeof(base), "/sys/bus/vdpa/devices/%s", name);
	if (bus == CTL_BUS_VHOST) {
		if (!first_entry(base, "vhost-vdpa-", leaf, leaf_size))
			return false;
		return snprintf(dir, dir_size, "%s/%s", base, leaf) < (int)dir_size;
	}
	if (!first_entry(base, "virtio", virtio, sizeof(virtio)))
		return false;
	if (snprintf(dir, dir_size, "%s/%s/block", base, virtio) >= (int)dir_size ||
	    !first_entry(dir, "", leaf, leaf_size))
		return false;
	return snprintf(dir, dir_size, "%s/%s/block/%s", base, virtio, leaf) < (int)dir_size;
}

bool node_ready(const char *name, uint32_t bus, char *node, size_t size)
{
	char dir[320], path[340], text[32], leaf[VD_NODE_SIZE - 8];
	unsigned maj, min;
	struct stat st;
	char *end;

	if (!find_in_sysfs(name, bus, dir, sizeof(dir), leaf, sizeof(leaf)))
		return false;
	(void)snprintf(path, sizeof(path), "%s/dev", dir);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	maj = (unsigned)strtoul(text, &end, 10);
	if (end == text || *end != ':')
		return false;
	min = (unsigned)strtoul(end + 1, NULL, 10);
	(void)snprintf(node, size, "/dev/%s", leaf);
	return stat(node, &st) == 0 && st.st_rdev == makedev(maj, min) &&
	       (bus == CTL_BUS_VHOST ? S_ISCHR(st.st_mode) : S_ISBLK(st.st_mode));
}

/* systemd-udevd: its database has an entry for the number, and no event waits. */
static bool udev_is_done(dev_t number)
{
	char entry[64];

	(void)snprintf(entry, sizeof(entry), "/run/udev/data/c%u:%u", major(number), minor(number));
	return access("/run/udev/queue", F_OK) != 0 && access(entry, F_OK) == 0;
}

static void wait_for_udev(dev_t number)
{
	long long end = now_ms() + NODE_UDEV_MS;
	struct timespec ts = { .tv_nsec = 5000000 };

	if (access("/run/udev/control", F_OK) != 0)
		return; /* no udev here */
	while (!udev_is_done(number) && now_ms() < end)
		(void)nanosleep(&ts, NULL);
}

int node_give(const char *node, uint32_t uid, uint32_t gid, struct err *e)
{
	struct stat st, again;
	int fd, rc = 0;

	if (stat(node, &st) != 0)
		return err_set(e, -errno, "%s: %s", node, err_str(-errno));
	wait_for_udev(st.st_rdev);
	fd = open(node, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", node, err_str(-errno));
	if (fstat(fd, &again) != 0 || !S_ISCHR(again.st_mode) || again.st_rdev != st.st_rdev)
		rc = err_set(e, -ESTALE, "%s is not the node it was", node);
	else if (chmod(node, 0600) != 0 || fchownat(fd, "", uid, gid, AT_EMPTY_PATH) != 0)
		rc = err_set(e, -errno, "giving %s to uid %u: %s", node, uid, err_str(-errno));
	fd_close(&fd);
	return rc;
}

int node_hold_disk(const char *node, bool force, int *hold, struct err *e)
{
	*hold = -1;
	if (!node[0])
		return 0;
	*hold = open(node, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK);
	if (*hold >= 0 || errno != EBUSY || force)
		return 0;
	return disk_use_error(node, e);
}

/* -EBUSY when somebody else has it open. That it cannot be opened for another reason does not matter: then nobody has it. */
static int probe_vhost(const char *node, struct err *e)
{
	int fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0 && errno == EBUSY)
		return err_set(e, -EBUSY,
			       "%s is open in a process (a virtual machine): stop that first; it cannot be forced away",
			       node);
	if (fd < 0 && errno == EPERM)
		return err_set(e, -EPERM,
			       "%s may not be opened by this service: was vhost_vdpa loaded after it had started? "
			       "Restart it with \"systemctl restart vdused\"",
			       node);
	fd_close(&fd);
	return 0;
}

/*
 * Root's first: the owner can then open it no more. An open of his that was let through before holds it while it resets the
 * device, which takes as long as the worker likes; unbinding would wait for that, and for ever if it fails. Hence the second
 * look, at those that were between the two.
 */
int node_reclaim_vhost(const char *node, struct err *e)
{
	struct timespec between = { .tv_nsec = NODE_LOOK_AGAIN_MS * 1000000L };
	struct stat was;
	int fd, rc;

	if (!node[0])
		return 0;
	fd = open(node, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "%s: %s", node, err_str(-errno));
	if (fstat(fd, &was) != 0 || fchownat(fd, "", 0, 0, AT_EMPTY_PATH) != 0) {
		rc = err_set(e, -errno, "taking %s back from its owner: %s", node, err_str(-errno));
		fd_close(&fd);
		return rc;
	}
	rc = probe_vhost(node, e);
	(void)nanosleep(&between, NULL);
	if (!rc)
		rc = probe_vhost(node, e);
	if (rc && fchownat(fd, "", was.st_uid, was.st_gid, AT_EMPTY_PATH) != 0)
		(void)err_set(e, rc, "%s is open in a process; it belongs to root now: chown it to uid %u", node,
			      was.st_uid);
	fd_close(&fd);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/vdpa_node.c - see vdpa_node.h. Opens nodes without reading a byte from them.
 */
#include "control/steps/vdpa_node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/steps/disk_users.h"

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

/* The node of that number, or a negative errno. */
static int open_disk(const char *path, const struct node *n)
{
	int fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == n->number)
		return fd;
	fd_close(&fd);
	return -ENOENT; /* another has been put there */
}

static int unknown(const struct node *n, int rc, struct err *e)
{
	const char *kind = n->kind == S_IFBLK ? "b" : "c";
	const char *force = n->kind == S_IFBLK ? ", or delete with --force and lose what is unwritten" : "";

	if (rc != -ENOENT)
		return err_class(e, CTL_E_BUSY, "whether /dev/%s is in use cannot be told: %s: mend that%s", n->leaf,
				 err_str(rc), force);
	return err_class(e, CTL_E_BUSY,
			 "whether %s is in use cannot be told, as its node is not in /dev: make it with \"mknod -m 600 "
			 "/dev/%s %s %u %u\"%s",
			 n->leaf, n->leaf, kind, major(n->number), minor(n->number), force);
}

/* Looked at when nobody else can take it any more, but for a loop device. */
int node_open_exclusive(const struct node *n, bool force, int *hold, struct err *e)
{
	char path[NODE_PATH_SIZE];
	int rc = node_path(n, path);

	*hold = rc < 0 ? rc : open_disk(path, n);
	rc = *hold < 0 ? *hold : 0;
	if (force || rc == -ENXIO || rc == -ENODEV) /* it is going already */
		return 0;
	if (rc < 0 && rc != -EBUSY)
		(void)unknown(n, rc, e);
	return disk_users(n->number, path, rc, e);
}

/*
 * -EBUSY when somebody else has it open. That it cannot be opened for another reason does not
 * matter: then nobody has it.
 */
static int probe_vhost(const char *node, struct err *e)
{
	int fd = open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0 && errno == EBUSY)
		return err_class(
			e, CTL_E_BUSY,
			"%s is open in a process (a virtual machine): stop that first; it cannot be forced away", node);
	if (fd < 0 && errno == EPERM)
		return err_set(e, -EPERM,
			       "%s may not be opened by this service: was vhost_vdpa loaded after it had started? "
			       "Restart it with \"systemctl restart vdused\"",
			       node);
	fd_close(&fd);
	return 0;
}

static int take(int fd, struct node_taken *t)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || fchownat(fd, "", 0, 0, AT_EMPTY_PATH) != 0)
		return -errno;
	if (st.st_uid != 0) {
		t->uid = st.st_uid;
		t->gid = st.st_gid;
	}
	return 0;
}

void node_give_back(struct node_taken *t, struct err *e)
{
	if (t->fd >= 0 && fchownat(t->fd, "", t->uid, t->gid, AT_EMPTY_PATH) != 0)
		(void)err_reword(e, "its node could not be given back to its owner: chown it to uid %u", t->uid);
	fd_close(&t->fd);
}

/*
 * Root's first: the owner can then open it no more. An open of his that was let through before
 * holds it while it resets the device, which takes as long as the worker likes; unbinding would
 * wait for that, and for ever if it fails. Hence the second look, at those that were between the
 * two.
 */
int node_take_vhost(const struct node *n, struct node_taken *t, struct err *e)
{
	struct timespec between = { .tv_nsec = NODE_LOOK_AGAIN_MS * 1000000L };
	char path[NODE_PATH_SIZE];
	int rc = node_path(n, path);

	t->fd = rc < 0 ? -1 : open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (t->fd < 0)
		return unknown(n, rc < 0 ? rc : -errno, e);
	rc = take(t->fd, t);
	if (rc < 0) {
		fd_close(&t->fd);
		return err_set(e, rc, "taking %s back from its owner: %s", path, err_str(rc));
	}
	rc = probe_vhost(path, e);
	(void)nanosleep(&between, NULL);
	if (rc == 0)
		rc = probe_vhost(path, e);
	if (rc < 0)
		node_give_back(t, e);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/check_netlink.c - the probe of `vduse-ctl check` that asks the kernel over generic
 * netlink (check.h). Runs as the tool's caller, in a child: one hanging vDPA device can block every
 * netlink call on the host without a way to interrupt it, and check is the tool to find that out
 * with.
 */
#include "control/ctl/check_netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vdpa.h>
#include <netlink/errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "control/ctl/findings.h"

#define PATIENCE_MS 5000
#define MGMT_DEVICE "vduse"

struct answer {
	int family; /* 0 or a negative libnl error */
	int device;
};

/* Returns 0 if the kernel knows the management device, else a negative libnl error. */
static int ask_device(struct nl_sock *sk, int family)
{
	struct nl_msg *msg = nlmsg_alloc();
	int rc = -NLE_NOMEM;

	if (msg && genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, VDPA_CMD_MGMTDEV_GET, VDPA_GENL_VERSION))
		rc = nla_put_string(msg, VDPA_ATTR_MGMTDEV_DEV_NAME, MGMT_DEVICE);
	if (rc == 0)
		rc = nl_send_auto(sk, msg);
	nlmsg_free(msg);
	return rc < 0 ? rc : nl_recvmsgs_default(sk);
}

static void ask(struct answer *a)
{
	struct nl_sock *sk = nl_socket_alloc();

	a->family = -NLE_NOMEM;
	a->device = -NLE_NODEV;
	if (!sk)
		return;
	nl_socket_disable_auto_ack(sk);
	a->family = genl_connect(sk);
	if (a->family == 0)
		a->family = genl_ctrl_resolve(sk, VDPA_GENL_NAME);
	if (a->family > 0) {
		a->device = ask_device(sk, a->family);
		a->family = 0;
	}
	nl_socket_free(sk);
}

static void child(int out)
{
	struct answer a;

	ask(&a);
	_exit(write(out, &a, sizeof(a)) == (ssize_t)sizeof(a) ? 0 : 1);
}

/*
 * Returns 0, -ETIMEDOUT, or another negative errno. A child that hangs in the kernel is left
 * behind, killed.
 */
static int ask_in_child(struct answer *a)
{
	int ends[2], rc;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		child(ends[1]);
	rc = pid < 0 ? -errno : 0;
	fd_close(&ends[1]);
	if (rc == 0)
		rc = chan_wait(ends[0], PATIENCE_MS);
	if (rc == 0 && read(ends[0], a, sizeof(*a)) != (ssize_t)sizeof(*a))
		rc = -EIO;
	fd_close(&ends[0]);
	if (pid > 0 && rc == -ETIMEDOUT)
		(void)kill(pid, SIGKILL);
	else if (pid > 0)
		(void)waitpid(pid, NULL, 0);
	return rc;
}

void check_netlink(struct check_list *l)
{
	static const char family[] = "netlink family vdpa", device[] = "management device vduse";
	struct answer a = { 0 };
	struct check_item *i;
	int rc = ask_in_child(&a);

	if (rc < 0) {
		i = check_add(l, family, CHECK_MISSING, "generic netlink does not answer: %s", err_str(rc));
		check_remedy(i, "a vDPA device probably hangs: look for processes in D state and for its worker");
		return;
	}
	if (a.family < 0) {
		i = check_add(l, family, CHECK_MISSING, "%s", nl_geterror(a.family));
		check_remedy(i, "modprobe vduse (it brings the vdpa module), then restart vdused; not in a network "
				"namespace of its own");
		return;
	}
	(void)check_add(l, family, CHECK_OK, "answers");
	if (a.device < 0) {
		i = check_add(l, device, CHECK_MISSING, "%s", nl_geterror(a.device));
		check_remedy(i, "modprobe vduse, then restart vdused");
		return;
	}
	(void)check_add(l, device, CHECK_OK, "registered");
}

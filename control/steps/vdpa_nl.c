/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/vdpa_nl.c - see vdpa_nl.h. Talks to the kernel only.
 */
#include "control/steps/vdpa_nl.h"

#include <errno.h>
#include <linux/vdpa.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>
#include <stdbool.h>

#define MGMT_DEVICE "vduse"

/* The kernel's extended acknowledgement, or the words for libnl's own error. */
static int nl_to_errno(int nlerr)
{
	switch (-nlerr) {
	case NLE_EXIST:
		return -EEXIST;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_NODEV:
		return -ENODEV;
	case NLE_PERM:
		return -EPERM;
	case NLE_BUSY:
		return -EBUSY;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_OPNOTSUPP:
		return -EOPNOTSUPP;
	case NLE_INVAL:
	case NLE_RANGE:
		return -EINVAL;
	}
	return -EIO;
}

static int connect_family(struct nl_sock *sk, int *family, struct err *e)
{
	int rc = genl_connect(sk);

	if (rc < 0)
		return err_set(e, nl_to_errno(rc), "generic netlink: %s", nl_geterror(rc));
	rc = genl_ctrl_resolve(sk, VDPA_GENL_NAME);
	if (rc < 0)
		return err_set(e, -ENOENT,
			       "the kernel's netlink family \"vdpa\" is not there (%s): load the module with "
			       "\"modprobe vdpa\", "
			       "and run vdused in the host's own network namespace",
			       nl_geterror(rc));
	*family = rc;
	return 0;
}

static int send_command(struct nl_sock *sk, int family, uint8_t cmd, const char *name, bool mgmt)
{
	struct nl_msg *msg = nlmsg_alloc();
	int rc = -NLE_NOMEM;

	if (!msg)
		return rc;
	if (genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST | NLM_F_ACK, cmd, VDPA_GENL_VERSION) &&
	    nla_put_string(msg, VDPA_ATTR_DEV_NAME, name) == 0 &&
	    (!mgmt || nla_put_string(msg, VDPA_ATTR_MGMTDEV_DEV_NAME, MGMT_DEVICE) == 0))
		return nl_send_sync(sk, msg); /* frees msg */
	nlmsg_free(msg);
	return rc;
}

static int command(uint8_t cmd, const char *name, bool mgmt, int *nlerr, struct err *e)
{
	struct nl_sock *sk = nl_socket_alloc();
	int family = 0, rc;

	*nlerr = 0;
	if (!sk)
		return err_set(e, -ENOMEM, "out of memory");
	rc = connect_family(sk, &family, e);
	if (rc == 0)
		*nlerr = send_command(sk, family, cmd, name, mgmt);
	nl_socket_free(sk);
	return rc;
}

int vdpa_nl_add(const char *name, struct err *e)
{
	int nlerr, rc = command(VDPA_CMD_DEV_NEW, name, true, &nlerr, e);

	if (rc < 0 || nlerr >= 0)
		return rc;
	if (nlerr == -NLE_EXIST)
		return err_class(e, CTL_E_EXISTS, "the vdpa bus already has a device \"%s\": choose another name",
				 name);
	if (nlerr == -NLE_NODEV || nlerr == -NLE_OBJ_NOTFOUND)
		return err_set(e, nl_to_errno(nlerr),
			       "the kernel has no vdpa management device \"" MGMT_DEVICE
			       "\" (%s): load the module with \"modprobe vduse\"",
			       nl_geterror(nlerr));
	return err_set(e, nl_to_errno(nlerr), "netlink refused to add the device to the vdpa bus: %s",
		       nl_geterror(nlerr));
}

int vdpa_nl_del(const char *name, struct err *e)
{
	int nlerr, rc = command(VDPA_CMD_DEV_DEL, name, false, &nlerr, e);

	if (rc < 0 || nlerr >= 0 || nlerr == -NLE_NODEV || nlerr == -NLE_OBJ_NOTFOUND)
		return rc;
	return err_set(e, nl_to_errno(nlerr), "netlink refused to take the device off the vdpa bus: %s",
		       nl_geterror(nlerr));
}

int vdpa_nl_ask(const void *arg, struct helper_out *out)
{
	int nlerr;

	(void)arg;
	return command(VDPA_CMD_DEV_GET, "", false, &nlerr, &out->result->err);
}

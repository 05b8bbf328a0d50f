/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/table.c - see table.h. The privilege of every helper of vdused, one row for each
 * kind: vdused(8), Capabilities, has the same list, and tests/unit/test_control_table.c compares
 * them. One more, "close", without any capability, is in control/helper/close_elsewhere.c.
 */
#include "control/steps/table.h"

#include "control/steps/adopt.h"
#include "control/steps/backing.h"
#include "control/steps/find_file.h"
#include "control/steps/handover.h"
#include "control/steps/measure.h"
#include "control/steps/msg_timeout.h"
#include "control/steps/read_config.h"
#include "control/steps/spawn.h"
#include "control/steps/vdpa_bus.h"
#include "control/steps/vdpa_nl.h"
#include "control/steps/vduse_control.h"
#include "control/sys/caps.h"

#define C(cap) CAP_BIT(CAP_##cap)
/* a backing file is opened with its owner's rights, and its owner may be root */
#define AS_OWNER (C(SETUID) | C(SETGID) | C(DAC_OVERRIDE))
#define JAIL (C(SYS_ADMIN) | C(SETUID) | C(SETGID) | C(SETPCAP) | C(SYS_RESOURCE))

const struct helper_kind helper_kinds[HELPER_KINDS] = {
	/* name, function, capabilities, deadline in ms, patient */
	/* above BACKING_RECV_MS */
	[HELPER_CHECK_FILE] = { "check file", backing_check, AS_OWNER, 6000, false },
	[HELPER_CREATE_DEVICE] = { "create device", vduse_create, 0, 10000, false },
	[HELPER_SPAWN] = { "spawn", jail_spawn, JAIL, 10000, false },
	[HELPER_HAND_OVER] = { "hand-over", handover, AS_OWNER, 10000, false },
	[HELPER_ATTACH] = { "attach", bus_add, C(NET_ADMIN), 10000, false },
	/* five workers that do not answer come and go before: then that is the reason said */
	[HELPER_BIND] = { "bind", bus_bind, C(CHOWN), 30000, true },
	/* above the kernel's own message timeout of 30 s, and the last look of bind_watch.c */
	[HELPER_DETACH] = { "detach", bus_detach, C(NET_ADMIN) | C(CHOWN) | C(DAC_OVERRIDE), 60000, false },
	[HELPER_DESTROY_DEVICE] = { "destroy device", vduse_destroy, 0, 10000, false },
	/* above ADOPT_ANSWER_MS with its looks, and what comes after it */
	[HELPER_ADOPT] = { "adopt", adopt_step, C(KILL) | AS_OWNER, 20000, false },
	[HELPER_FIND_FILE] = { "find file", find_file, AS_OWNER, 15000, false },
	[HELPER_TRY_FILE] = { "find file", try_file, AS_OWNER, 15000, false },
	[HELPER_MEASURE] = { "measure", measure, C(SYS_RESOURCE) | AS_OWNER, 10000, false },
	[HELPER_TIMEOUT_LOOK] = { "message timeout", msg_timeout_look, 0, 5000, false },
	[HELPER_TIMEOUT_SHORTEN] = { "message timeout", msg_timeout_shorten, 0, 5000, false },
	[HELPER_TIMEOUT_SET_BACK] = { "message timeout", msg_timeout_set_back, 0, 5000, false },
	/*
	 * then it is killed, and if it does not end within its grace (helper.c, 500 ms) it is stuck
	 * behind a lock; together more than a worker may take (DEVICE_DRAIN_MS)
	 */
	[HELPER_NETLINK] = { "netlink", vdpa_nl_ask, 0, 2000, false },
	/* names of users may come from a slow directory service */
	[HELPER_CONFIGURATION] = { "configuration", read_config, 0, 20000, false },
};

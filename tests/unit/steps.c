/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/steps.c - stands in for control/steps where the table of helpers is linked: no step is
 * ever run.
 */
#include "tests/unit/unit.h"

#include <errno.h>

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

#define STEP(name)                                                                                                     \
	int name(const void *arg, struct helper_out *out)                                                              \
	{                                                                                                              \
		fail_msg(#name " was run, with %p for %p", arg, (void *)out);                                          \
		return -ENOSYS;                                                                                        \
	}

STEP(adopt_step)
STEP(backing_check)
STEP(bus_add)
STEP(bus_bind)
STEP(bus_detach)
STEP(find_file)
STEP(handover)
STEP(jail_spawn)
STEP(measure)
STEP(msg_timeout_look)
STEP(msg_timeout_set_back)
STEP(msg_timeout_shorten)
STEP(read_config)
STEP(try_file)
STEP(vdpa_nl_ask)
STEP(vduse_create)
STEP(vduse_destroy)

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/table.h - what kinds of helpers there are. Main process only, which starts them:
 * helper_start(base, &helper_kinds[HELPER_ATTACH], ...).
 */
#ifndef CONTROL_STEPS_TABLE_H
#define CONTROL_STEPS_TABLE_H

#include "control/helper/helper.h"

enum helper_id {
	HELPER_CHECK_FILE,
	HELPER_CREATE_DEVICE,
	HELPER_SPAWN,
	HELPER_HAND_OVER,
	HELPER_ATTACH,
	HELPER_BIND,
	HELPER_DETACH,
	HELPER_DESTROY_DEVICE,
	HELPER_ADOPT,
	HELPER_FIND_FILE,
	HELPER_TRY_FILE,
	HELPER_MEASURE,
	HELPER_TIMEOUT_LOOK,
	HELPER_TIMEOUT_SHORTEN,
	HELPER_TIMEOUT_SET_BACK,
	HELPER_NETLINK,
	HELPER_CONFIGURATION,
	HELPER_KINDS
};

extern const struct helper_kind helper_kinds[HELPER_KINDS];

#endif

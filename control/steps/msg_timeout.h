/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/msg_timeout.h - how long the kernel waits for an answer to a message of one device,
 * /sys/class/vduse/NAME/msg_timeout. Helpers only.
 */
#ifndef CONTROL_STEPS_MSG_TIMEOUT_H
#define CONTROL_STEPS_MSG_TIMEOUT_H

#include <stdint.h>

#include "control/helper/helper.h"
#include "proto/limits.h"

#define MSG_TIMEOUT_SHORT_S 1U

struct msg_timeout_arg {
	char name[VD_NAME_SIZE];
	uint32_t seconds; /* what it was before it was shortened; 0 = none */
};

/*
 * Set it back, if it is the short one still: somebody else's choice stays. 0 or a negative errno.
 */
int msg_timeout_restore(const char *name, uint32_t seconds, struct err *e);

/*
 * helper_fns; arg is a struct msg_timeout_arg. Look what it is (result: uint32_t seconds); make it
 * MSG_TIMEOUT_SHORT_S; set it back as above. To look and to shorten are two steps, as what it was
 * must be on record before it is changed.
 */
int msg_timeout_look(const void *arg, struct helper_out *out);
int msg_timeout_shorten(const void *arg, struct helper_out *out);
int msg_timeout_set_back(const void *arg, struct helper_out *out);

#endif

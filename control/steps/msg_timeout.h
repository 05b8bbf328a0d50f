/*
 * control/steps/msg_timeout.h - how long the kernel waits for an answer to a message of one device, /sys/class/vduse/NAME/msg_timeout.
 * Helpers only.
 */
#ifndef CONTROL_STEPS_MSG_TIMEOUT_H
#define CONTROL_STEPS_MSG_TIMEOUT_H

#include <stdint.h>

#include "control/helper/helper.h"

#define MSG_TIMEOUT_SHORT_S 1U

/* Set it, in seconds (0 = none). 0 or a negative errno. */
int msg_timeout_set(const char *name, uint32_t seconds, struct err *e);

/* helper_fn; arg is the device's name. Make it MSG_TIMEOUT_SHORT_S. Result: what it was, uint32_t seconds. */
int msg_timeout_shorten(const void *arg, struct helper_out *out);

#endif

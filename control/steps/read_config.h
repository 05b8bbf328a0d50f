/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/read_config.h - vdused.conf is read again. Helpers only: names of users may come
 * from a slow directory service.
 */
#ifndef CONTROL_STEPS_READ_CONFIG_H
#define CONTROL_STEPS_READ_CONFIG_H

#include "control/helper/helper.h"

/*
 * helper_fn with struct options. Result: one descriptor, an unnamed file that holds a struct
 * config. That is our own code's word, as a helper's always is.
 */
int read_config(const void *arg, struct helper_out *out);

#endif

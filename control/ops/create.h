/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/create.h - making a device. Main process only.
 */
#ifndef CONTROL_OPS_CREATE_H
#define CONTROL_OPS_CREATE_H

#include "control/device/device.h"

#define STEP_CHECK_FILE "check file" /* create's first step: the client's file is judged */

/*
 * Run the steps of create on a fresh record whose parameters are set. client_fd: the connection
 * that the file comes over, read by a helper until files_taken is called. done is called once;
 * after an error everything is undone and the record is freed by this module as soon as done
 * returns.
 */
int create_run(struct device *d, int client_fd, void (*file_taken)(struct device *d), device_done *done, struct err *e);

extern const struct operation op_create;

#endif

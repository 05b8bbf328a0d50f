/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/print.h - how vduse-ctl shows state to people and to programs. Runs as the tool's
 * caller. Strings that come from vdused must have been made printable before. Writes to stdout.
 */
#ifndef CONTROL_CTL_PRINT_H
#define CONTROL_CTL_PRINT_H

#include <stddef.h>
#include <stdint.h>

#include "proto/ctl_msg.h"

/* "0", "512", "4K", "1.5G": binary units, one decimal at most, cut off. buf holds 16 bytes. */
void print_size(uint64_t bytes, char buf[16]);

/*
 * The words for a virtio device status byte: "ACKNOWLEDGE DRIVER"; "reset" for 0. buf holds 96
 * bytes.
 */
void print_status_words(uint32_t status, char buf[96]);

/*
 * "No space left on device (ENOSPC)", "error 4000" for a number without a name. buf holds 96 bytes.
 */
void print_errno_words(uint32_t number, char buf[96]);

/* The word for an enum io_how; NULL where that is not known. */
const char *print_io_word(uint32_t io);

/* For people. */
void print_list(const struct ctl_info *list, size_t n);
void print_device(const struct ctl_info *i);

#endif

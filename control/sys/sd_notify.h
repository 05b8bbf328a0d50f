/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/sd_notify.h - telling systemd about our state (sd_notify(3) protocol). Main process.
 */
#ifndef CONTROL_SYS_SD_NOTIFY_H
#define CONTROL_SYS_SD_NOTIFY_H

/* Send state ("READY=1") to $NOTIFY_SOCKET; nothing happens where there is none. */
void notify(const char *state);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/log_limit.h - nobody fills the host's log with requests that fail. Main process only.
 */
#ifndef CONTROL_SYS_LOG_LIMIT_H
#define CONTROL_SYS_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#define QUIET_LINES 20U /* a second, about requests of one uid; root's are not counted */

/*
 * May a line about a request of this uid be logged now? The first one that may not is replaced by
 * one that says so.
 */
bool log_limit_allows(uint32_t uid);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/log_writer.h - the process that writes the log, so that vdused never waits for
 * whoever reads it.
 *
 * Nothing that vdused could do itself is really never blocking: O_NONBLOCK would hold for all who
 * share the open file description of the standard error that we were given (a terminal, a pipe of a
 * shell); MSG_DONTWAIT is for sockets; poll(2) does not say how much a pipe or a terminal takes;
 * and a regular file has neither. So a child writes, and may wait for as long as it takes. Standard
 * error of vdused and its helpers becomes a SEQPACKET socket to it, our end of which does not
 * block: whatever is written there, by libraries too, is queued or refused at once. The kernel
 * bounds the queue (about 200 lines); what does not get into it is counted, and the count is
 * written as soon as the queue is empty again.
 *
 * The child has standard error, its end of the socket, no capability and vdused's system call
 * filter. It ends when all who could write have, and a few seconds after vdused at the latest. One
 * that is killed is replaced at the next line.
 */
#ifndef CONTROL_SYS_LOG_WRITER_H
#define CONTROL_SYS_LOG_WRITER_H

#include "common/err.h"

/*
 * Main process of vdused, once, before anything else is done that may not wait. 0 or a negative
 * errno.
 */
int log_writer_start(struct err *e);

/* At the end: wait until all is written, LOG_END_MS at most. Nothing can be logged afterwards. */
void log_writer_end(void);

#define LOG_END_MS 2000

#endif

/*
 * control/worker_proc.h - one worker process as vdused sees it: start, channel, death, stop. Main process only.
 * A worker may be taken over: anything unexpected from it means that it is killed, and nothing else.
 */
#ifndef CONTROL_WORKER_PROC_H
#define CONTROL_WORKER_PROC_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

struct device;

enum worker_phase {
	WORKER_NONE = 0, /* no process */
	WORKER_SPAWNING, /* the spawn helper runs */
	WORKER_SEALING, /* executed; WORK_READY awaited */
	WORKER_HANDOVER, /* the hand-over helper runs, or its descriptors are not taken yet */
	WORKER_SERVING,
	WORKER_STOPPING, /* WORK_STOP sent, or killed; its exit is awaited */
};

struct worker {
	enum worker_phase phase;
	pid_t pid; /* 0 = none */
	int pidfd; /* -1 = none */
	int chan; /* vdused's end, non-blocking, -1 = none */
	struct event *readable, *exited, *timer;
	uint32_t generation; /* of the last one started */
	bool helper_running; /* a spawn or hand-over helper has a pointer to the device */
	bool handed_over; /* the hand-over helper is done */
	bool says_serving; /* WORK_SERVING seen */
	struct err why; /* first reason for its end */
	int exit_code; /* of the last one that exited by itself, -1 = killed */
	void (*started)(struct device *d, const struct err *e);
	void (*stopped)(struct device *d);
	uint64_t ping; /* cookie of the last WORK_PING */
	bool ping_pending; /* it is not answered yet */
	unsigned logs; /* lines relayed in this second */
	long long log_ms;
};

void worker_init(struct worker *w);

/*
 * Start the next generation: spawn in its jail, wait until it is sealed, check it, hand over the descriptors,
 * wait until it serves. done is called once, from the event loop; after an error no process is left. phase must
 * be WORKER_NONE. Returns 0 or a negative errno (done is not called then).
 */
int worker_start(struct device *d, void (*done)(struct device *d, const struct err *e), struct err *e);

/*
 * Ask it to finish (WORK_STOP), kill it after WORKER_STOP_MS; done is called from the event loop or at once when
 * there is none. A start that is under way is given up: its done is not called.
 */
void worker_stop(struct device *d, void (*done)(struct device *d));

/* Kill it now; its exit is noticed as usual. why is what the log says. */
void worker_kill(struct device *d, const char *why);

/* Called by this module when a serving worker ended without worker_stop(): control/recover.c. */
void worker_died(struct device *d, const struct err *why);

/*
 * Watchdog: a worker that serves is asked every PING_MS and killed when it does not answer within PONG_MS, far below
 * the kernel's message timeout, after which a device is broken for good. Killing one that was merely slow does no harm.
 */
#define WORKER_PING_MS 1000
#define WORKER_PONG_MS 2000

#define WORKER_READY_MS 10000
#define WORKER_SERVING_MS 10000
#define WORKER_STOP_MS 5000
#define WORKER_SPAWN_MS 10000U
#define WORKER_HANDOVER_MS 10000U

#endif

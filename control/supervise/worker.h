/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/supervise/worker.h - one worker process as vdused sees it: start, channel, death, stop.
 * Main process only. A worker may be taken over: anything unexpected from it means that it is
 * killed, and nothing else.
 *
 * What it needs to know comes with its start (struct worker_params), what happens to it is told by
 * callbacks. struct device is the name of whoever is told, and unknown here.
 *
 * A device has room for two: the one that serves, and during an upgrade the one that will
 * (control/ops/upgrade.c).
 */
#ifndef CONTROL_SUPERVISE_WORKER_H
#define CONTROL_SUPERVISE_WORKER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "control/sys/cgroup.h"
#include "control/sys/late.h"
#include "proto/worker_msg.h"

struct device;
struct handover_arg; /* control/steps/handover.h */

/* What a worker is started with, is told and may do; copied. */
struct worker_params {
	struct event_base *base;
	const char *runtime_dir, *binary; /* must outlive the worker */
	struct cgroup_limits limits;
	uint32_t uid; /* its own, also its gid */
	uint32_t owner_uid; /* on whose behalf its helpers run */
	uint64_t file_size; /* bytes that it may write up to, 0 = no regular file */
	struct work_setup setup; /* all but header and log level */
};

/* What whoever started it is told and asked, from the event loop. */
struct worker_events {
	/*
	 * What it is to be handed now: fill *a, all but the pid. Returns the O_PATH descriptor of
	 * the backing file, which stays the callee's, -1 = none.
	 */
	int (*handover)(const struct device *d, struct handover_arg *a);
	/* From here on it may serve without us: the next vdused must know of it. */
	void (*about_to_serve)(struct device *d);
	/* It has the device, and the kernel's message timeout is what it was. */
	void (*handed_over)(struct device *d);
	/* It served and ended without worker_stop(). */
	void (*died)(struct device *d, const struct err *why);
};

typedef void worker_started(struct device *d, const struct err *e);
typedef void worker_stopped(struct device *d);
typedef void worker_resized(struct device *d, const struct err *e);

enum worker_phase {
	WORKER_NONE = 0, /* no process */
	WORKER_SPAWNING, /* the spawn helper runs */
	WORKER_SEALING, /* executed; WORK_READY awaited */
	WORKER_STANDBY, /* sealed, and waits for worker_promote() */
	WORKER_HANDOVER, /* the hand-over helper runs, or its descriptors are not taken yet */
	WORKER_SERVING,
	WORKER_STOPPING, /* WORK_STOP sent, or killed; its exit is awaited */
};

struct worker {
	struct device *dev; /* whom its events are told */
	const struct worker_events *events;
	struct worker_params params; /* of the last one that was started */
	enum worker_phase phase;
	pid_t pid; /* 0 = none */
	/* of the process, as /proc/PID/stat has it: tells it from a later one of the same pid */
	uint64_t start_time;
	int pidfd; /* -1 = none */
	int chan; /* vdused's end, non-blocking, -1 = none */
	struct event *readable, *exited, *timer;
	uint32_t generation;
	bool standby; /* it is to stop in WORKER_STANDBY */
	/* started by an earlier vdused: no child of ours, so its exit status stays unknown */
	bool adopted;
	bool helper_running; /* a spawn or hand-over helper has a pointer here */
	bool handed_over; /* the hand-over helper is done */
	bool says_serving; /* WORK_SERVING seen */
	long long killed_ms; /* when it was sent SIGKILL, 0 = not */
	struct err why; /* first reason for its end */
	int exit_code; /* of the last one that exited by itself, -1 = killed, or not known */
	int halted; /* negative errno of a request that waits (WORK_HALTED), 0 = none */
	/* WORK_RESUME that it has not answered: what it says of halts may be of before them */
	unsigned resumes;
	worker_started *started;
	worker_stopped *stopped;
	worker_resized *resized;
	uint64_t resize_to; /* bytes, the size that it was told last */
	unsigned resize_turns; /* of the watchdog, since then */
	uint64_t ping; /* cookie of the last WORK_PING */
	bool ping_pending; /* it is not answered yet */
	struct late late; /* the wait for what it is to say */
	long long due_ms; /* when its timer is to fire */
	bool frozen; /* it is late since its cgroup is frozen, and the log says so */
	/* the last one was killed, but not for what it did: no step towards fail mode */
	bool blameless;
	unsigned logs; /* lines relayed in this second */
	long long log_ms;
};

/* events must outlive w. */
void worker_init(struct worker *w, struct device *d, const struct worker_events *events);

/*
 * Start the next generation: spawn in its jail, wait until it is sealed, check it, hand over the
 * descriptors, wait until it serves. started is called once, from the event loop; after an error no
 * process is left. phase must be WORKER_NONE. Returns 0 or a negative errno (started is not called
 * then).
 * With standby it is called when the worker is sealed and waits; worker_promote() goes on from
 * there.
 */
int worker_start(struct worker *w, const struct worker_params *p, bool standby, worker_started *started, struct err *e);

/*
 * A worker in WORKER_STANDBY is handed the device, which no other has any more. started as above.
 */
void worker_promote(struct worker *w, worker_started *started);

/* A process that an earlier vdused left. */
struct worker_left {
	pid_t pid;
	int pidfd;
	int chan; /* -1 = none */
	int halted; /* as in struct worker */
};

/*
 * A worker of an earlier vdused, whose jail was checked and who answers on chan, is ours from now
 * on: pidfd and chan are taken over. 0 or a negative errno; then they are closed, and the process
 * is as it was.
 */
int worker_adopt(struct worker *w, const struct worker_params *p, const struct worker_left *left, struct err *e);

/*
 * A worker of an earlier vdused that cannot be adopted: kill it, and call done from the event loop
 * when it has ended, however long that takes: it begins no I/O after that. Its pidfd is taken over;
 * it has no channel. 0 or a negative errno.
 */
int worker_kill_and_wait(struct worker *w, const struct worker_params *p, const struct worker_left *left,
			 worker_stopped *done, struct err *e);

/*
 * Ask it to finish (WORK_STOP), kill it after WORKER_STOP_MS; done is called from the event loop or
 * at once when there is none. A start that is under way is given up: its started is not called.
 */
void worker_stop(struct worker *w, worker_stopped *done);

/* Kill it now; its exit is noticed as usual. why is what the log says. */
void worker_kill(struct worker *w, const char *why);

/* The same, for what is not its own fault: this death does not count towards fail mode. */
void worker_replace(struct worker *w, const char *why);

/*
 * Tell it that the disk has grown to capacity bytes; resized is called once, also when it dies
 * instead.
 */
int worker_resize(struct worker *w, uint64_t capacity, worker_resized *resized);

/* Let what it halted for (WORK_HALTED) go on. 0 or a negative errno. */
int worker_resume(struct worker *w);

/*
 * Watchdog: a worker that serves is asked every PING_MS. When it does not answer within PONG_MS it
 * is judged by control/sys/late.h: a stopped one is killed at once, one that hangs a second later,
 * one that gets no processor time after LATE_LOOKS_MAX seconds, still below the kernel's message
 * timeout, after which a device is broken for good. Killing one that was merely slow does no harm
 * but a pause, and does not count towards fail mode. The same goes for the deadlines of its start.
 * A worker that answers here but not the kernel is the matter of control/watch.
 */
#define WORKER_PING_MS 1000
#define WORKER_PONG_MS 2000

#define WORKER_RESIZE_TURNS 5U /* pings in which an answer to WORK_RESIZE must come */

#define WORKER_READY_MS 10000
#define WORKER_SERVING_MS 10000 /* from the end of the hand-over helper */
#define WORKER_STOP_MS 5000

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queue.h - one virtqueue and the thread that serves it. Runs in vduse-worker. The
 * main thread sets a queue up and changes it only while its thread is held; the thread tells the
 * main thread by notes what it cannot do itself (the main thread alone talks to vdused and answers
 * the kernel).
 *
 * Holding: `want` is raised to an odd number by queue_hold(), the thread stores it in `ack` as
 * soon as nothing is being executed and everything executed is published. That takes as long as
 * all that was begun, which is limited (QUEUE_PENDING_BYTES, QUEUE_PENDING_SLOW). Nothing is begun
 * meanwhile. queue_release() makes it even again.
 * A held thread sleeps in the same read() as an idle one. notify_fd is signalled when ack is
 * stored.
 *
 * Halting (WORK_F_STOP): a request that the disk failed stays taken, and so in the log; nothing
 * more is taken, and what was begun ends and is published, or fails and stays as well. The thread
 * goes on as after a crash: what is taken is executed again in its old order. A halted thread can
 * be held and released like an idle one.
 *
 * Waiting: no request is completed without a status byte (blk.h), and a driver's memory may be
 * missing for the time between two changes of it. A request of which anything cannot be reached
 * stops its queue in the same way. Where the host has run short for a moment, or the memory is
 * being changed, the main thread lets it go on again and again (memory_wait.h). Where the kernel
 * knows no memory for a second in which none was changed, the request ends with an I/O error, and
 * where that has no place for a status, the queue fails.
 *
 * Whatever touches the driver's memory, or maps or unmaps it, is done by the thread, because it can
 * hang for as long as a driver likes (iova.h). The main thread asks for it with queue_ask(), also
 * while the queue is held: until it is done the queue does not count as held.
 */
#ifndef WORKER_DEVICE_QUEUE_H
#define WORKER_DEVICE_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "worker/blk/blk.h"
#include "worker/blk/engine.h"
#include "worker/device/vduse.h"
#include "worker/ring/iova.h"
#include "worker/ring/virtq.h"

#define QUEUE_BATCH 32U /* requests published in one go at most */
#define QUEUE_BATCH_BYTES (1U << 20) /* ... and about this many bytes */
#define QUEUE_PENDING_BYTES (8U << 20) /* with this many bytes pending, no more are taken */
#define QUEUE_PENDING_SLOW 2U /* or with this many that are neither READ nor WRITE */
#define QUEUE_MANY 16U /* requests of more than IO_IOV_FEW pieces that are pending at once */

/* Notes to the main thread. */
#define QUEUE_N_FAILED 0x1U /* the ring was malformed: q->failure says how */
#define QUEUE_N_KICKED 0x2U /* a kick for a queue that is not being served */
#define QUEUE_N_NO_IRQ 0x4U /* the kernel refused an interrupt: try again, or it was a reset */
#define QUEUE_N_ERROR 0x8U /* a request failed: q->last_error, q->last_bad */
#define QUEUE_N_HALTED 0x10U /* a request failed and waits: queue_halted() in queue_halt.h */
/* it cannot be served as it is: q->refusal says why. The next kick tries again */
#define QUEUE_N_REFUSED 0x20U
/* memory cannot be reached now: q->refusal, q->refused_by say why. queue_waits() */
#define QUEUE_N_WAITS 0x40U
#define QUEUE_N_FULL 0x80U /* the same, as the map is full, for the first time for this request */
/* Of no interest once the ring is forgotten. */
#define QUEUE_N_OF_RING (QUEUE_N_FAILED | QUEUE_N_HALTED | QUEUE_N_REFUSED | QUEUE_N_WAITS | QUEUE_N_FULL)

/* Values of q->halted. */
#define QUEUE_GOES_ON 1 /* the thread has not seen yet that it may go on */
#define QUEUE_WAITS 2 /* for memory */

/* What queue_ask() can ask for. */
#define QUEUE_DO_READY 0x1U /* queue_ready(), its result in q->ready */
#define QUEUE_DO_SWEEP 0x2U /* iova_sweep() */

struct queue {
	/* shared between the threads */
	_Atomic uint32_t want, ack; /* odd = hold */
	_Atomic uint32_t notes;
	_Atomic uint32_t todo; /* QUEUE_DO_* */
	_Atomic int last_error; /* negative errno */
	const char *_Atomic last_bad; /* why a request was refused */
	const char *_Atomic failure; /* why the queue failed */
	/*
	 * 0; the negative errno of the request that the disk failed; QUEUE_WAITS; or QUEUE_GOES_ON.
	 * The thread stops only when it is 0 or QUEUE_GOES_ON, and makes 0 of the latter; the main
	 * thread makes QUEUE_GOES_ON of the others, and anything 0 while it is held.
	 */
	_Atomic int halted;
	const char *_Atomic refusal; /* why it cannot be served */
	_Atomic int refused_by; /* negative errno */
	_Atomic uint32_t waits; /* how often it waited since it completed something */
	/* ... since memory changed last, as the kernel knew none where it should be */
	_Atomic uint32_t misses;

	/* set once */
	uint32_t index;
	bool fail_mode; /* WORK_F_FAIL */
	/* eventfds: kicks and commands for the thread; notes for the main thread */
	int kick_fd, notify_fd;
	struct vduse *vduse;
	const struct blk_dev *blk;
	bool stops; /* WORK_F_STOP, and not in fail mode */
	struct engine engine;
	pthread_t thread;

	/* main thread's */
	bool known; /* conf is a snapshot of what the driver set up */

	/*
	 * the thread's while it runs, the main thread's while it is held (failed can be read at any
	 * time)
	 */
	atomic_bool failed;
	bool mapped; /* rings are translated */
	/*
	 * positions and log are set; where not, a released thread begins by the log (queue_ready())
	 */
	bool begun;
	int ready; /* what queue_ready() returned when it was asked for */
	/* sigbus_count() when the driver's memory was last forgotten: more of them, and it fails */
	unsigned faults;
	struct state_queue *state; /* in the state file */
	struct iova_view mem;
	struct virtq vq;
	struct chain chain;
	uint32_t ndone, pending;
	uint64_t pending_bytes; /* of those */
	uint32_t pending_slow; /* of those: engine_is_slow() */
	int stopped_by; /* negative errno: halt when nothing is pending any more */
	const char *unreached; /* the same: what of a request cannot be reached */
	int unreached_by; /* error of iova.h; 0: it will never be */
	struct blk_done done[QUEUE_BATCH]; /* to be published */
	struct blk_req *free; /* slots that no request has */
	struct iovec *many[QUEUE_MANY]; /* arrays that none has */
	uint32_t nmany;
	struct io durable; /* for drivers without FLUSH */
};

/*
 * Make the eventfd, the request slots and the thread, held. index, notify_fd, vduse, blk, engine
 * and mem.map are set in a zeroed *q by the caller. 0 or a negative errno; what was made before an
 * error stays: the process ends then.
 */
int queue_create(struct queue *q);

/* Ask the thread to stop between two requests; queue_is_held() says when it has. Main thread. */
void queue_hold(struct queue *q);
bool queue_is_held(const struct queue *q);

/*
 * Let the thread of a held queue do this (QUEUE_DO_*); queue_is_held() says when it has. Main
 * thread.
 */
void queue_ask(struct queue *q, uint32_t todo);

/* Let it run; it looks at the ring at once, after what it was asked for. Main thread, held. */
void queue_release(struct queue *q);

/* Take the notes. Main thread. */
uint32_t queue_take_notes(struct queue *q);

/* Is it to be held? Its thread: then nothing more is taken. */
static inline bool queue_hold_wanted(const struct queue *q)
{
	return atomic_load_explicit(&q->want, memory_order_acquire) & 1;
}

/*
 * Between queue.c, queue_halt.c and requests.c: tell the main thread (its thread); wake the thread
 * (any).
 */
void queue_note(struct queue *q, uint32_t bit);
void queue_wake(struct queue *q);

/*
 * The queue is not served until the driver resets the device; why must be a literal. Its thread, or
 * held.
 */
void queue_fail(struct queue *q, const char *why);

#endif

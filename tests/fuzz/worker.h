/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/worker.h - the real worker/device/device.c, takeover.c, queues.c and queue.c in one
 * thread, for the targets device and state. Eventfds, poll() and the clock are ours: a queue's
 * thread is run like a function until it would sleep, whenever the main thread waits or the target
 * wants it. So every run is the same for the same input.
 *
 * A worker can be killed at any call of the kernel's, of the engine's and between any two steps on
 * a ring, and be followed by the next one, which finds the state file and the driver's memory as
 * they were.
 */
#ifndef TESTS_FUZZ_WORKER_H
#define TESTS_FUZZ_WORKER_H

#include <poll.h>
#include <pthread.h>

#include "tests/fuzz/checked.h"
#include "tests/fuzz/kernel.h"
#include "worker/device/device.h"

#define WORKER_QUEUES 3U
#define WORKER_CAPACITY 0x8000U

extern struct device worker;
extern struct state_file worker_state; /* the file */
extern struct guest worker_guest[WORKER_QUEUES];

/* What the input decides about the engine, the threads and the process. */
struct worker_control {
	bool async, fails, flush_fails; /* requests end later, in another order; with an error */
	uint32_t stalled; /* so many waits in which no thread gets on */
	bool sigbus; /* the next question for it is answered by yes, once */
	uint32_t kill_in; /* die at that step from now on; 0: live */
	/* that request for memory, a descriptor or a thread is refused; 0: none */
	uint32_t refuse_in;
	bool state_changed; /* the state file is not what the worker wrote */
};
extern struct worker_control worker_control;

/*
 * A device of its own with `queues` queues, flags WORK_F_*: fresh memory, fresh state file, no
 * process yet.
 */
void worker_new_device(uint32_t queues, uint32_t flags);

/*
 * The next generation: device_prepare() and device_attach(). False: it could not, or was killed
 * meanwhile.
 */
bool worker_start(void);

/* Do something as the worker's main thread; false when the worker was killed meanwhile. */
bool worker_do(void (*what)(void));

/* Run all queue threads until they sleep. */
void worker_run_threads(void);

/* Time goes by. */
void worker_sleep(int ms);

/* A kick of the driver. */
void worker_kick(uint32_t queue);

/* What must hold when the main thread is idle. */
void worker_check(void);

/* All requests that can be finished are finished, nothing stays mapped. */
void worker_end(void);

/* Instead of the system's; see fuzz.mk. */
int fuzz_eventfd(unsigned count, int flags);
ssize_t fuzz_read(int fd, void *buf, size_t len);
ssize_t fuzz_write(int fd, const void *buf, size_t len);
int fuzz_poll(struct pollfd *p, nfds_t n, int ms);
int fuzz_prctl(int what, ...);
int fuzz_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg);
void *fuzz_calloc(size_t n, size_t size);
void fuzz_free(void *p);
long long fuzz_now_ms(void);

#endif

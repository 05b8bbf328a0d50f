/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/hostile.h - a driver that means harm, on a real /dev/vhost-vdpa-N. Runs in the test
 * VM as root, one process per case; trusts the kernel and the test's own set-up, nothing that comes
 * from the device.
 *
 * A case is a function that gets an open session: the node, memory shared with the device, and one
 * queue. It fails by check(), which ends its process; whatever it leaves behind ends with that.
 * What must hold after every case (worker alive, other disk untouched, ...) is looked at by main.c
 * in the process above.
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

#include <linux/vhost.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MIB (1U << 20)
#define SECTOR 512U
#define FEATURE(n) (1ULL << (n))
#define STATUS_UNTOUCHED 0xaaU
#define SOON_MS 30000 /* what is to happen is waited for; only what never happens takes so long */
#define QUIET_MS 60 /* ... and what is not must not have happened by then */
#define RING_NUM 256U

/* Status, as a driver advances it. */
#define ST_INIT (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define ST_FEATURES (ST_INIT | VIRTIO_CONFIG_S_FEATURES_OK)
#define ST_RUNNING (ST_FEATURES | VIRTIO_CONFIG_S_DRIVER_OK)

/* ---- the node (vdpa.c): thin, 0 or a negative errno ---- */

struct vdpa {
	int fd;
	uint64_t offered;
};

int vdpa_open(struct vdpa *v, const char *node);
int vdpa_set_status(const struct vdpa *v, uint8_t status);
uint8_t vdpa_status(const struct vdpa *v);
int vdpa_set_features(const struct vdpa *v, uint64_t features);
int vdpa_vring(const struct vdpa *v, unsigned long cmd, unsigned index, unsigned value);
int vdpa_get_base(const struct vdpa *v, unsigned index, unsigned *base);
int vdpa_vring_fd(const struct vdpa *v, unsigned long cmd, unsigned index, int fd);
int vdpa_vring_addr(const struct vdpa *v, unsigned index, uint64_t desc, uint64_t avail, uint64_t used);
int vdpa_map(const struct vdpa *v, uint64_t iova, const void *va, uint64_t size, unsigned perm);
int vdpa_unmap(const struct vdpa *v, uint64_t iova, uint64_t size);
int vdpa_batch(const struct vdpa *v, bool begin);

/* ---- memory shared with the device (ring.c) ---- */

struct ram {
	int fd;
	uint8_t *va;
	size_t size;
};

struct ram ram_new(size_t size);

/* ---- memory that stops answering (stuck.c) ---- */

/*
 * Mount it; a MiB of it is at *va. Returns the process that answers, or does not: when it ends, all
 * is over.
 */
pid_t stuck_mount(uint8_t **va);
/* From now on requests of this FUSE opcode are not answered, after so many that end in an error. */
void stuck_hang(uint32_t op, uint32_t errors);
void stuck_unmount(void);

/* ---- a split ring (ring.c) ---- */

struct queue {
	const struct vdpa *v;
	unsigned index;
	uint16_t num;
	uint64_t desc_iova, avail_iova, used_iova;
	struct vring_desc *desc;
	uint8_t *avail, *used;
	int kick, call;
	uint16_t avail_idx; /* what we offered */
	uint16_t used_seen; /* what we took */
};

struct used {
	uint32_t id, len;
};

/* Where things are in the session's memory, which is one region at RAM_IOVA. */
#define RAM_IOVA 0x100000000ULL
#define RAM_SIZE (24U * MIB)
#define DESC_AT 0x0U
#define AVAIL_AT 0x8000U
#define USED_AT 0x10000U
#define TABLE_AT 0x20000U
#define SLOT_AT 0x40000U /* headers and status bytes */
#define SLOT_SIZE 64U
#define RING2_AT 0x80000U /* rings of a second queue, laid out as the first one's */
#define DATA_AT 0x100000U
#define DATA_SIZE (RAM_SIZE - DATA_AT)

struct sess {
	struct vdpa v;
	struct ram ram;
	struct queue q;
	uint64_t features;
	unsigned base; /* where its indices start */
};

/* Open the node and map the memory; nothing is running. */
void sess_open(struct sess *s, const char *node);

/*
 * Reset, features, one queue (as set in s->q), DRIVER_OK. With try: what the status is in the end.
 */
void sess_start(struct sess *s);
uint8_t sess_try_start(struct sess *s);
void sess_reset(struct sess *s);

/* The steps of it, for cases that take them one by one. */
void queue_place(struct sess *s, struct queue *q, unsigned index, uint16_t num, unsigned ring_at);
/* NUM, BASE, ADDR, CALL, KICK, in this order; not ENABLE */
int queue_tell(struct queue *q, unsigned base);
void queue_clear(struct queue *q, unsigned base);

static inline uint64_t iova_of(size_t at)
{
	return RAM_IOVA + at;
}

void desc_set(struct queue *q, unsigned i, uint64_t addr, uint32_t len, unsigned flags, unsigned next);
void table_set(struct sess *s, unsigned i, uint64_t addr, uint32_t len, unsigned flags, unsigned next);

void queue_offer(struct queue *q, unsigned head);
void queue_set_avail_idx(struct queue *q, unsigned idx);
void queue_kick(const struct queue *q);
uint16_t queue_used_idx(const struct queue *q);
void queue_set_used_event(struct queue *q, uint16_t event);

/* n used elements more than were taken, within ms. */
bool queue_wait(struct queue *q, unsigned n, int ms);
struct used queue_take(struct queue *q);

/* ---- requests (ring.c) ---- */

/* Header of a request in its slot, status byte untouched; the header's address. */
uint64_t slot_header(struct sess *s, unsigned slot, uint32_t type, uint64_t sector);
uint64_t slot_status_iova(unsigned slot);
uint8_t slot_status(const struct sess *s, unsigned slot);
bool type_is_out(uint32_t type);

/* header, data, status as descriptors head, head + 1, head + 2; slot = head. Not offered. */
void request(struct sess *s, unsigned head, uint32_t type, uint64_t sector, uint64_t data, uint32_t len);
/* The same, offered and kicked. */
void submit(struct sess *s, unsigned head, uint32_t type, uint64_t sector, uint64_t data, uint32_t len);

/* ---- expectations (expect.c): they end the case when they do not hold ---- */

/* The next used element is that of head, with this length; its status byte is this. */
void expect_done(struct sess *s, unsigned head, unsigned status, uint32_t len);
/* Nothing comes. */
void expect_quiet(struct sess *s);
/* The queue is given up: nothing more is completed. */
void expect_given_up(struct sess *s);
/* The same, until a reset brings it back: the queue is empty then. */
void expect_malformed(struct sess *s);
/*
 * The same, because this request has no place for a status that can be reached: it stays in flight.
 */
void expect_unanswered(struct sess *s, unsigned head);
/* DRIVER_OK is not taken; with the defaults it is. */
void expect_refused_start(struct sess *s);
/* DRIVER_OK is taken, though the queue was never set up: it is not used. */
void expect_unused(struct sess *s);
/* Data can be written and read back, and is in the file; with interrupts. */
void expect_good(struct sess *s);
/* Start afresh with what a proper driver would set up, then expect_good(). */
void expect_good_after_reset(struct sess *s);
/* A read into fresh memory at iova has brought the disk's bytes. */
void expect_disk_bytes(const void *p, uint64_t sector, size_t len);

/* ---- the surroundings (world.c) ---- */

struct world {
	const char *node, *ro_node, *neighbour; /* /dev/vhost-vdpa-N, /dev/vhost-vdpa-M, /dev/vdX */
	const char *name; /* of the device at node */
	/* its file: capacity bytes, then CANARY bytes that are not the device's */
	const char *image;
	const char *state; /* its state file */
	const char *log; /* of vdused */
	const char *ctl; /* "vduse-ctl --socket S", for the shell */
	size_t capacity;
	unsigned queues, seg_max;
	pid_t worker;
	const uint8_t *file; /* image, mapped */
	uint8_t *disk; /* what it should be; shared with the cases */
};

#define CANARY MIB

extern struct world world;

void world_open(void);
/* A case changed the disk on purpose. */
void disk_wrote(uint64_t offset, const void *p, size_t len);
void disk_zeroed(uint64_t offset, size_t len);
/* Anything inside of the device may have changed: believe the file. */
void disk_believe_file(void);
/* Queue q of the device was given up (state file). */
bool world_queue_failed(unsigned q);
/* A request that was taken is not completed (state file). */
bool world_in_flight(unsigned q, unsigned head);
/* The same of another device. */
bool world_in_flight_of(const char *device, unsigned q, unsigned head);
uint32_t world_driver_status(void);
/* "" or what is wrong now. */
const char *world_check_worker(void);
const char *world_check_disk(void);
const char *world_check_kernel(bool may_warn); /* of a bad permission */
const char *world_check_neighbour(void);
void world_neighbour_start(void);
/* NULL when the neighbour's whole disk holds what was written to it, else what does not. */
const char *world_neighbour_end(unsigned *rounds, unsigned *worst_ms);
/* Ask for the worker's pid (it was replaced). */
void world_new_worker(void);
pid_t world_worker_of(const char *device);
double world_worker_cpu(void); /* seconds */
unsigned world_worker_fds(void);
unsigned long world_worker_kib(void);
bool world_worker_maps(const char *what);
/* New lines of the log since mark. */
size_t world_log_mark(void);
size_t world_log_since(size_t mark, char *buf, size_t size);
int world_ctl(const char *command);
/* Make a device of its own with this name, on vhost, and open it; its worker's pid. */
pid_t world_spare_device(struct sess *d, const char *name);
/* The same with --direct, on a block device that has blocks of 4096 bytes. */
pid_t world_spare_direct(struct sess *d, const char *name);

/* ---- cases ---- */

struct hcase {
	const char *id, *title;
	void (*run)(struct sess *s);
	/* in the log, when it comes through its rate limit: what the worker found; NULL: nothing */
	const char *why;
	unsigned flags;
};

#define CASE_STOPPED 0x1U /* gets the session before sess_start() */
#define CASE_READ_ONLY 0x2U /* on the read-only device */
#define CASE_BUSY 0x4U /* may use a lot of processor time */
#define CASE_REPLACED 0x8U /* the worker is another one afterwards */
#define CASE_SCRIBBLES 0x10U /* the device's data may have changed anywhere */
#define CASE_KERNEL_WARNS 0x20U /* of a bad permission */
#define CASE_SLOW 0x40U /* may take most of a minute */

extern const struct hcase ring_cases[], chain_cases[], moving_cases[], blk_cases[], device_cases[], abandoned_cases[],
	memory_cases[], random_cases[], stuck_cases[], huge_cases[], slow_cases[];

void case_fail(const char *file, int line, const char *fmt, ...) __attribute__((noreturn, format(printf, 3, 4)));
void case_skip(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
#define check(cond, ...)                                                                                               \
	do {                                                                                                           \
		if (!(cond))                                                                                           \
			case_fail(__FILE__, __LINE__, __VA_ARGS__);                                                    \
	} while (0)

long long now_ms(void);
void sleep_ms(int ms);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_device.c - target "device": messages of the kernel, set-ups of a hostile driver,
 * kicks, errors, crashes of the worker at any step and its successors (V cases, K cases). Run by
 * libFuzzer.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <string.h>

#include "common/blkconf.h"
#include "tests/fuzz/worker.h"
#include "worker/device/error_stop.h"
#include "worker/device/queues.h"

enum device_op {
	D_MESSAGE = G_OPS, /* u8 kind, then what it carries: see queue_message() */
	D_RUNNING, /* the four messages of a well-behaved driver */
	D_NOTES,
	D_KICK, /* u8 queue */
	D_QUEUE, /* u8: whose ring the guest's operations mean */
	D_KERNEL, /* u8 what, value: see set_kernel() */
	D_ENGINE, /* u8: see worker_control */
	D_STALL, /* u8 waits */
	D_SIGBUS,
	D_KILL, /* u8: die at that step from now on */
	D_REFUSE, /* u8: the next worker does not get all it needs */
	D_CRASH, /* die now; the next worker begins */
	/* u16 offset, u8 n, n bytes: the state file is changed; die; the next worker begins */
	D_STATE,
	D_OPS,
};

static struct guest *guest;
static uint8_t old_status;
static uint32_t old_answers;

/* ---- a message ---- */

static uint8_t status_of(uint8_t b)
{
	static const uint8_t usual[] = { 0, 1, 3, 0xb, 0xf, 0x8f, 4, 7, 0x40, 8, 0xff };

	return b < 0xc0 ? usual[b % sizeof(usual)] : b;
}

static void queue_message(uint8_t kind, struct input *in)
{
	switch (kind % 8) {
	case 0:
		kernel_message(in8(in) + 3U); /* unknown */
		break;
	case 1:
		kernel_message(VDUSE_GET_VQ_STATE);
		kernel.request.vq_state.index = kind & 0x80 ? in32(in) : in8(in) % 5;
		break;
	case 2:
	case 3:
		kernel_message(VDUSE_UPDATE_IOTLB);
		kernel.request.iova.start = kind & 0x80 ? 0 : mem_address(in);
		kernel.request.iova.last = kind & 0x80 ? UINT64_MAX : mem_address(in);
		break;
	default:
		kernel_message(VDUSE_SET_STATUS);
		kernel.request.s.status = status_of(in8(in));
		break;
	}
}

/* At the moment of an answer: what was given up is not in use. */
static void on_reply(const struct kernel *k)
{
	bool reset = k->request.type == VDUSE_SET_STATUS && k->request.s.status == 0;

	if (k->answer.result != VDUSE_REQ_RESULT_OK)
		return;
	worker_run_threads(); /* one of them unmaps what was forgotten */
	for (uint32_t i = 0; i < worker.setup.queues; i++) {
		const struct queue *q = &worker.queue[i];

		if (reset || k->request.type == VDUSE_UPDATE_IOTLB)
			PROMISE(queue_is_held(q), "no queue runs while its memory is taken away");
		if (reset)
			PROMISE(worker_state.queue[i].desc_num == 0 && !queues_can_run(q) && !q->known,
				"after a reset nothing is known of a queue");
	}
	if (reset)
		PROMISE(worker.map.count == 0 && worker.status == 0, "after a reset nothing is mapped");
	mem_check(&worker.map);
	if (k->request.type == VDUSE_UPDATE_IOTLB)
		PROMISE(!mem_mapped_since(old_answers, k->request.iova.start, k->request.iova.last),
			"what was mapped there is given up");
}

static void check_status(uint8_t wanted, bool accepted, bool abandoned)
{
	uint64_t needed = blk_features_needed();

	if (wanted == 0)
		return;
	if (!accepted || abandoned) {
		PROMISE(worker.status == old_status || worker.status == 0, "a refused status changes nothing");
		return;
	}
	PROMISE(worker.status == wanted, "an accepted status is there");
	PROMISE((old_status & ~wanted) == 0, "only a reset takes bits back");
	if ((wanted & ~old_status) & VIRTIO_CONFIG_S_FEATURES_OK)
		PROMISE((worker.features & ~worker.offered) == 0 && (worker.features & needed) == needed,
			"only offered features are accepted, and all that are needed");
}

static bool may_wait(uint32_t type)
{
	return type == VDUSE_UPDATE_IOTLB || type == VDUSE_GET_VQ_STATE;
}

/* The main loop meanwhile. It ends when the threads get on, or when the worker's patience does. */
static void await_answer(void)
{
	for (int i = 0; i < 8 && kernel.read; i++) {
		int ms = device_notes(&worker);

		if (kernel.read)
			(void)fuzz_poll(NULL, 0, ms > 0 ? ms : 1);
	}
	if (kernel.read)
		(void)device_notes(&worker);
	PROMISE(!kernel.read, "each answer comes in the end");
}

static void receive(void)
{
	uint32_t answers = kernel.answers;
	bool sent = kernel.waiting && !kernel.read_error;
	int rc;

	old_status = worker.reset_owed ? 0 : worker.status; /* an owed reset comes first */
	old_answers = mem_answers();
	rc = device_message(&worker);
	if (!sent) {
		PROMISE(rc < 0, "without a message there is an error");
		return;
	}
	if (kernel.read && worker_control.stalled < 4)
		await_answer();
	PROMISE(kernel.answers - answers == !kernel.read, "each message gets one answer");
	if (kernel.read) { /* the next message, or the end of the worker, comes before that */
		PROMISE(may_wait(kernel.request.type) && worker.asked_until != 0, "an answer is not forgotten");
		worker_check();
		return;
	}
	if (kernel.request.type == VDUSE_SET_STATUS && !worker.reset_owed)
		check_status(kernel.request.s.status, kernel.answer.result == VDUSE_REQ_RESULT_OK,
			     kernel.reply_error == -ENOENT);
	if (kernel.request.type == VDUSE_GET_VQ_STATE && kernel.answer.result == VDUSE_REQ_RESULT_OK)
		PROMISE(kernel.request.vq_state.index < worker.setup.queues, "only queues that exist have a state");
	if (kernel.request.type > VDUSE_UPDATE_IOTLB)
		PROMISE(kernel.answer.result == VDUSE_REQ_RESULT_FAILED, "an unknown message is refused");
	worker_check();
}

static void send_and_receive(void)
{
	static const uint8_t steps[] = { 1, 3, 0xb, 0xf };

	for (size_t i = 0; i < sizeof(steps); i++) {
		kernel_message(VDUSE_SET_STATUS);
		kernel.request.s.status = steps[i];
		receive();
	}
}

static void notes(void)
{
	int ms = device_notes(&worker);

	PROMISE(ms == -1 || ms > 0, "it says when to be called again");
	worker_check();
	if (ms > 0)
		worker_sleep(ms);
}

/* ---- the other operations ---- */

static int error_of(uint8_t b)
{
	static const int errors[] = { 0, 0, 0, -EPERM, -EINVAL, -EIO, -ENOENT, -EAGAIN };

	return errors[b % 8];
}

static void set_info(struct vduse_vq_info *i, struct input *in)
{
	switch (in8(in) % 6) {
	case 0:
		i->num = in32(in);
		break;
	case 1:
		i->ready = in8(in) & 1;
		break;
	case 2:
		i->desc_addr = guest->desc = mem_address(in);
		break;
	case 3:
		i->driver_addr = guest->avail = mem_address(in);
		break;
	case 4:
		i->device_addr = guest->used = mem_address(in);
		break;
	case 5:
		i->split.avail_index = in16(in);
		break;
	}
}

static void set_kernel(uint8_t what, struct input *in)
{
	switch (what % 8) {
	case 0:
		kernel.features = in64(in);
		break;
	case 1:
		kernel.features = worker.setup.features & ~(1ULL << (in8(in) % 64));
		break;
	case 2:
		kernel.features_error = error_of(in8(in));
		break;
	case 3:
		kernel.info_error = error_of(in8(in));
		break;
	case 4:
		kernel.kick_error = error_of(in8(in));
		break;
	case 5:
		kernel.irq_error = error_of(in8(in));
		break;
	case 6:
		kernel.reply_error = error_of(in8(in));
		kernel.read_error = error_of(in8(in));
		break;
	case 7:
		set_info(&kernel.info[guest - worker_guest], in);
		break;
	}
}

static void set_engine(uint8_t how)
{
	worker_control.async = how & 1;
	worker_control.fails = (how & 6) == 6;
	worker_control.flush_fails = how & 8;
	if (how & 0x10)
		error_stop_resume(&worker);
	if (how & 0x20)
		kernel.config_error = error_of(how >> 6);
}

/*
 * A worker that dies is followed by another until one lives; errors of the kernel do not last for
 * ever.
 */
static bool follow(void)
{
	uint32_t kills = worker_control.kill_in;

	for (int i = 0; i < 3; i++) {
		if (worker_start())
			return true;
		worker_control.kill_in = i == 0 ? kills : 0;
		kernel.features_error = kernel.info_error = kernel.read_error = kernel.reply_error = 0;
	}
	return false;
}

static bool change_state(struct input *in)
{
	size_t room = offsetof(struct state_file, queue) + worker.setup.queues * sizeof(worker_state.queue[0]);
	size_t at = in16(in) % (room / 8) * 8 + (in8(in) & 7);
	uint8_t n = in8(in) % 17;

	for (; n > 0 && at < room; n--)
		((uint8_t *)&worker_state)[at++] = in8(in);
	worker_control.state_changed = true;
	return follow();
}

static bool own_op(uint8_t op, struct input *in)
{
	switch ((enum device_op)op) {
	case D_MESSAGE:
		queue_message(in8(in), in);
		return worker_do(receive) || follow();
	case D_RUNNING:
		return worker_do(send_and_receive) || follow();
	case D_NOTES:
		return worker_do(notes) || follow();
	case D_KICK:
		worker_kick(in8(in) % worker.setup.queues);
		return worker_do(worker_run_threads) || follow();
	case D_QUEUE:
		guest = &worker_guest[in8(in) % worker.setup.queues];
		break;
	case D_KERNEL:
		set_kernel(in8(in), in);
		break;
	case D_ENGINE:
		set_engine(in8(in));
		break;
	case D_STALL:
		worker_control.stalled = in8(in) % 8;
		break;
	case D_SIGBUS:
		worker_control.sigbus = true;
		break;
	case D_KILL:
		worker_control.kill_in = in8(in);
		break;
	case D_REFUSE:
		worker_control.refuse_in = in8(in) % 16;
		break;
	case D_CRASH:
		return follow();
	case D_STATE:
		return change_state(in);
	case D_OPS:
		break;
	}
	return true;
}

static uint32_t flags_of(uint8_t how)
{
	return (how & 0x10 ? WORK_F_READ_ONLY : 0) | (how & 0x20 ? WORK_F_HOST : 0) | (how & 0x80 ? WORK_F_FAIL : 0) |
	       (how & 0x40 ? WORK_F_STOP : 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t how = in8(&in);
	bool alive;

	worker_new_device(1 + how % WORKER_QUEUES, flags_of(how));
	kernel.on_reply = on_reply;
	guest = &worker_guest[0];
	if (how & 8)
		worker_control.kill_in = in8(&in);
	alive = follow();
	while (alive && in.left > 0) {
		uint8_t op = in8(&in) % D_OPS;

		if (op < G_OPS)
			guest_op(guest, op, &in);
		else
			alive = own_op(op, &in);
	}
	worker_end();
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_capacity.c - worker/device/capacity.c: the disk grows while a driver uses
 * it, and what the next worker makes of a change that was not finished (K, L cases). Orders come
 * over a real channel.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/commands.h"

#define OK VDUSE_REQ_RESULT_OK
#define MORE (2 * RIG_CAPACITY)
#define SECTORS(bytes) ((bytes) / 512)

static int vdused;

static int setup(void **state)
{
	int sv[2];

	if (rig_setup(state) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	assert_int_equal(link_init(&rig.link, sv[0]), 0);
	rig.link.state = WORK_W_SERVING;
	orders_take(&rig.link, rig.d);
	vdused = sv[1];
	return 0;
}

static int teardown(void **state)
{
	(void)close(vdused);
	(void)close(rig.link.fd);
	rig.link.fd = -1;
	return rig_teardown(state);
}

/* Order it, and return the error in the answer. */
static int resize(uint64_t bytes)
{
	struct work_resize m = { .capacity = bytes };
	union work_any a;
	struct chan_msg c;

	msg_init(&m, WORK_RESIZE, sizeof(m));
	assert_int_equal(chan_send(vdused, &m, sizeof(m), NULL, 0), 0);
	link_serve(&rig.link);
	assert_int_equal(chan_wait(vdused, 0), 0);
	assert_int_equal(chan_recv(vdused, &a, sizeof(a), false, &c), 0);
	assert_int_equal(c.len, sizeof(a.resized));
	assert_int_equal(a.hdr.type, WORK_RESIZED);
	assert_true(a.resized.capacity == bytes);
	return a.resized.error;
}

/* Status of a write of one sector there. */
static uint8_t write_at(uint64_t byte)
{
	uint16_t used = ring_used_idx(&rig.ring[0]);

	memset(rig_data(0, 0), 'x', 512);
	rig_offer(0, 0, VIRTIO_BLK_T_OUT, SECTORS(byte), 512, true);
	rig_wait_used(0, (uint16_t)(used + 1));
	return *rig_status_byte(0, 0);
}

static void nothing_changed(void)
{
	assert_true(rig.state->capacity == RIG_CAPACITY);
	assert_int_equal(write_at(RIG_CAPACITY), VIRTIO_BLK_S_IOERR);
	assert_int_equal(write_at(RIG_CAPACITY - 512), VIRTIO_BLK_S_OK);
	rig_settle();
	assert_int_equal(fake.config_irqs, 0);
}

static void disk_grows_under_a_driver(void **state)
{
	char c;

	(void)state;
	rig_run();
	assert_int_equal(write_at(RIG_CAPACITY), VIRTIO_BLK_S_IOERR);
	assert_return_code(ftruncate(rig.disk, (off_t)MORE), errno);
	assert_int_equal(resize(MORE), 0);
	assert_true(fake.config.capacity == SECTORS(MORE));
	assert_int_equal(fake.configs, 1);
	assert_int_equal(fake.config_irqs, 1);
	assert_true(rig.state->capacity == MORE);
	assert_int_equal(write_at(RIG_CAPACITY), VIRTIO_BLK_S_OK);
	assert_int_equal(write_at(MORE - 512), VIRTIO_BLK_S_OK);
	assert_int_equal(write_at(MORE), VIRTIO_BLK_S_IOERR);
	assert_int_equal(pread(rig.disk, &c, 1, (off_t)MORE - 512), 1);
	assert_int_equal(c, 'x');
	rig_settle();
	assert_int_equal(fake.config_irqs, 1);
}

static void to_what_it_is_now(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(resize(RIG_CAPACITY), 0);
	assert_true(fake.config.capacity == SECTORS(RIG_CAPACITY));
}

static void smaller_is_refused(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(resize(RIG_CAPACITY - 512), -EINVAL);
	assert_int_equal(fake.configs, 0);
	nothing_changed();
}

static void part_of_a_block_is_refused(void **state)
{
	(void)state;
	rig_run();
	rig.d->setup.block_size = 4096;
	assert_int_equal(resize(MORE + 512), -EINVAL);
	assert_int_equal(fake.configs, 0);
	nothing_changed();
}

static void kernel_that_refuses(void **state)
{
	(void)state;
	rig_run();
	fake.config_error = -EINVAL;
	assert_int_equal(resize(MORE), -EINVAL);
	assert_false(rig.d->broken);
	nothing_changed();
}

static void kernel_that_gave_the_device_up(void **state)
{
	(void)state;
	rig_run();
	fake.config_error = -EPERM;
	assert_int_equal(resize(MORE), -EPERM);
	assert_true(rig.d->broken);
}

/*
 * The driver may use what it sees at once; who dies in between has not said so in the state file.
 */
static void check_order(void)
{
	assert_true(rig.d->blk.capacity == MORE);
	assert_true(rig.state->capacity == RIG_CAPACITY);
	assert_int_equal(fake.config_irqs, 0);
}

static void K_order_of_a_change(void **state)
{
	(void)state;
	rig_run();
	fake.on_config = check_order;
	assert_int_equal(resize(MORE), 0);
	assert_int_equal(fake.configs, 1);
}

static void before_a_driver_runs(void **state)
{
	(void)state;
	fake.config_irq_error = -EINVAL;
	assert_int_equal(resize(MORE), 0);
	assert_true(fake.config.capacity == SECTORS(MORE));
	assert_true(rig.state->capacity == MORE);
	assert_int_equal(device_notes(rig.d), -1); /* there is nobody to wait for */
	rig_run();
	assert_true(device_notes(rig.d) > 0); /* the kernel has not recorded DRIVER_OK yet */
	fake.config_irq_error = 0;
	assert_int_equal(device_notes(rig.d), -1);
	assert_int_equal(fake.config_irqs, 1);
	(void)device_notes(rig.d);
	assert_int_equal(fake.config_irqs, 1);
}

static void driver_that_cannot_be_told(void **state)
{
	unsigned tries = 0;

	(void)state;
	rig_run();
	fake.config_irq_error = -EINVAL;
	assert_int_equal(resize(MORE), 0);
	while (tries < 1000 && device_notes(rig.d) > 0)
		tries++;
	assert_true(tries > 10 && tries < 1000); /* not for ever */
}

static void only_while_serving(void **state)
{
	struct work_resize m = { .capacity = MORE };

	(void)state;
	rig.link.state = WORK_W_SEALED;
	msg_init(&m, WORK_RESIZE, sizeof(m));
	assert_int_equal(chan_send(vdused, &m, sizeof(m), NULL, 0), 0);
	link_serve(&rig.link);
	assert_int_equal(fake.configs, 0);
	assert_true(rig.d->blk.capacity == RIG_CAPACITY);
}

/* ---- taking over ---- */

static void first_worker_tells_nobody(void **state)
{
	(void)state;
	assert_int_equal(fake.configs, 0);
	assert_true(rig.state->capacity == RIG_CAPACITY);
}

static void K_nothing_to_tell_again(void **state)
{
	(void)state;
	rig_run();
	rig_replace(2, 0);
	assert_int_equal(fake.configs, 0);
	assert_int_equal(fake.config_irqs, 0);
}

static void K_worker_that_died_before_it_told_the_driver(void **state)
{
	(void)state;
	rig_run();
	rig.state->capacity = RIG_CAPACITY / 2;
	rig_replace(2, 0);
	assert_true(fake.config.capacity == SECTORS(RIG_CAPACITY));
	assert_int_equal(fake.config_irqs, 1);
	assert_true(rig.state->capacity == RIG_CAPACITY);
	rig_replace(3, 0);
	assert_int_equal(fake.configs, 1);
}

static void K_before_a_driver_runs(void **state)
{
	(void)state;
	rig.state->capacity = RIG_CAPACITY / 2;
	fake.config_irq_error = -EINVAL;
	rig_replace(2, 0);
	assert_int_equal(fake.configs, 1);
	rig_run();
	fake.config_irq_error = 0;
	(void)device_notes(rig.d);
	assert_int_equal(fake.config_irqs, 1);
}

static void K_told_again_when_it_failed(void **state)
{
	(void)state;
	rig_run();
	rig.state->capacity = RIG_CAPACITY / 2;
	fake.config_error = -EINVAL;
	rig_replace(2, 0);
	fake.config_error = 0;
	assert_int_equal(write_at(0), VIRTIO_BLK_S_OK);
	rig_replace(3, 0);
	assert_int_equal(fake.configs, 1);
}

static void L_capacity_of_the_state_file_is_not_believed(void **state)
{
	static const uint64_t lies[] = { UINT64_MAX, 1ULL << 63, MORE, 513, 0 };

	(void)state;
	rig_run();
	for (uint32_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		rig.state->capacity = lies[i];
		rig_replace(2 + i, 0);
		assert_int_equal(fake.configs, i + 1);
		assert_true(fake.config.capacity == SECTORS(RIG_CAPACITY));
		assert_int_equal(write_at(RIG_CAPACITY), VIRTIO_BLK_S_IOERR);
		assert_true(rig.state->capacity == RIG_CAPACITY);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(disk_grows_under_a_driver),
		T(to_what_it_is_now),
		T(smaller_is_refused),
		T(part_of_a_block_is_refused),
		T(kernel_that_refuses),
		T(kernel_that_gave_the_device_up),
		T(K_order_of_a_change),
		T(before_a_driver_runs),
		T(driver_that_cannot_be_told),
		T(only_while_serving),
		T(first_worker_tells_nobody),
		T(K_nothing_to_tell_again),
		T(K_worker_that_died_before_it_told_the_driver),
		T(K_before_a_driver_runs),
		T(K_told_again_when_it_failed),
		T(L_capacity_of_the_state_file_is_not_believed),
	};

	return cmocka_run_group_tests_name("worker/capacity", tests, NULL, NULL);
}

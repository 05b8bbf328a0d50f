/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_torture_checker.c - the checker of tests/torture notices what it is there to
 * notice: it is let loose on servers in memory that are right, or wrong once in a while in one way
 * each.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/torture/load.h"
#include "tests/unit/unit.h"

#define SIZE (8U << 20)
#define EVERY 200U /* one write in so many is done wrong */
#define LATE 50U /* a late write comes after so many others */
#define OPERATIONS 3000U
#define SAVED 4096U /* bytes of a late write that are kept */

enum fault { NONE, LOST, TORN, TORN_FRONT, LATE_OLD, WRONG_BLOCK, WRONG_DEVICE, FAILING, BAD_DISCARD };

static struct server {
	pthread_mutex_t lock;
	uint8_t *disk;
	enum fault fault;
	unsigned writes;
	struct { /* a write that will be done a second time */
		uint8_t data[SAVED];
		uint64_t offset;
		size_t len;
		unsigned due; /* number of the write after which it comes; 0 = none */
	} late;
} server;

/* ---- the servers ---- */

static void keep_for_later(const uint8_t *buf, size_t len, uint64_t offset)
{
	if (server.late.due != 0 || len > SAVED)
		return;
	memcpy(server.late.data, buf, len);
	server.late.offset = offset;
	server.late.len = len;
	server.late.due = server.writes + LATE;
}

static void late_write(void)
{
	if (server.late.due == 0 || server.writes < server.late.due)
		return;
	memcpy(server.disk + server.late.offset, server.late.data, server.late.len);
	server.late.due = 0;
}

static int write_wrongly(const uint8_t *buf, size_t len, uint64_t offset)
{
	uint8_t *to = server.disk + offset;
	uint32_t *device = (uint32_t *)(void *)(to + 12);

	switch (server.fault) {
	case LOST:
		return 0;
	case TORN:
		memcpy(to, buf, len - 8);
		return 0;
	case TORN_FRONT:
		memcpy(to, buf, len - 100);
		return 0;
	case WRONG_BLOCK:
		memcpy(server.disk + (offset + len < SIZE ? offset + SECTOR : offset - SECTOR), buf, len);
		return 0;
	case WRONG_DEVICE:
		memcpy(to, buf, len);
		(*device)++;
		return 0;
	case FAILING:
		return -5;
	default:
		memcpy(to, buf, len);
		return 0;
	}
}

static int srv_write(struct target *t, const void *buf, size_t len, uint64_t offset)
{
	int rc = 0;

	(void)t;
	(void)pthread_mutex_lock(&server.lock);
	server.writes++;
	if (server.fault == LATE_OLD)
		keep_for_later(buf, len, offset);
	if (server.writes % EVERY == 0)
		rc = write_wrongly(buf, len, offset);
	else
		memcpy(server.disk + offset, buf, len);
	late_write();
	(void)pthread_mutex_unlock(&server.lock);
	return rc;
}

static int srv_read(struct target *t, void *buf, size_t len, uint64_t offset)
{
	(void)t;
	(void)pthread_mutex_lock(&server.lock);
	memcpy(buf, server.disk + offset, len);
	(void)pthread_mutex_unlock(&server.lock);
	return 0;
}

static int srv_zero(struct target *t, uint64_t offset, uint64_t len)
{
	(void)t;
	(void)pthread_mutex_lock(&server.lock);
	memset(server.disk + offset, 0, len);
	(void)pthread_mutex_unlock(&server.lock);
	return 0;
}

/* A hint, taken every second time. */
static int srv_discard(struct target *t, uint64_t offset, uint64_t len)
{
	if (server.fault == BAD_DISCARD) {
		(void)pthread_mutex_lock(&server.lock);
		memset(server.disk + offset, 0x5a, len);
		(void)pthread_mutex_unlock(&server.lock);
		return 0;
	}
	return offset / SECTOR % 2 ? 0 : srv_zero(t, offset, len);
}

static int srv_flush(struct target *t)
{
	(void)t;
	return 0;
}

static const struct target_ops ops = { srv_read, srv_write, srv_zero, srv_discard, srv_flush };

/* ---- the checker on one of them ---- */

static struct load load;
static struct model model;
static struct target target = { .ops = &ops, .unit = SECTOR };

static unsigned long long operations(void)
{
	unsigned long long n = 0;

	for (unsigned i = 0; i <= OP_FLUSH; i++)
		n += atomic_load(&load.ops[i]);
	return n;
}

static void run_on(enum fault fault)
{
	const struct timespec tick = { .tv_nsec = 1000000 };

	memset(&server, 0, sizeof(server));
	(void)pthread_mutex_init(&server.lock, NULL);
	server.fault = fault;
	server.disk = calloc(1, SIZE);
	assert_non_null(server.disk);
	memset(&load, 0, sizeof(load));
	memset(&model, 0, sizeof(model));
	load.target = &target;
	load.model = &model;
	load.threads = 8;
	assert_int_equal(model_create(&model, NULL, 7, 3, SIZE / SECTOR), 0);
	assert_int_equal(load_init(&load), 0);
	assert_int_equal(load_start(&load), 0);
	/* what is wrong may be written over before it is read: then it goes on until some is */
	while (operations() < OPERATIONS ||
	       (fault != NONE && atomic_load(&load.mismatches) == 0 && operations() < 100 * OPERATIONS))
		(void)nanosleep(&tick, NULL);
	load_stop(&load);
	load_verify(&load, false);
}

static void finish(void)
{
	model_close(&model);
	load_free(&load);
	free(server.disk);
}

static void expect_caught(enum fault fault)
{
	run_on(fault);
	assert_true(atomic_load(&load.mismatches) > 0);
	finish();
}

static void nothing_is_wrong_with_a_right_server(void **state)
{
	(void)state;
	run_on(NONE);
	assert_int_equal(atomic_load(&load.mismatches), 0);
	assert_int_equal(atomic_load(&load.errors), 0);
	assert_true(atomic_load(&load.verified) >= SIZE / SECTOR);
	load_verify(&load, true);
	assert_int_equal(atomic_load(&load.mismatches), 0);
	finish();
}

static void a_lost_write_is_noticed(void **state)
{
	(void)state;
	expect_caught(LOST);
}

static void a_torn_sector_is_noticed(void **state)
{
	(void)state;
	expect_caught(TORN);
	expect_caught(TORN_FRONT);
}

static void a_late_old_write_is_noticed(void **state)
{
	(void)state;
	expect_caught(LATE_OLD);
}

static void a_write_to_the_wrong_place_is_noticed(void **state)
{
	(void)state;
	expect_caught(WRONG_BLOCK);
	expect_caught(WRONG_DEVICE);
}

static void a_discard_that_leaves_rubbish_is_noticed(void **state)
{
	(void)state;
	expect_caught(BAD_DISCARD);
}

static void an_error_is_noticed(void **state)
{
	(void)state;
	run_on(FAILING);
	assert_true(atomic_load(&load.errors) > 0);
	/* after an error, old or new are both right */
	assert_int_equal(atomic_load(&load.mismatches), 0);
	finish();
}

/* ---- one sector, by hand ---- */

static uint8_t sector[SECTOR];

static void put(uint32_t version, uint64_t block)
{
	struct sector_id id = { .seed = 7, .device = 3, .version = version, .block = block };

	sector_fill(sector, &id);
}

static uint32_t change(enum op_kind kind, uint64_t block)
{
	uint32_t version = 0;

	assert_true(model_begin(&model, kind, block, 1, &version));
	model_end(&model, kind, block, 1, version, 0);
	return version;
}

static void flush_all(void)
{
	model_flush_begin(&model);
	model_flush_end(&model, 0);
}

static void judgement_of_versions(void **state)
{
	uint32_t first, second;

	(void)state;
	assert_int_equal(model_create(&model, NULL, 7, 3, 16), 0);
	assert_null(model_judge(&model, 5, sector)); /* zeros, as in the beginning */
	first = change(OP_WRITE, 5);
	assert_string_equal(model_judge(&model, 5, sector), "lost");
	put(first, 5);
	assert_null(model_judge(&model, 5, sector));
	second = change(OP_WRITE, 5);
	assert_string_equal(model_judge(&model, 5, sector), "stale");
	put(second, 5);
	assert_null(model_judge(&model, 5, sector));
	put(second + 1, 5);
	assert_string_equal(model_judge(&model, 5, sector), "never written");
	put(second, 6);
	assert_string_equal(model_judge(&model, 5, sector), "of another block");
	put(second, 5);
	sector[511] ^= 1;
	assert_string_equal(model_judge(&model, 5, sector), "torn");
	(void)change(OP_ZERO, 5);
	put(second, 5);
	assert_string_equal(model_judge(&model, 5, sector), "stale");
	model_close(&model);
}

static void judgement_after_a_crash_of_the_host(void **state)
{
	uint32_t first, second;

	(void)state;
	assert_int_equal(model_create(&model, NULL, 7, 3, 16), 0);
	first = change(OP_WRITE, 5);
	memset(sector, 0, sizeof(sector));
	assert_null(model_judge_flushed(&model, 5, sector)); /* never flushed: it may be gone */
	put(first, 5);
	assert_null(model_judge_flushed(&model, 5, sector));
	second = change(OP_WRITE, 5);
	assert_null(model_judge_flushed(&model, 5, sector));
	flush_all();
	assert_string_equal(model_judge_flushed(&model, 5, sector), "stale");
	memset(sector, 0, sizeof(sector));
	assert_string_equal(model_judge_flushed(&model, 5, sector), "lost");
	(void)change(OP_DISCARD, 5);
	assert_null(model_judge_flushed(&model, 5, sector));
	put(second, 5);
	assert_null(model_judge_flushed(&model, 5, sector));
	assert_null(model_judge(&model, 5, sector)); /* a discard may do nothing */
	put(first, 5);
	assert_string_equal(model_judge(&model, 5, sector), "stale");
	model_close(&model);
}

static void ranges_in_flight_do_not_overlap(void **state)
{
	uint32_t version = 0;

	(void)state;
	assert_int_equal(model_create(&model, NULL, 7, 3, 16), 0);
	assert_true(model_begin(&model, OP_READ, 4, 4, &version));
	assert_true(model_begin(&model, OP_READ, 6, 4, &version));
	assert_false(model_begin(&model, OP_WRITE, 7, 1, &version));
	assert_true(model_begin(&model, OP_WRITE, 10, 2, &version));
	assert_false(model_begin(&model, OP_READ, 9, 2, &version));
	assert_false(model_begin(&model, OP_DISCARD, 11, 2, &version));
	model_end(&model, OP_WRITE, 10, 2, version, 0);
	assert_true(model_begin(&model, OP_READ, 9, 2, &version));
	model_close(&model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(judgement_of_versions),
		cmocka_unit_test(judgement_after_a_crash_of_the_host),
		cmocka_unit_test(ranges_in_flight_do_not_overlap),
		cmocka_unit_test(nothing_is_wrong_with_a_right_server),
		cmocka_unit_test(a_lost_write_is_noticed),
		cmocka_unit_test(a_torn_sector_is_noticed),
		cmocka_unit_test(a_late_old_write_is_noticed),
		cmocka_unit_test(a_write_to_the_wrong_place_is_noticed),
		cmocka_unit_test(a_discard_that_leaves_rubbish_is_noticed),
		cmocka_unit_test(an_error_is_noticed),
	};

	return cmocka_run_group_tests_name("torture checker", tests, NULL, NULL);
}

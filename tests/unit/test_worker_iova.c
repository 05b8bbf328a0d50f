/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_iova.c - worker/ring/iova.c: translation of hostile addresses. Case
 * numbers: threats.md (b).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/guest_memory.h"
#include "tests/unit/unit.h"

#define BASE 0x100000ULL
#define SIZE 0x4000ULL

#define HUGE (2ULL << 20)
#define FIXED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)

void *__real_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset);

/* Not NULL: files are mapped from here on, one by one, and one page of zeros is refused. */
static uint8_t *place;

void *__wrap_mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset)
{
	if (place && fd < 0 && len == 4096) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	if (place && fd >= 0) {
		at = place;
		flags |= MAP_FIXED;
		place += len;
	}
	return __real_mmap(at, len, prot, flags, fd, offset);
}

static int setup(void **state)
{
	(void)state;
	guest_memory_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	assert_int_equal(map.count, 0);
	guest_free(&guest);
	return 0;
}

static int piece(uint64_t iova, uint64_t len, enum iova_access a, uint64_t *got)
{
	void *p;

	return iova_piece(&view, iova, len, a, &p, got);
}

static int whole(uint64_t iova, uint64_t len, enum iova_access a)
{
	void *p;

	return iova_whole(&view, iova, len, a, &p);
}

static void maps_once_and_translates(void **state)
{
	uint8_t *mem = guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	uint64_t got;
	uint8_t *p;

	(void)state;
	mem[5] = 77;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(iova_piece(&view, BASE + 5, 10, IOVA_BOTH, (void **)&p, &got), 0);
		assert_int_equal(got, 10);
		assert_int_equal(*p, 77);
	}
	assert_int_equal(guest.gets, 1);
	*p = 78;
	assert_int_equal(mem[5], 78);
}

static void offset_need_not_be_page_aligned(void **state)
{
	uint8_t *mem = guest_add(&guest, BASE, 0x1406, 0x5200, VDUSE_ACCESS_RW);
	uint8_t byte;

	(void)state;
	mem[0] = 1;
	mem[0x1405] = 2;
	assert_int_equal(iova_read(&view, BASE, &byte, 1), 0);
	assert_int_equal(byte, 1);
	assert_int_equal(iova_read(&view, BASE + 0x1405, &byte, 1), 0);
	assert_int_equal(byte, 2);
	assert_int_equal(whole(BASE + 0x1405, 2, IOVA_READ), -EFAULT);
}

static void D9_empty_range(void **state)
{
	uint64_t got;

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	assert_int_equal(piece(BASE, 0, IOVA_READ, &got), -EFAULT);
}

static void D11_wraps_around(void **state)
{
	uint64_t got;

	(void)state;
	guest_add(&guest, UINT64_MAX - 0xfff, 0x1000, 0, VDUSE_ACCESS_RW);
	assert_int_equal(piece(UINT64_MAX - 15, 17, IOVA_READ, &got), -EFAULT);
	assert_int_equal(piece(UINT64_MAX - 15, 16, IOVA_READ, &got), 0);
	assert_int_equal(got, 16);
	assert_int_equal(piece(UINT64_MAX, UINT64_MAX, IOVA_READ, &got), -EFAULT);
}

static void D12_unmapped(void **state)
{
	uint64_t got;

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	assert_int_equal(piece(BASE - 1, 1, IOVA_READ, &got), -EFAULT);
	assert_int_equal(piece(BASE + SIZE, 1, IOVA_READ, &got), -EFAULT);
}

static void D13_two_regions(void **state)
{
	uint8_t *a = guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	uint8_t *b = guest_add(&guest, BASE + SIZE, SIZE, 0, VDUSE_ACCESS_RW);
	char text[9] = { 0 };
	uint64_t got;

	(void)state;
	memcpy(a + SIZE - 4, "over", 4);
	memcpy(b, "lap!", 4);
	assert_int_equal(piece(BASE + SIZE - 4, 8, IOVA_READ, &got), 0);
	assert_int_equal(got, 4);
	assert_int_equal(iova_read(&view, BASE + SIZE - 4, text, 8), 0);
	assert_string_equal(text, "overlap!");
	assert_int_equal(iova_write(&view, BASE + SIZE - 2, "1234", 4), 0);
	assert_memory_equal(a + SIZE - 2, "12", 2);
	assert_memory_equal(b, "34", 2);
	assert_int_equal(whole(BASE + SIZE - 4, 8, IOVA_READ), -EFAULT);
}

static void D14_one_byte_past(void **state)
{
	char buf[17];

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	assert_int_equal(whole(BASE + SIZE - 16, 16, IOVA_READ), 0);
	assert_int_equal(whole(BASE + SIZE - 16, 17, IOVA_READ), -EFAULT);
	assert_int_equal(iova_read(&view, BASE + SIZE - 16, buf, 17), -EFAULT);
	assert_int_equal(iova_write(&view, BASE + SIZE - 16, buf, 17), -EFAULT);
}

static void V7_dropped_when_overlapping_in_part(void **state)
{
	static const struct {
		uint64_t start, last;
		bool gone;
	} cases[] = {
		{ BASE, BASE + SIZE - 1, true },
		{ BASE - 10, BASE - 1, false },
		{ BASE - 10, BASE, true },
		{ BASE + SIZE - 1, BASE + SIZE + 10, true },
		{ BASE + SIZE, UINT64_MAX, false },
		{ BASE + 100, BASE + 100, true },
		{ 0, UINT64_MAX, true },
		{ 0, 0, false },
	};

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(whole(BASE, 1, IOVA_READ), 0);
		assert_int_equal(map.count, 1);
		(void)iova_drop(&map, cases[i].start, cases[i].last);
		iova_sweep(&map);
		assert_int_equal(map.count, cases[i].gone ? 0 : 1);
	}
}

static void V7_drop_keeps_the_others(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 5; i++) {
		uint8_t *mem = guest_add(&guest, BASE + i * SIZE, SIZE, 0, VDUSE_ACCESS_RW);

		mem[0] = (uint8_t)i;
		assert_int_equal(whole(BASE + i * SIZE, 1, IOVA_READ), 0);
	}
	(void)iova_drop(&map, BASE + SIZE + 1, BASE + 3 * SIZE);
	iova_sweep(&map);
	assert_int_equal(map.count, 2);
	guest.gets = 0;
	for (uint64_t i = 0; i < 5; i++) {
		uint8_t byte = 99;

		assert_int_equal(iova_read(&view, BASE + i * SIZE, &byte, 1), 0);
		assert_int_equal(byte, i);
	}
	assert_int_equal(guest.gets, 3);
}

static void V10_permission(void **state)
{
	uint64_t got;

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RO);
	guest_add(&guest, BASE + SIZE, SIZE, 0, VDUSE_ACCESS_WO);
	assert_int_equal(piece(BASE, 1, IOVA_READ, &got), 0);
	assert_int_equal(piece(BASE, 1, IOVA_WRITE, &got), -EACCES);
	assert_int_equal(piece(BASE, 1, IOVA_BOTH, &got), -EACCES);
	assert_int_equal(piece(BASE + SIZE, 1, IOVA_READ, &got), -EACCES);
	assert_int_equal(piece(BASE + SIZE, 1, IOVA_WRITE, &got), 0);
}

static void V10_permission_invalid(void **state)
{
	static const uint8_t bad[] = { 0, 4, 7, 255 };

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	for (size_t i = 0; i < sizeof(bad); i++) {
		guest.r[0].perm = bad[i];
		assert_int_equal(whole(BASE, 1, IOVA_READ), -EPROTO);
		assert_int_equal(map.count, 0);
	}
}

static void V11_full_until_it_is_emptied(void **state)
{
	uint8_t *mem = guest_add_pages(&guest, BASE, IOVA_REGIONS_MAX + 1, SIZE), byte = 0;

	(void)state;
	mem[IOVA_REGIONS_MAX * 4096UL] = 7;
	for (uint64_t i = 0; i < IOVA_REGIONS_MAX; i++)
		assert_int_equal(whole(BASE + i * SIZE, 1, IOVA_READ), 0);
	assert_int_equal(whole(BASE + IOVA_REGIONS_MAX * SIZE, 1, IOVA_READ), -ENOSPC);
	assert_false(iova_passes(-ENOSPC)); /* not by itself */
	assert_int_equal(whole(BASE, 1, IOVA_READ), 0);
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	assert_int_equal(iova_read(&view, BASE + IOVA_REGIONS_MAX * SIZE, &byte, 1), 0);
	assert_int_equal(byte, 7);
}

static void answers_that_make_no_sense(void **state)
{
	static const struct vduse_iotlb_entry lies[] = {
		{ .start = BASE + 1, .last = BASE, .perm = 3 }, /* backwards */
		/* not around the address */
		{ .start = BASE + 0x1001, .last = BASE + SIZE, .perm = 3 },
		{ .start = BASE, .last = BASE + 0xfff, .perm = 3 }, /* ends before it */
		{ .start = 0, .last = UINT64_MAX, .perm = 3 }, /* 2^64 bytes */
		/* offset wraps */
		{ .start = BASE, .last = BASE + SIZE, .offset = UINT64_MAX - 10, .perm = 3 },
		{ .start = BASE, .last = BASE + SIZE, .offset = INT64_MAX, .perm = 3 },
	};

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		guest.lie = &lies[i];
		assert_int_equal(whole(BASE + 0x1000, 1, IOVA_READ), -EPROTO);
		assert_int_equal(map.count, 0);
	}
}

static void overlap_with_a_known_region(void **state)
{
	static const struct vduse_iotlb_entry lie = { .start = BASE + SIZE - 1, .last = BASE + 2 * SIZE, .perm = 3 };

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	assert_int_equal(whole(BASE, 1, IOVA_READ), 0);
	guest.lie = &lie;
	assert_int_equal(whole(BASE + SIZE, 1, IOVA_READ), -ESTALE);
	assert_true(iova_passes(-ESTALE));
	assert_int_equal(map.count, 1);
}

static void error_of_the_kernel_is_passed_on(void **state)
{
	(void)state;
	guest.error = -EPERM;
	assert_int_equal(whole(BASE, 1, IOVA_READ), -EPERM);
	guest.error = -EINVAL;
	assert_int_equal(whole(BASE, 1, IOVA_READ), -EFAULT);
}

static void what_passes(void **state)
{
	static const int passing[] = { -ENOMEM, -EMFILE, -ENFILE, -EAGAIN, -EPERM };

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		guest.error = passing[i];
		assert_int_equal(whole(BASE, 1, IOVA_READ), passing[i]);
		assert_true(iova_passes(passing[i]));
	}
	guest.error = 0;
	assert_int_equal(whole(BASE, 1, IOVA_READ), 0);
	assert_false(iova_passes(-EFAULT) || iova_passes(-EACCES) || iova_passes(-EPROTO) || iova_passes(0));
}

/*
 * A file that cannot be mapped as the kernel says is of the driver's making, whatever mmap() calls
 * it.
 */
static void file_that_cannot_be_mapped(void **state)
{
	int sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING), old;

	(void)state;
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	assert_return_code(sealed, errno);
	assert_return_code(fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE), errno); /* EPERM */
	old = guest.r[0].fd;
	guest.r[0].fd = sealed;
	assert_int_equal(whole(BASE, 1, IOVA_READ), -EACCES);
	guest.r[0].fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC); /* EIO or ENODEV */
	assert_return_code(guest.r[0].fd, errno);
	assert_int_equal(whole(BASE, 1, IOVA_READ), -EACCES);
	assert_return_code(close(guest.r[0].fd) | close(sealed), errno);
	guest.r[0].fd = old;
}

static void descriptors_are_closed(void **state)
{
	int before = dup(0), after;

	(void)state;
	assert_return_code(close(before), errno);
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	before = dup(0);
	assert_return_code(close(before), errno);
	assert_int_equal(whole(BASE, 1, IOVA_READ), 0);
	after = dup(0);
	assert_return_code(close(after), errno);
	assert_int_equal(before, after);
}

#define RACE_REGIONS 64U

static void *race(void *arg)
{
	struct iova_view v = { .map = &map };

	for (uint64_t i = 0; i < RACE_REGIONS; i++) {
		uint8_t byte = 0;

		if (iova_read(&v, BASE + i * SIZE, &byte, 1) < 0 || byte != i)
			return arg;
	}
	return NULL;
}

static void threads_insert_each_region_once(void **state)
{
	pthread_t t[8];
	void *bad;

	(void)state;
	for (uint64_t i = 0; i < RACE_REGIONS; i++)
		*(uint8_t *)guest_add(&guest, BASE + i * SIZE, SIZE, 0, VDUSE_ACCESS_RW) = (uint8_t)i;
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], NULL, race, &map), 0);
	for (size_t i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(t[i], &bad), 0);
		assert_null(bad);
	}
	assert_int_equal(guest.gets, RACE_REGIONS);
	assert_int_equal(map.count, RACE_REGIONS);
}

/*
 * A fault that is not of a huge page, though the kernel refuses zeros of one small page: no larger
 * ones over what lies behind it.
 */
static void zeros_cover_no_neighbour(void **state)
{
	uint8_t *all = mmap(NULL, 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *next;
	void *p;

	(void)state;
	assert_ptr_not_equal(all, MAP_FAILED);
	(void)guest_add(&guest, BASE, 0x1000, 0, VDUSE_ACCESS_RW);
	(void)guest_add(&guest, BASE + SIZE, 0x1000, 0, VDUSE_ACCESS_RW);
	place = all + HUGE - (uintptr_t)all % HUGE;
	next = place + 0x1000;
	assert_int_equal(iova_whole(&view, BASE, 1, IOVA_BOTH, &p), 0);
	assert_int_equal(iova_whole(&view, BASE + SIZE, 1, IOVA_BOTH, &p), 0);
	assert_ptr_equal(p, next);
	*next = 0x5a;
	assert_false(iova_put_zeros(&map, next - 0x1000));
	assert_int_equal(*next, 0x5a);
	assert_true(iova_drop(&map, BASE + SIZE, BASE + SIZE)); /* and not unmapped yet */
	assert_false(iova_put_zeros(&map, next - 0x1000));
	assert_int_equal(*next, 0x5a);
	iova_sweep(&map);
	map.keep = (struct iova_mapping){ .at = next, .len = 0x1000 };
	place = NULL;
	assert_ptr_equal(mmap(next, 0x1000, PROT_READ | PROT_WRITE, FIXED, -1, 0), next);
	*next = 0x5a;
	place = next + 0x1000;
	assert_false(iova_put_zeros(&map, next - 0x1000));
	assert_int_equal(*next, 0x5a);
	place = NULL;
	assert_true(iova_drop(&map, 0, UINT64_MAX));
	iova_sweep(&map);
	assert_return_code(munmap(all, 2 * HUGE), errno);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(zeros_cover_no_neighbour),
		T(maps_once_and_translates),
		T(offset_need_not_be_page_aligned),
		T(D9_empty_range),
		T(D11_wraps_around),
		T(D12_unmapped),
		T(D13_two_regions),
		T(D14_one_byte_past),
		T(V7_dropped_when_overlapping_in_part),
		T(V7_drop_keeps_the_others),
		T(V10_permission),
		T(V10_permission_invalid),
		T(V11_full_until_it_is_emptied),
		T(answers_that_make_no_sense),
		T(overlap_with_a_known_region),
		T(error_of_the_kernel_is_passed_on),
		T(what_passes),
		T(file_that_cannot_be_mapped),
		T(descriptors_are_closed),
		T(threads_insert_each_region_once),
	};

	return cmocka_run_group_tests_name("worker/iova", tests, NULL, NULL);
}

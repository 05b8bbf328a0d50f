/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/measure.c - see measure.h. Runs in a helper, since the file is its owner's.
 */
#include "control/steps/measure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/fd.h"

static bool has_ended(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

/*
 * The worker's hard limit is the size of its file: no exploit makes it fill the disk. prlimit(2)
 * knows processes by number only, and when the worker ends its number can become another's. So the
 * pidfd must say that it lives, before and after, and the limit must be one that we gave. What
 * remains is a number that changes hands between two of these calls: then another worker may
 * write as far as this one could.
 */
static int allow_writes(const struct measure_arg *a, uint64_t size, struct err *e)
{
	struct rlimit r = { .rlim_cur = size, .rlim_max = size }, was;
	int pidfd = HELPER_FD + 1;

	if (a->info.is_block || a->worker_pid <= 0)
		return 0;
	if (prlimit(a->worker_pid, RLIMIT_FSIZE, NULL, &was) == 0 && was.rlim_max >= a->info.size &&
	    was.rlim_max <= VD_CAPACITY_MAX && !has_ended(pidfd) &&
	    prlimit(a->worker_pid, RLIMIT_FSIZE, &r, NULL) == 0 && !has_ended(pidfd))
		return 0;
	if (has_ended(pidfd))
		return err_class(e, CTL_E_BUSY, "its worker is being replaced: try again in a moment");
	return err_set(e, -EIO, "raising the worker's file size limit: it cannot be set, or is not as it was left");
}

static int grow(const struct measure_arg *a, uint64_t *size, struct err *e)
{
	struct stat st;
	char link[40];
	int fd, rc = 0;

	if (a->size == 0 || a->size <= *size)
		return 0;
	if (a->info.is_block || a->read_only)
		return err_class(e, CTL_E_INVALID, "%s has %llu bytes%s: grow it first, then resize without a size",
				 a->info.path, (unsigned long long)*size,
				 a->info.is_block ? ", and is a block device" : ", and the device is read-only");
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", HELPER_FD);
	fd = open(link, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0 && errno == EACCES)
		return err_class(e, CTL_E_DENIED, "%s: %s", a->info.path, err_str(-EACCES));
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", a->info.path, err_str(-errno));
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size > a->size) /* its owner was faster */
		rc = err_class(e, CTL_E_BUSY, "%s changes its size meanwhile: try again", a->info.path);
	else if (ftruncate(fd, (off_t)a->size) != 0)
		rc = err_set(e, -errno, "growing %s: %s", a->info.path, err_str(-errno));
	fd_close(&fd);
	*size = a->size;
	return rc;
}

/* Without opening it: fstat() on an O_PATH descriptor, sysfs for a block device. */
static int size_of(const struct measure_arg *a, uint64_t *size, struct err *e)
{
	char path[64], text[32];
	struct stat st;
	int rc;

	if (fstat(HELPER_FD, &st) != 0)
		return err_set(e, -errno, "%s: %s", a->info.path, err_str(-errno));
	*size = (uint64_t)st.st_size;
	if (!a->info.is_block)
		return 0;
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/size", major(st.st_rdev), minor(st.st_rdev));
	rc = file_read(AT_FDCWD, path, text, sizeof(text));
	if (rc < 0)
		return err_set(e, rc, "%s: %s", path, err_str(rc));
	*size = strtoull(text, NULL, 10) * VD_SECTOR_SIZE;
	return 0;
}

static int check_size(const struct measure_arg *a, uint64_t size, struct err *e)
{
	unsigned long long now = size, was = a->info.size;

	if (size < a->info.size)
		return err_class(
			e, CTL_E_INVALID,
			"%s would have %llu bytes, less than the device's %llu: an attached device cannot shrink; "
			"delete it and create it anew",
			a->info.path, now, was);
	if (size > VD_CAPACITY_MAX)
		return err_class(e, CTL_E_INVALID, "%s would be larger than a device can be", a->info.path);
	if (size % a->block_size != 0)
		return err_class(e, CTL_E_INVALID, "%llu bytes are not a multiple of the block size %u: make it %llu",
				 now, a->block_size, (now / a->block_size + 1) * a->block_size);
	return 0;
}

int measure(const void *arg, struct helper_out *out)
{
	const struct measure_arg *a = arg;
	struct err *e = &out->result->err;
	struct measure_result res = { 0 };
	uint64_t want;
	int rc = size_of(a, &res.size, e);

	want = a->size ? a->size : res.size;
	if (rc == 0)
		rc = backing_must_be(HELPER_FD, &a->info, e);
	if (rc == 0)
		rc = check_size(a, want, e);
	if (rc == 0)
		rc = allow_writes(a, want, e);
	if (rc == 0)
		rc = backing_become(&a->owner, e);
	if (rc == 0)
		rc = grow(a, &res.size, e);
	res.size = want;
	memcpy(out->result->data, &res, sizeof(res));
	return rc;
}

/*
 * control/ops/resize.c - see upgrade.h. A device takes the size that its backing file has got. Main process, and step_measure() in a
 * helper, since the file is its owner's.
 *
 * Order: the file grows; the worker may write that far (RLIMIT_FSIZE); the new size is recorded, so that a worker which takes over
 * from here on announces it; the worker accepts the sectors and tells the driver.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/access.h"
#include "control/device/saved.h"
#include "control/ops/upgrade.h"
#include "control/sys/caps.h"

#define MEASURE_MS 10000U
#define RESIZE_CAPS (BACKING_CAPS | CAP_BIT(CAP_SYS_RESOURCE))

struct resize_arg {
	struct owner owner;
	struct backing_info info;
	uint64_t size; /* to grow to, 0 = do not */
	uint32_t block_size;
	int32_t worker_pid;
	bool read_only;
};

struct resize_result {
	uint64_t size;
};

/* ---- helper ------------------------------------------------------------------------------------- */

/* The worker's hard limit is the size of its file: no exploit makes it fill the disk. */
static int allow_writes(const struct resize_arg *a, uint64_t size, struct err *e)
{
	struct rlimit r = { .rlim_cur = size, .rlim_max = size };

	if (a->info.is_block || a->worker_pid <= 0)
		return 0;
	if (prlimit(a->worker_pid, RLIMIT_FSIZE, &r, NULL) != 0)
		return err_set(e, -EIO, "raising the worker's file size limit: %s", err_str(-errno));
	return 0;
}

static int grow(const struct resize_arg *a, uint64_t *size, struct err *e)
{
	struct stat st;
	char link[40];
	int fd, rc = 0;

	if (a->size == 0 || a->size <= *size)
		return 0;
	if (a->info.is_block || a->read_only)
		return err_set(e, -EINVAL, "%s has %llu bytes%s: grow it first, then resize without a size",
			       a->info.path, (unsigned long long)*size,
			       a->info.is_block ? ", and is a block device" : ", and the device is read-only");
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", HELPER_FD);
	fd = open(link, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return err_set(e, -errno, "%s: %s", a->info.path, err_str(-errno));
	if (fstat(fd, &st) != 0 || (uint64_t)st.st_size > a->size) /* its owner was faster */
		rc = err_set(e, -EBUSY, "%s changes its size meanwhile: try again", a->info.path);
	else if (ftruncate(fd, (off_t)a->size) != 0)
		rc = err_set(e, -errno, "growing %s: %s", a->info.path, err_str(-errno));
	fd_close(&fd);
	*size = a->size;
	return rc;
}

/* Without opening it: fstat() on an O_PATH descriptor, sysfs for a block device. */
static int measure(const struct resize_arg *a, uint64_t *size, struct err *e)
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

static int check_size(const struct resize_arg *a, uint64_t size, struct err *e)
{
	unsigned long long now = size, was = a->info.size;

	if (size < a->info.size)
		return err_set(
			e, -EINVAL,
			"%s would have %llu bytes, less than the device's %llu: an attached device cannot shrink; "
			"delete it and create it anew",
			a->info.path, now, was);
	if (size > VD_CAPACITY_MAX)
		return err_set(e, -EFBIG, "%s would be larger than a device can be", a->info.path);
	if (size % a->block_size != 0)
		return err_set(e, -EINVAL, "%llu bytes are not a multiple of the block size %u: make it %llu", now,
			       a->block_size, (now / a->block_size + 1) * a->block_size);
	return 0;
}

/* helper_fn. HELPER_FD: the O_PATH descriptor of the file. */
static int step_measure(const void *arg, struct helper_out *out)
{
	const struct resize_arg *a = arg;
	struct err *e = &out->result->err;
	struct resize_result res = { 0 };
	uint64_t want;
	int rc = measure(a, &res.size, e);

	want = a->size ? a->size : res.size;
	if (!rc)
		rc = check_size(a, want, e);
	if (!rc)
		rc = allow_writes(a, want, e);
	if (!rc)
		rc = backing_become(&a->owner, e);
	if (!rc)
		rc = grow(a, &res.size, e);
	res.size = want;
	memcpy(out->result->data, &res, sizeof(res));
	return rc;
}

/* ---- main process ------------------------------------------------------------------------------- */

static void end(struct device *d, const struct err *e)
{
	device_done *done = d->changed;

	if (!e->code && d->backing.size != d->resize.from)
		log_note("%s: has %llu bytes now", d->name, (unsigned long long)d->backing.size);
	d->changed = NULL;
	done(d, e);
}

static void go_back(struct device *d, const struct err *e)
{
	d->backing.size = d->resize.from;
	(void)record_save(d);
	end(d, e);
}

/* A worker that died instead of answering is followed by one that announces what is recorded. */
static void on_resized(struct device *d, const struct err *e)
{
	struct err ok = { 0 };

	if (e->code && d->worker->phase == WORKER_SERVING)
		go_back(d, e);
	else
		end(d, &ok);
}

static int fits_tenant(struct device *d, uint64_t size, struct err *e)
{
	uint64_t now = d->backing.size;
	int rc;

	d->backing.size = size;
	rc = access_size(d, e);
	d->backing.size = now;
	return rc;
}

static void on_measured(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = ctx;
	struct resize_result r;
	struct err e = res->err;

	helper_drop_fds(fds, nfds);
	memcpy(&r, res->data, sizeof(r));
	if (!e.code && (d->recovery.active || d->worker->phase != WORKER_SERVING || d->worker->pid != d->resize.worker))
		(void)err_set(&e, -EBUSY, "its worker was replaced meanwhile: try again");
	if (!e.code)
		(void)fits_tenant(d, r.size, &e);
	if (e.code) { /* else told again even if it is the same: the driver may not know */
		end(d, &e);
		return;
	}
	d->resize.from = d->backing.size;
	d->backing.size = r.size;
	if (record_save(d))
		(void)err_set(&e, -EIO, "its record cannot be written: make room in %s", d->svc->opt->runtime_dir);
	else if (worker_resize(d->worker, r.size, on_resized))
		(void)err_set(&e, -EBUSY, "its worker does not listen: try again in a moment");
	if (e.code)
		go_back(d, &e);
}

static void start_measure(struct device *d, uint64_t size, struct err *e)
{
	static struct resize_arg a; /* copied by fork */
	struct helper_spec spec = {
		.name = "measure",
		.fn = step_measure,
		.arg = &a,
		.fds = { d->path_fd },
		.nfds = 1,
		.caps = RESIZE_CAPS,
		.deadline_ms = MEASURE_MS,
		.uid = d->owner.uid,
	};

	memset(&a, 0, sizeof(a));
	a.owner = d->owner;
	a.info = d->backing;
	a.size = size;
	a.block_size = d->block_size;
	a.read_only = d->flags & CTL_F_READ_ONLY;
	a.worker_pid = d->worker->pid;
	d->resize.worker = d->worker->pid;
	(void)helper_start(d->svc->base, &spec, on_measured, d, e);
}

void change_resize(struct device *d, uint64_t size, device_done *done)
{
	struct err e = { 0 };

	d->changed = done;
	if (d->adopting)
		(void)err_set(&e, -EBUSY, CHANGE_ADOPTING);
	else if (d->broken)
		(void)err_set(&e, -EOPNOTSUPP, CHANGE_BROKEN);
	else if (d->state != CTL_DEV_LIVE || d->fail_mode || d->path_fd < 0)
		(void)err_set(&e, -EINVAL, "it is in fail mode: \"vduse-ctl recover %s\" first", d->name);
	else if (d->recovery.active || d->worker->phase != WORKER_SERVING)
		(void)err_set(&e, -EBUSY, "its worker is being replaced: try again in a moment");
	else if (size != 0 && size > VD_CAPACITY_MAX)
		(void)err_set(&e, -EFBIG, "%llu bytes are more than a device can have", (unsigned long long)size);
	else if (size == 0 || !fits_tenant(d, size, &e))
		start_measure(d, size, &e);
	if (e.code)
		end(d, &e);
}

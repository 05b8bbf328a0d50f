/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/stuck.c - memory that stops answering: a file of a FUSE file system whose server
 * lets requests of one kind wait for ever. Part of the hostile driver (hostile.h). Any user may
 * mount such a thing in a user namespace of his own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define WHERE "/tmp/hostile-stuck"

static struct { /* shared with the server */
	uint32_t op; /* this is not answered ... */
	uint32_t errors; /* ... after so many answers that are errors */
} * hang;

static void reply(int fd, uint64_t unique, int error, const void *p, size_t len)
{
	struct fuse_out_header h = { .len = (uint32_t)(sizeof(h) + len), .error = error, .unique = unique };
	struct iovec iov[2] = { { &h, sizeof(h) }, { (void *)(uintptr_t)p, len } };

	(void)!writev(fd, iov, 2);
}

static void answer_read(int fd, const struct fuse_in_header *in)
{
	static const uint8_t zeros[65536];
	const struct fuse_read_in *r = (const void *)(in + 1);

	reply(fd, in->unique, 0, zeros, r->size < sizeof(zeros) ? r->size : sizeof(zeros));
}

static void answer_write(int fd, const struct fuse_in_header *in)
{
	const struct fuse_write_in *w = (const void *)(in + 1);
	struct fuse_write_out out = { .size = w->size };

	reply(fd, in->unique, 0, &out, sizeof(out));
}

/* Is it of the kind that hangs? */
static bool hangs(int fd, const struct fuse_in_header *in)
{
	if (__atomic_load_n(&hang->op, __ATOMIC_ACQUIRE) != in->opcode)
		return false;
	if (hang->errors > 0) {
		hang->errors--;
		reply(fd, in->unique, -EIO, NULL, 0);
	}
	return true;
}

static void answer(int fd, const struct fuse_in_header *in)
{
	struct fuse_init_out init = {
		.major = FUSE_KERNEL_VERSION,
		.minor = 31,
		.max_readahead = 4096,
		.max_write = 65536,
		.flags = FUSE_WRITEBACK_CACHE, /* then unmapping sends the times of the file */
	};
	struct fuse_attr_out attr = { .attr_valid = 1000 };
	struct fuse_open_out open = { .fh = 1, .open_flags = FOPEN_KEEP_CACHE };

	attr.attr.ino = in->nodeid;
	attr.attr.mode = S_IFREG | 0600;
	attr.attr.nlink = 1;
	attr.attr.size = MIB;
	if (hangs(fd, in))
		return;
	switch (in->opcode) {
	case FUSE_READ:
		answer_read(fd, in);
		break;
	case FUSE_WRITE:
		answer_write(fd, in);
		break;
	case FUSE_INIT:
		reply(fd, in->unique, 0, &init, sizeof(init));
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		reply(fd, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		reply(fd, in->unique, 0, &open, sizeof(open));
		break;
	case FUSE_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		reply(fd, in->unique, in->opcode == FUSE_FLUSH || in->opcode == FUSE_RELEASE ? 0 : -ENOSYS, NULL, 0);
		break;
	}
}

static void serve(int fd)
{
	static char buf[1 << 18];

	while (read(fd, buf, sizeof(buf)) > 0 || errno == EINTR || errno == ENOENT)
		answer(fd, (const struct fuse_in_header *)(const void *)buf);
	_exit(0);
}

pid_t stuck_mount(uint8_t **va)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), file = open(WHERE, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	char options[100];
	struct stat st;
	pid_t pid;
	void *p;

	if (fd < 0)
		case_skip("no FUSE: %s", strerror(errno));
	hang = mmap(NULL, sizeof(*hang), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	check(hang != MAP_FAILED, "mmap: %s", strerror(errno));
	(void)close(file);
	(void)umount2(WHERE, MNT_DETACH);
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=100000,user_id=0,group_id=0", fd);
	check(mount("hostile", WHERE, "fuse", MS_NOSUID | MS_NODEV, options) == 0, "mount: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)close_range(3, (unsigned)fd - 1, 0); /* not the driver's node */
		serve(fd);
	}
	(void)close(fd);
	file = open(WHERE, O_RDWR | O_CLOEXEC);
	check(file >= 0, "open: %s", strerror(errno));
	/* with the writeback cache the size is what this side says */
	check(ftruncate(file, MIB) == 0 && fstat(file, &st) == 0 && st.st_size == MIB, "size: %s", strerror(errno));
	p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	check(p != MAP_FAILED, "mmap: %s", strerror(errno));
	check(madvise(p, MIB, MADV_DONTFORK) == 0, "madvise"); /* a child could not even end */
	(void)close(file);
	*va = p;
	return pid;
}

void stuck_hang(uint32_t op, uint32_t errors)
{
	hang->errors = errors;
	__atomic_store_n(&hang->op, op, __ATOMIC_RELEASE);
}

void stuck_unmount(void)
{
	(void)umount2(WHERE, MNT_DETACH);
	(void)unlink(WHERE);
}

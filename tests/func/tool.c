/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/func/tool.c - what the tests need and no program of the guest does. Test code.
 *   tool foreign-create NAME    a VDUSE block device as another program would make it
 *   tool foreign-destroy NAME   remove a VDUSE device
 *   tool hold FILE [excl]       open FILE (O_EXCL), say "held", wait to be killed
 *   tool hold-rw FILE           the same, open for reading and writing
 *   tool vhost NODE status|iotlb|state   what the owner of a vhost node does: open it, which resets
 *                                        the device; map memory;
 *                               ask where a ring is. Says "open" and "done", waits to be killed
 *   tool pin PID                keep the memory of a process in use, as somebody does who reads it
 *                               and takes his time. Says "held", waits to be killed
 *   tool watch PID FILE         read /proc/PID/FILE as nobody (FILE: cmdline, status ...) or, where
 *                               nobody may not, as root, again and again until it is gone
 *   tool excl FILE              open FILE with O_EXCL and close it: exit status 0, 16 when busy
 *   tool odd FILE SKEW SIZE COUNT   COUNT times SIZE bytes, written and read with O_DIRECT, SKEW
 *                                   bytes behind the start of a page;
 *                               says how many of either went well
 *   tool rounds MIB             write that much memory and read it again, for ever: a line for each
 *                               round, "wrong" for a wrong byte
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/userfaultfd.h>
#include <linux/vduse.h>
#include <linux/vhost.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int die(const char *what)
{
	(void)fprintf(stderr, "tool: %s: %s\n", what, strerror(errno));
	return errno < 100 ? errno : 99;
}

static int open_control(void)
{
	uint64_t version = 0;
	int fd = open("/dev/vduse/control", O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, VDUSE_SET_API_VERSION, &version) == 0)
		return fd;
	exit(die("/dev/vduse/control"));
}

static int foreign_create(const char *name)
{
	struct vduse_dev_config *c = calloc(1, sizeof(*c) + sizeof(struct virtio_blk_config));
	struct vduse_vq_config vq = { .index = 0, .max_size = 64 };
	char node[300];
	int fd;

	if (!c || strlen(name) >= sizeof(c->name))
		return 2;
	strcpy(c->name, name);
	c->device_id = VIRTIO_ID_BLOCK;
	c->features = 1ULL << VIRTIO_F_ACCESS_PLATFORM | 1ULL << VIRTIO_F_VERSION_1;
	c->vq_num = 1;
	c->vq_align = 4096;
	c->config_size = sizeof(struct virtio_blk_config);
	((struct virtio_blk_config *)(void *)c->config)->capacity = 2048;
	if (ioctl(open_control(), VDUSE_CREATE_DEV, c) != 0)
		return die("VDUSE_CREATE_DEV");
	(void)snprintf(node, sizeof(node), "/dev/vduse/%s", name);
	fd = open(node, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, VDUSE_VQ_SETUP, &vq) != 0)
		return die(node);
	return 0;
}

static int foreign_destroy(const char *name)
{
	char buf[VDUSE_NAME_MAX] = { 0 };

	if (strlen(name) >= sizeof(buf))
		return 2;
	strcpy(buf, name);
	return ioctl(open_control(), VDUSE_DESTROY_DEV, buf) == 0 ? 0 : die("VDUSE_DESTROY_DEV");
}

static int hold(const char *file, int flags)
{
	if (open(file, O_CLOEXEC | O_NONBLOCK | flags) < 0)
		return die(file);
	(void)puts("held");
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

static int map_memory(int fd)
{
	struct vhost_msg m = { .type = VHOST_IOTLB_MSG };
	int file = memfd_create("memory", MFD_CLOEXEC);
	void *p;

	if (file < 0 || ftruncate(file, 65536) != 0)
		return -1;
	p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	m.iotlb.type = VHOST_IOTLB_UPDATE;
	m.iotlb.uaddr = (uintptr_t)p;
	m.iotlb.size = 65536;
	m.iotlb.perm = VHOST_ACCESS_RW;
	return p != MAP_FAILED && write(fd, &m, sizeof(m)) == (ssize_t)sizeof(m) ? 0 : -1;
}

static int odd(const char *file, size_t skew, size_t size, unsigned count)
{
	int fd = open(file, O_RDWR | O_CLOEXEC | O_DIRECT);
	uint8_t *out = aligned_alloc(4096, size + 4096), *in = aligned_alloc(4096, size + 4096);
	unsigned wrote = 0, got = 0;

	if (fd < 0 || !out || !in)
		return die(file);
	for (unsigned i = 0; i < count; i++) {
		for (size_t k = 0; k < size; k++)
			out[skew + k] = (uint8_t)(k * 7 + k / 512 + i);
		memset(in, 0, size + 4096);
		if (pwrite(fd, out + skew, size, (off_t)(size * i)) == (ssize_t)size)
			wrote++;
		if (pread(fd, in + skew, size, (off_t)(size * i)) == (ssize_t)size &&
		    memcmp(in + skew, out + skew, size) == 0)
			got++;
	}
	(void)printf("%u written, %u read\n", wrote, got);
	return 0;
}

static void say(const char *what)
{
	(void)puts(what);
	(void)fflush(stdout);
}

static int rounds(size_t pages)
{
	uint64_t *p = mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool right = true;

	if (p == MAP_FAILED)
		return die("memory");
	for (uint64_t n = 1;; n++) {
		for (size_t i = 0; i < pages; i++)
			p[i * 512 + n % 512] = n * pages + i;
		for (size_t i = 0; i < pages; i++)
			right = right && p[i * 512 + n % 512] == n * pages + i;
		say(right ? "right" : "wrong");
	}
}

static struct iovec here, there;
static pid_t pinned;

/* The kernel uses the other's memory until it has a page of ours to copy to, which never comes. */
static void *copy_from(void *unused)
{
	(void)unused;
	if (process_vm_readv(pinned, &here, 1, &there, 1, 0) < 0)
		exit(die("process_vm_readv"));
	return NULL;
}

/* A page that is not there, and for which the kernel asks us. */
static int asked_for(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	here.iov_base = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	here.iov_len = 8;
	reg.range.start = (uintptr_t)here.iov_base;
	reg.range.len = 4096;
	return ioctl(fd, UFFDIO_API, &api) == 0 && ioctl(fd, UFFDIO_REGISTER, &reg) == 0 ? fd : -1;
}

static int pin(const char *pid)
{
	struct pollfd p = { .fd = asked_for(), .events = POLLIN };
	unsigned long first = 0;
	pthread_t thread;
	char path[64];
	FILE *maps;

	(void)snprintf(path, sizeof(path), "/proc/%s/maps", pid);
	maps = fopen(path, "re");
	if (p.fd < 0 || !maps || fscanf(maps, "%lx", &first) != 1)
		return die(path);
	there = (struct iovec){ (void *)first, 8 }; /* NOLINT(performance-no-int-to-ptr) */
	pinned = atoi(pid);
	if (pthread_create(&thread, NULL, copy_from, NULL) != 0 || poll(&p, 1, -1) != 1)
		return die("waiting for the copy");
	say("held");
	for (;;)
		(void)pause();
}

static int watch(const char *pid, const char *file)
{
	char path[64], buf[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	if (strcmp(file, "smaps_rollup") != 0 &&
	    (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))
		return die("nobody");
	while ((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
		while (read(fd, buf, sizeof(buf)) > 0)
			;
		(void)close(fd);
	}
	return errno == ENOENT || errno == ESRCH ? 0 : die(path);
}

static int vhost(const char *node, const char *what)
{
	struct vhost_vring_state s = { .index = 0 };
	int fd = open(node, O_RDWR | O_CLOEXEC), rc = 0;

	if (fd < 0 || ioctl(fd, VHOST_SET_OWNER) != 0)
		return die(node);
	say("open");
	if (!strcmp(what, "iotlb"))
		rc = map_memory(fd);
	if (!strcmp(what, "state"))
		rc = ioctl(fd, VHOST_GET_VRING_BASE, &s);
	if (rc != 0)
		return die(what);
	say("done");
	for (;;)
		(void)pause();
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	int fd;

	if (!strcmp(what, "foreign-create"))
		return foreign_create(argv[2]);
	if (!strcmp(what, "foreign-destroy"))
		return foreign_destroy(argv[2]);
	if (!strcmp(what, "hold"))
		return hold(argv[2], argc > 3 ? O_EXCL : 0);
	if (!strcmp(what, "hold-rw"))
		return hold(argv[2], O_RDWR);
	if (!strcmp(what, "vhost") && argc > 3)
		return vhost(argv[2], argv[3]);
	if (!strcmp(what, "odd") && argc == 6)
		return odd(argv[2], strtoul(argv[3], NULL, 10), strtoul(argv[4], NULL, 10), (unsigned)atoi(argv[5]));
	if (!strcmp(what, "rounds"))
		return rounds(strtoul(argv[2], NULL, 10) * 256);
	if (!strcmp(what, "pin"))
		return pin(argv[2]);
	if (!strcmp(what, "watch") && argc > 3)
		return watch(argv[2], argv[3]);
	if (!strcmp(what, "excl")) {
		fd = open(argv[2], O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_EXCL);
		return fd < 0 ? die(argv[2]) : close(fd);
	}
	(void)fputs("usage: tool foreign-create|foreign-destroy|hold|hold-rw|vhost|pin|watch|excl|odd|rounds NAME\n",
		    stderr);
	return 2;
}

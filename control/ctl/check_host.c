/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/check_host.c - the probes of `vduse-ctl check` that only look at files (check.h).
 * Runs as the tool's caller.
 */
#include "control/ctl/check_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/kernel_version.h"
#include "control/ctl/findings.h"

#define UNFIXED_HINT "vdused does not start on it without --allow-unfixed-kernel, see vdused(8)"

void check_kernel(struct check_list *l, const char *release)
{
	struct check_item *i;

	switch (kernel_check(release)) {
	case KERNEL_OK:
		(void)check_add(l, "kernel", CHECK_OK, "%s", release);
		break;
	case KERNEL_UNKNOWN:
		i = check_add(l, "kernel", CHECK_WARNING, "%s: not a version that we understand", release);
		check_remedy(i, UNFIXED_HINT);
		break;
	case KERNEL_OLD:
		i = check_add(l, "kernel", CHECK_WARNING,
			      "%s: vdused is made for 6.12 and later and was never tried on this one", release);
		check_remedy(i, "install a kernel of " KERNEL_FIXED_IN " or later; " UNFIXED_HINT);
		break;
	case KERNEL_UNFIXED:
		i = check_add(l, "kernel", CHECK_WARNING,
			      "%s: unless its vendor fixed it, has CVE-2026-74313 (use after free in vduse)", release);
		check_remedy(i, "install a kernel of " KERNEL_FIXED_IN " or later in its series; " UNFIXED_HINT);
		break;
	}
}

static const struct module {
	const char *name, *item;
	const char *trace; /* exists in sysfs when the module works, also when built in */
	const char *config;
	enum check_status severity;
} modules[] = {
	{ "vduse", "module vduse", "sys/class/vduse", "CONFIG_VDPA_USER", CHECK_MISSING },
	{ "virtio_vdpa", "module virtio_vdpa", "sys/bus/vdpa/drivers/virtio_vdpa", "CONFIG_VIRTIO_VDPA",
	  CHECK_MISSING },
	{ "virtio_blk", "module virtio_blk", "sys/bus/virtio/drivers/virtio_blk", "CONFIG_VIRTIO_BLK", CHECK_MISSING },
	{ "vhost_vdpa", "module vhost_vdpa", "sys/bus/vdpa/drivers/vhost_vdpa", "CONFIG_VHOST_VDPA", CHECK_WARNING },
};

static bool exists(int root, const char *path)
{
	return faccessat(root, path, F_OK, 0) == 0;
}

/*
 * A line of modules.dep or modules.builtin starts with the module's path; '-' and '_' are one in
 * names.
 */
static bool line_names(char *text, const char *name)
{
	char *base, *end = strstr(text, ".ko");

	if (!end)
		return false;
	*end = '\0';
	base = strrchr(text, '/');
	base = base ? base + 1 : text;
	for (char *c = base; *c; c++)
		if (*c == '-')
			*c = '_';
	return strcmp(base, name) == 0;
}

static bool listed(int root, const char *release, const char *file, const char *name)
{
	char path[160], *text = NULL;
	bool found = false;
	size_t size = 0;
	FILE *f;
	int fd;

	(void)snprintf(path, sizeof(path), "lib/modules/%.100s/%s", release, file);
	fd = openat(root, path, O_RDONLY | O_CLOEXEC);
	f = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!f) {
		fd_close(&fd);
		return false;
	}
	while (!found && getline(&text, &size, f) > 0)
		found = line_names(text, name);
	free(text);
	(void)fclose(f);
	return found;
}

static void check_module(struct check_list *l, int root, const char *release, const struct module *m)
{
	struct check_item *i;
	char path[64];

	(void)snprintf(path, sizeof(path), "sys/module/%s", m->name);
	if (exists(root, path)) {
		(void)check_add(l, m->item, CHECK_OK, "loaded");
	} else if (exists(root, m->trace) || listed(root, release, "modules.builtin", m->name)) {
		(void)check_add(l, m->item, CHECK_OK, "built into the kernel");
	} else if (listed(root, release, "modules.dep", m->name)) {
		i = check_add(l, m->item, m->severity, "not loaded%s",
			      m->severity == CHECK_WARNING ? ": needed for virtual machines only" : "");
		check_remedy(i, "modprobe %s, then restart vdused", m->name);
	} else {
		i = check_add(l, m->item, m->severity, "this kernel has none (%s)%s", m->config,
			      m->severity == CHECK_WARNING ? ": needed for virtual machines only" : "");
		check_remedy(i, "install a kernel that has it; Debian 12: linux-image-6.12-amd64 (virtual machine: "
				"linux-image-6.12-cloud-amd64) of bookworm-security");
	}
}

void check_modules(struct check_list *l, int root, const char *release)
{
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		check_module(l, root, release, &modules[i]);
}

void check_control_node(struct check_list *l, int root)
{
	static const char item[] = "/dev/vduse/control";
	struct check_item *i;
	struct stat st;

	if (fstatat(root, "dev/vduse/control", &st, AT_SYMLINK_NOFOLLOW) < 0) {
		i = check_add(l, item, CHECK_MISSING, "%s", err_str(-errno));
		check_remedy(i, "modprobe vduse, on a kernel that has it; into a container, pass the node");
	} else if (!S_ISCHR(st.st_mode)) {
		i = check_add(l, item, CHECK_MISSING, "is not a character device");
		check_remedy(i, "remove it, then: modprobe -r vduse; modprobe vduse");
	} else if (st.st_uid != 0 || (st.st_mode & 077) != 0) {
		i = check_add(l, item, CHECK_WARNING, "others than root may open it and destroy any device");
		check_remedy(i, "chown root:root /dev/vduse/control; chmod 600 /dev/vduse/control");
	} else {
		(void)check_add(l, item, CHECK_OK, "character device, root only");
	}
}

void check_seccomp(struct check_list *l, int root)
{
	struct check_item *i;
	char actions[256];

	if (file_read(root, "proc/sys/kernel/seccomp/actions_avail", actions, sizeof(actions)) > 0 &&
	    strstr(actions, "kill_process")) {
		(void)check_add(l, "seccomp", CHECK_OK, "has kill_process");
		return;
	}
	i = check_add(l, "seccomp", CHECK_MISSING, "the kernel has no system call filters: no worker can be jailed");
	check_remedy(i, "use a kernel with CONFIG_SECCOMP_FILTER");
}

void check_cgroup(struct check_list *l, int root)
{
	if (exists(root, "sys/fs/cgroup/cgroup.controllers"))
		(void)check_add(l, "cgroup2", CHECK_OK, "mounted");
	else
		(void)check_add(l, "cgroup2", CHECK_WARNING,
				"not mounted at /sys/fs/cgroup: workers have no limits of their own; optional");
}

/* What vdused keeps; vdused(8) says what for. */
static const struct {
	unsigned bit;
	const char *name;
} caps[] = {
	{ 0, "CAP_CHOWN" },      { 1, "CAP_DAC_OVERRIDE" }, { 5, "CAP_KILL" },
	{ 6, "CAP_SETGID" },     { 7, "CAP_SETUID" },       { 8, "CAP_SETPCAP" },
	{ 12, "CAP_NET_ADMIN" }, { 21, "CAP_SYS_ADMIN" },   { 24, "CAP_SYS_RESOURCE" },
};

static bool read_permitted(int root, unsigned long long *set)
{
	char text[4096], *at;

	if (file_read(root, "proc/self/status", text, sizeof(text)) < 0)
		return false;
	at = strstr(text, "\nCapPrm:\t");
	if (!at)
		return false;
	*set = strtoull(at + strlen("\nCapPrm:\t"), NULL, 16);
	return true;
}

void check_privileges(struct check_list *l, int root)
{
	unsigned long long set = 0;
	char lacks[200] = "";
	struct check_item *i;
	size_t len = 0;

	if (geteuid() != 0) {
		i = check_add(l, "privileges", CHECK_WARNING, "you are uid %u: vdused can be started by root only",
			      geteuid());
		check_remedy(i, "start vdused as root; this tool needs no more than its socket");
		return;
	}
	if (!read_permitted(root, &set)) {
		(void)check_add(l, "privileges", CHECK_WARNING, "/proc/self/status cannot be read");
		return;
	}
	for (size_t c = 0; c < sizeof(caps) / sizeof(caps[0]); c++)
		if (!(set >> caps[c].bit & 1))
			len += (size_t)snprintf(lacks + len, sizeof(lacks) - len, " %s", caps[c].name);
	if (len == 0) {
		(void)check_add(l, "privileges", CHECK_OK, "root, with every capability that vdused needs");
		return;
	}
	i = check_add(l, "privileges", CHECK_MISSING, "root without%s", lacks);
	check_remedy(i, "run vdused outside of the container or unit that takes them away");
}

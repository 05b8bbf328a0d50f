/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/main.c - vdused, the privileged supervisor. One libevent loop that never blocks: control
 * socket, signals, timers, worker exits by pidfd. Whatever can block in the kernel runs in a helper
 * (control/helper/helper.h). Never parses a byte that a driver or an image controls; clients' and
 * workers' messages are judged by tables (proto/).
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/kernel_version.h"
#include "common/log.h"
#include "control/config/load.h"
#include "control/helper/close_elsewhere.h"
#include "control/helper/helper.h"
#include "control/ops/adopt.h"
#include "control/reload.h"
#include "control/server/server.h"
#include "control/sys/autoprobe.h"
#include "control/sys/caps.h"
#include "control/sys/cgroup.h"
#include "control/sys/log_writer.h"
#include "control/sys/own_limits.h"
#include "control/sys/reclaim.h"
#include "control/sys/sd_notify.h"
#include "control/sys/syscalls.h"
#include "control/watch/netlink_watch.h"
#include "control/watch/respawn.h"
#include "control/watch/unkillable.h"

#define STOP_POLL_MS 50
#define STOP_MAX_MS 100000 /* longer than any create or delete can take to end or be undone */

static struct options opt; /* as the command line says */
static long long stop_deadline;

/* ---- start ----------------------------------------------------------------------------------- */

static int make_dir(const char *path, mode_t mode, struct err *e)
{
	struct stat st;

	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return err_set(e, -errno, "%s: %s", path, err_str(-errno));
	if (lstat(path, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return err_set(e, -EPERM,
			       "%s: must be a directory of root's that nobody else can write: remove or mend it", path);
	return 0;
}

static int make_dirs(const struct options *o, struct err *e)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = {
		{ "", 0755 }, /* the control socket is here */
		{ "state", 0700 }, /* what a worker leaves for the next: proto/state_file.h */
		{ "device", 0700 }, /* what vdused leaves for the next: control/device/saved.h */
		{ "worker", 0700 }, /* sockets of workers: control/sys/worker_sock.h */
		{ "empty", 0700 }, /* where a worker's root is mounted, in its own namespace */
		{ "probe", 0755 }, /* marks for the udev rule */
	};
	char path[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && rc == 0; i++) {
		(void)snprintf(path, sizeof(path), "%s%s%s", o->runtime_dir, dirs[i].name[0] ? "/" : "", dirs[i].name);
		rc = make_dir(path, dirs[i].mode, e);
	}
	return rc;
}

/* Stdin, stdout and stderr must exist: a descriptor opened later must never become one of them. */
static int hold_std_fds(void)
{
	struct stat st;

	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &st) != 0)
			return -EBADF;
	return 0;
}

/* ---- signals --------------------------------------------------------------------------------- */

/*
 * Something is half-done: a device between two states, or a worker that would die with its helper.
 */
static bool busy(const struct service *svc)
{
	const struct device *d;

	TAILQ_FOREACH(d, &svc->devices, link)
		if (!device_at_rest(d) || d->respawn.active || d->worker->helper_running ||
		    d->worker->phase == WORKER_HANDOVER || d->op.asked)
			return true;
	return false;
}

static void on_stop_poll(evutil_socket_t fd, short what, void *arg)
{
	struct service *svc = arg;
	struct timeval tv = { .tv_usec = STOP_POLL_MS * 1000L };

	(void)fd;
	(void)what;
	if (busy(svc) && now_ms() < stop_deadline) {
		(void)event_base_once(svc->base, -1, EV_TIMEOUT, on_stop_poll, svc, &tv);
		return;
	}
	(void)event_base_loopbreak(svc->base);
}

static void on_terminate(evutil_socket_t sig, short what, void *arg)
{
	struct service *svc = arg;

	(void)what;
	if (svc->stopping)
		return;
	svc->stopping = true;
	notify("STOPPING=1");
	log_note("got signal %d: stopping; devices and workers that go on serving: %u", (int)sig, svc->ndevices);
	server_close(svc);
	stop_deadline = now_ms() + STOP_MAX_MS;
	on_stop_poll(-1, 0, svc);
}

static void on_hangup(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	reload_begin(arg);
}

static int watch_signals(struct service *svc, struct err *e)
{
	static const struct {
		int sig;
		event_callback_fn fn;
	} signals[] = { { SIGTERM, on_terminate }, { SIGINT, on_terminate }, { SIGHUP, on_hangup } };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct event *ev = evsignal_new(svc->base, signals[i].sig, signals[i].fn, svc);

		if (!ev || event_add(ev, NULL) != 0)
			return err_set(e, -ENOMEM, "out of memory");
	}
	return 0;
}

/* ---- run ------------------------------------------------------------------------------------- */

/* A kernel that a tenant can take over by way of VDUSE is no place for this. */
static int check_kernel_floor(const struct options *o, struct err *e)
{
	struct utsname u;

	if (uname(&u) != 0)
		return err_set(e, -errno, "uname: %s", err_str(-errno));
	if (kernel_check(u.release) == KERNEL_OK)
		return 0;
	if (o->allow_kernel) {
		log_warn("kernel %s is not known to have the fix for CVE-2026-74313; --allow-unfixed-kernel was given",
			 u.release);
		return 0;
	}
	return err_set(e, -ENOSYS,
		       "kernel %s is not known to have the fix for CVE-2026-74313 (use after free in vduse): "
		       "boot " KERNEL_FIXED_IN
		       " or later in its series, or start with --allow-unfixed-kernel if its vendor fixed it",
		       u.release);
}

/* It may be installed later, and there may be workers to adopt: no reason not to start. */
static void check_worker_binary(const char *path)
{
	if (access(path, X_OK) != 0)
		log_warn("worker binary %s: %s: no device can be created until it is installed, or named with --worker",
			 path, err_str(-errno));
}

static int start(struct service *svc, struct err *e)
{
	char path[PATH_MAX];
	int rc;

	if (geteuid() != 0)
		return err_set(e, -EPERM, "must be started by root");
	rc = check_kernel_floor(svc->opt, e);
	if (rc == 0)
		rc = own_limits_lift(svc->opt->runtime_dir, e);
	if (rc == 0)
		rc = reload_first(svc, svc->opt, e);
	if (rc == 0)
		rc = make_dirs(svc->opt, e);
	if (rc < 0)
		return rc;
	check_worker_binary(svc->opt->worker);
	svc->base = event_base_new();
	if (!svc->base)
		return err_set(e, -ENOMEM, "cannot make an event loop");
	if (cgroup_setup(e) < 0) {
		log_warn("workers will run without cgroup limits: %s", e->text);
		memset(e, 0, sizeof(*e));
	}
	rc = server_open(svc, e);
	if (rc == 0)
		rc = watch_signals(svc, e);
	if (rc == 0)
		rc = netlink_watch_start(svc, e);
	if (rc == 0)
		rc = unkillable_watch(svc, e);
	if (rc == 0)
		rc = reclaim_shield(e);
	if (rc == 0)
		rc = caps_supervisor(e);
	if (rc == 0)
		rc = syscalls_confine(e);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "%s/autoprobe", svc->opt->runtime_dir);
	autoprobe_restore(path);
	uid_pool_init(&svc->uids, svc->opt->uid_first, svc->opt->uid_last);
	adopt_all(svc);
	return 0;
}

/* Before a restart: a mistake in the file would leave the host without a supervisor. */
static int check_config(void)
{
	static struct config c;
	struct err e = { 0 };

	if (config_load(opt.config, opt.said & SAID_CONFIG, &c, &e) < 0) {
		(void)fprintf(stderr, "vdused: %s\n", e.text);
		return 1;
	}
	(void)printf("%s: %s\n", opt.config, c.from_file ? "right" : "there is none, which is fine");
	return 0;
}

int main(int argc, char **argv)
{
	struct service svc = { .opt = &opt, .worker_died = respawn_died };
	struct err e = { 0 };
	int rc;

	if (hold_std_fds() < 0)
		return 2;
	rc = options_parse(&opt, argc, argv, &e);
	if (rc < 0)
		(void)fprintf(stderr, "vdused: %s\n", e.text);
	if (rc != 0)
		return rc > 0 ? 0 : 2;
	if (opt.check_config)
		return check_config();
	log_init("vdused", opt.level);
	helper_init(close_elsewhere);
	TAILQ_INIT(&svc.devices);
	(void)signal(SIGPIPE, SIG_IGN);
	rc = log_writer_start(&e);
	if (rc == 0)
		rc = start(&svc, &e);
	if (rc < 0) {
		log_error("%s", e.text);
		log_writer_end();
		return 1;
	}
	log_note("version " VDUSED_VERSION " on %s", opt.socket);
	notify("READY=1");
	(void)event_base_dispatch(svc.base);
	server_close(&svc);
	log_note("stopped");
	server_end(&svc);
	log_writer_end();
	return 0;
}

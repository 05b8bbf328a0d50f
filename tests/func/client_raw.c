/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/func/client_raw.c - a client of vdused that need not keep to the rules. Test code.
 *
 *   client_raw SOCKET OP...
 *     connect            another connection; what follows uses it (the first is made at the start)
 *     create NAME        CTL_CREATE with the defaults
 *     create-ro NAME     ... of a read-only device
 *     create-bad NAME    ... with a reserved field that is not zero
 *     open MODE PATH     open a file now, for the next file: rw, ro, wo, path, or "fd" and a number
 *     lingers            a TCP socket whose last close takes 20 s, for the next file
 *     drop               close that socket, or file, here
 *     empty              a record of no bytes
 *     file               CTL_FILE with the opened file
 *     files N            CTL_FILE with N descriptors of it
 *     plain TYPE         a header and nothing else
 *     size TYPE SIZE     a message of that size, all zero behind a header that says so
 *     lie TYPE SIZE SAID a message of SIZE bytes whose header says SAID
 *     version TYPE V     a header of protocol version V
 *     delete NAME, show NAME
 *     recv               wait for one record and print it (10 s); "closed", "nothing"
 *     drain              take and drop what is there already; prints how many records
 *     flood TYPE N       send N headers, never waiting for room; prints how many were taken
 *     sleep MS, close
 *     many N             N more connections, kept open
 *     hold               say "ready", wait for a signal
 *     print TEXT
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/chan.h"
#include "proto/ctl_msg.h"

static const char *path;
static int sock = -1, file = -1;

static void __attribute__((noreturn)) die(const char *what)
{
	(void)fprintf(stderr, "client_raw: %s: %s\n", what, strerror(errno));
	exit(9);
}

static int dial(void)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
		die(path);
	return fd;
}

static void put(const void *buf, size_t len, unsigned nfds)
{
	int fds[CHAN_FDS_MAX] = { file, file, file, file };
	int rc = chan_send(sock, buf, len, fds, nfds);

	if (rc)
		(void)printf("send: %s\n", strerror(-rc));
}

static void header(unsigned type, size_t len, unsigned said, unsigned version, unsigned nfds)
{
	static _Alignas(8) unsigned char buf[65536];
	struct msg_hdr h = { .version = (uint16_t)version, .type = (uint16_t)type, .size = said };

	memset(buf, 0, sizeof(buf));
	memcpy(buf, &h, sizeof(h));
	put(buf, len < sizeof(buf) ? len : sizeof(buf), nfds);
}

static void create(const char *name, uint32_t flags, uint32_t reserved)
{
	struct ctl_create m = { .flags = flags };

	msg_init(&m, CTL_CREATE, sizeof(m));
	strncpy(m.name, name, sizeof(m.name));
	m.reserved[sizeof(m.reserved) / sizeof(m.reserved[0]) - 1] = reserved;
	put(&m, sizeof(m), 0);
}

static void by_name(uint16_t type, const char *name)
{
	struct ctl_name m = { 0 };

	msg_init(&m, type, sizeof(m));
	strncpy(m.name, name, sizeof(m.name));
	put(&m, sizeof(m), 0);
}

static void open_file(const char *mode, const char *what)
{
	int flags = !strcmp(mode, "rw")     ? O_RDWR
		    : !strcmp(mode, "wo")   ? O_WRONLY
		    : !strcmp(mode, "path") ? O_PATH
					    : O_RDONLY;

	if (!strcmp(mode, "fd"))
		file = atoi(what);
	else
		file = open(what, flags | O_CLOEXEC);
	if (file < 0)
		die(what);
}

/*
 * Its peer, which stays open, does not read; what was sent last waits until the linger time is
 * over.
 */
static void lingering(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger l = { .l_onoff = 1, .l_linger = 20 };
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char much[65536];
	socklen_t len = sizeof(sa);

	if (file >= 0)
		(void)close(file);
	file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || file < 0 || bind(listener, (struct sockaddr *)&sa, len) != 0 || listen(listener, 1) != 0 ||
	    getsockname(listener, (struct sockaddr *)&sa, &len) != 0 ||
	    connect(file, (struct sockaddr *)&sa, len) != 0 ||
	    setsockopt(file, SOL_SOCKET, SO_LINGER, &l, sizeof(l)) != 0)
		die("a socket that lingers");
	while (send(file, much, sizeof(much), MSG_DONTWAIT) > 0)
		;
}

static void show(const union ctl_any *a)
{
	switch (a->hdr.type) {
	case CTL_OK:
		(void)puts("ok");
		break;
	case CTL_ERROR:
		(void)printf("error %u %s: %s\n", a->error.code, a->error.step, a->error.text);
		break;
	case CTL_VERSION_IS:
		(void)printf("version pid %u\n", a->version_is.pid);
		break;
	case CTL_SEND_FILE:
		(void)puts("send-file");
		break;
	case CTL_CREATED:
		(void)printf("created %s\n", a->created.node);
		break;
	case CTL_LIST_PAGE:
		(void)printf("page %u\n", a->page.count);
		break;
	case CTL_DEVICE:
		(void)printf("device %s\n", a->device.info.name);
		break;
	default:
		(void)printf("type %u\n", a->hdr.type);
	}
}

static void receive(void)
{
	static _Alignas(8) union ctl_any buf;
	const struct msg_rule *rule;
	struct chan_msg m;
	int rc = chan_wait(sock, 10000);

	if (rc) {
		(void)puts("nothing");
		return;
	}
	rc = chan_recv(sock, &buf, sizeof(buf), true, &m);
	if (rc || m.len == 0)
		(void)printf("closed%s%s\n", rc ? ": " : "", rc ? strerror(-rc) : "");
	else if (msg_check(ctl_answers, ctl_answer_rows, &buf, m.len, m.truncated, m.nfds, CTL_S_IDLE, &rule) != MSG_OK)
		(void)puts("an answer that breaks the rules");
	else
		show(&buf);
}

static void drain(void)
{
	char buf[sizeof(union ctl_any)];
	unsigned n = 0;

	while (recv(sock, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		n++;
	(void)printf("drained %u\n", n);
}

static void flood(unsigned type, unsigned n)
{
	struct ctl_plain m = { 0 };
	unsigned taken = 0;

	msg_init(&m, (uint16_t)type, sizeof(m));
	while (taken < n && send(sock, &m, sizeof(m), MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(m))
		taken++;
	(void)printf("flooded %u%s%s\n", taken, taken < n ? ": " : "", taken < n ? strerror(errno) : "");
}

static char **args;

static const char *next(void)
{
	if (!*args) {
		(void)fputs("client_raw: an argument is missing\n", stderr);
		exit(9);
	}
	return *args++;
}

static unsigned number(void)
{
	return (unsigned)strtoul(next(), NULL, 0);
}

static void send_op(const char *op)
{
	unsigned a, b;

	if (!strcmp(op, "create")) {
		create(next(), 0, 0);
	} else if (!strcmp(op, "create-ro")) {
		create(next(), CTL_F_READ_ONLY, 0);
	} else if (!strcmp(op, "create-bad")) {
		create(next(), 0, 1);
	} else if (!strcmp(op, "file")) {
		header(CTL_FILE, sizeof(struct ctl_plain), sizeof(struct ctl_plain), MSG_PROTO_VERSION, 1);
	} else if (!strcmp(op, "files")) {
		header(CTL_FILE, sizeof(struct ctl_plain), sizeof(struct ctl_plain), MSG_PROTO_VERSION, number());
	} else if (!strcmp(op, "plain")) {
		header(number(), sizeof(struct ctl_plain), sizeof(struct ctl_plain), MSG_PROTO_VERSION, 0);
	} else if (!strcmp(op, "size")) {
		a = number();
		b = number();
		header(a, b, b, MSG_PROTO_VERSION, 0);
	} else if (!strcmp(op, "lie")) {
		a = number();
		b = number();
		header(a, b, number(), MSG_PROTO_VERSION, 0);
	} else if (!strcmp(op, "version")) {
		a = number();
		header(a, sizeof(struct ctl_plain), sizeof(struct ctl_plain), number(), 0);
	} else if (!strcmp(op, "delete")) {
		by_name(CTL_DELETE, next());
	} else if (!strcmp(op, "show")) {
		by_name(CTL_SHOW, next());
	} else {
		(void)fprintf(stderr, "client_raw: what is \"%s\"?\n", op);
		exit(9);
	}
}

static void one_op(const char *op)
{
	const char *mode;
	unsigned a;

	if (!strcmp(op, "connect")) {
		sock = dial();
	} else if (!strcmp(op, "close")) {
		(void)close(sock);
	} else if (!strcmp(op, "open")) {
		mode = next();
		open_file(mode, next());
	} else if (!strcmp(op, "lingers")) {
		lingering();
	} else if (!strcmp(op, "drop")) {
		(void)close(file);
		file = -1;
	} else if (!strcmp(op, "empty")) {
		put("", 0, 0);
	} else if (!strcmp(op, "recv")) {
		receive();
	} else if (!strcmp(op, "drain")) {
		drain();
	} else if (!strcmp(op, "flood")) {
		a = number();
		flood(a, number());
	} else if (!strcmp(op, "sleep")) {
		(void)usleep(number() * 1000);
	} else if (!strcmp(op, "many")) {
		for (a = number(); a > 0; a--)
			(void)dial();
	} else if (!strcmp(op, "hold")) {
		(void)puts("ready");
		(void)fflush(stdout);
		for (;;)
			(void)pause();
	} else if (!strcmp(op, "print")) {
		(void)puts(next());
	} else {
		send_op(op);
	}
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		(void)fputs("usage: client_raw SOCKET OP...\n", stderr);
		return 2;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	path = argv[1];
	args = argv + 2;
	sock = dial();
	while (*args)
		one_op(*args++);
	return 0;
}

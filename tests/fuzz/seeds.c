/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/seeds.c - writes the inputs that each fuzz target begins with: DIR/TARGET/NUMBER. Run
 * when fuzzing begins. Each is a small honest program, or a known attack, in the language of its
 * target; libFuzzer changes them from there.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/guest.h"

/* The operations of the targets' own, see there. */
#define OWN(n) (G_OPS + (n))

#define A(region, offset) (region), (offset)&0xff, (offset) >> 8
#define LEN_512 0
#define LEN_16 1
#define LEN_1 2
#define LEN_0 3
#define LEN_1024 6
#define F_NEXT 1
#define F_WRITE 2
#define F_INDIRECT 4
#define OP_END (-1)

static const char *dir;

static void make_dir(const char *path)
{
	if (mkdir(path, 0777) != 0 && access(path, W_OK) != 0) {
		perror(path);
		exit(1);
	}
}

/* One input: bytes up to OP_END. */
static void seed(const char *target, int number, ...)
{
	char path[512];
	va_list ap;
	FILE *f;
	int b;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, target);
	make_dir(path);
	(void)snprintf(path, sizeof(path), "%s/%s/%02d", dir, target, number);
	f = fopen(path, "w");
	if (!f) {
		perror(path);
		exit(1);
	}
	va_start(ap, number);
	while ((b = va_arg(ap, int)) != OP_END)
		(void)fputc(b & 0xff, f);
	va_end(ap);
	if (fclose(f) != 0)
		exit(1);
}

enum { POP = G_OPS, PUSH, PUBLISH, KICKS, REMAP, CRASH };

static void chain_seeds(void)
{
	const char *t = "chain";

	/* size, features, then operations */
	seed(t, 1, 4, 3, G_DESC, 0, A(MEM_DATA, 0), LEN_16, F_NEXT, 1, G_DESC, 1, A(MEM_DATA, 512), LEN_512, F_WRITE, 0,
	     G_OFFER, 0, POP, 1, PUSH, 0, 16, 0, PUBLISH, KICKS, 1, OP_END);
	seed(t, 2, 4, 2, G_CHAIN, 0, 8, 0, A(MEM_DATA, 0x100), LEN_16, 3, 0, G_OFFER, 0, POP, 2, PUSH, 0, 1, 0, PUBLISH,
	     OP_END);
	/* 1024 buffers */
	seed(t, 3, 10, 2, G_CHAIN, 0, 0, 4, A(MEM_DATA, 0), LEN_16, 2, G_OFFER, 0, POP, 1, OP_END);
	seed(t, 4, 10, 2, G_CHAIN, 0, 1, 4, A(MEM_DATA, 0), LEN_16, 3, 0, G_OFFER, 0, POP, 1,
	     OP_END); /* a table of 1025 */
	/* D6 */
	seed(t, 5, 3, 0, G_DESC, 0, A(MEM_DATA, 0), LEN_16, F_NEXT, 0, G_OFFER, 0, POP, 1, OP_END);
	seed(t, 6, 3, 0, G_OFFER, 0, G_OFFER, 0, POP, 2, CRASH, OP_END); /* D2 */
	seed(t, 7, 3, 0, G_OFFER, 0xfc, POP, 1, OP_END); /* D1 */
	seed(t, 8, 3, 0, G_AVAIL, 100, 0, POP, 1, OP_END); /* D3 */
	seed(t, 9, 5, 0, G_OFFER_N, 20, POP, 9, PUSH, 3, 1, 0, PUSH, 1, 1, 0, CRASH, POP, 20, PUSH, 2, 0, 0, PUBLISH,
	     CRASH, OP_END);
	seed(t, 10, 4, 3, G_FRAGMENT, 1, G_TABLE, 0, 0, A(MEM_DATA, 0), LEN_16, F_NEXT, 1, G_DESC, 0,
	     A(MEM_NEXT, 0xfff8), 4, F_INDIRECT, 0, G_OFFER, 0, POP, 1, REMAP, A(MEM_RINGS, 0), 0, 1, POP, 1,
	     OP_END); /* D22 */
	seed(t, 11, 4, 4, A(MEM_ODD, 0), G_OFFER, 0, POP, 1, OP_END); /* D29 */
}

static void blk_seeds(void)
{
	const char *t = "blk";
	const int run = OWN(0);

	/* mode, device, then operations */
	for (int type = 0; type < 8; type++) {
		seed(t, type, 0, 2, G_REQUEST, 0, type, 1, 0, 2, A(MEM_DATA, 0x400), LEN_512, A(MEM_DATA, 0x800),
		     LEN_512, run, 0, OP_END);
		seed(t, 8 + type, 0, 2, G_REQUEST, 0, type, 1, SHAPE_INDIRECT | SHAPE_SPLIT_HEADER, 1, A(MEM_RO, 0),
		     LEN_512, run, 1, OP_END);
	}
	seed(t, 16, 0x18, 2, G_REQUEST, 0, 1, 63, 0, 1, A(MEM_DATA, 0), LEN_512, run, 0, G_REQUEST, 4, 0, 63,
	     SHAPE_STATUS_INSIDE, 1, A(MEM_DATA, 0), LEN_512, run, 0, OP_END);
	/* GET_ID of 20 */
	seed(t, 17, 0, 2, G_REQUEST, 0, 3, 0, 0, 1, A(MEM_DATA, 0), 4, run, 0, OP_END);
	seed(t, 18, 0, 2, G_REQUEST, 0, 4, 0, 0, 2, 1, 8, 2, 8, run, 0, OP_END); /* two segments */
	seed(t, 19, 0, 2, G_REQUEST, 0, 5, 0, 0, 1, 1, 9, run, 0, OP_END); /* zeroes, unmap */
	/* read-only */
	seed(t, 20, 0, 1, G_REQUEST, 0, 1, 0, 0, 1, A(MEM_DATA, 0), LEN_512, run, 0, OP_END);
	seed(t, 21, 0, 0x42, G_REQUEST, 0, 0, 0xf0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 1, A(MEM_DATA, 0),
	     LEN_512, run, 0, OP_END); /* B7 */
	seed(t, 22, 0, 2, G_FRAGMENT, 0, G_REQUEST, 0, 0, 0, SHAPE_INDIRECT, 2, A(MEM_DATA, 0x400), 7,
	     A(MEM_DATA, 0x1400), 7, run, 0, OP_END);
	seed(t, 23, 0x24, 0x42, G_REQUEST, 0, 0, 0, SHAPE_INDIRECT | SHAPE_MANY, 10, A(MEM_DATA, 0x5000), LEN_512,
	     A(MEM_DATA, 0x5000), LEN_512, A(MEM_DATA, 0x5000), LEN_512, A(MEM_DATA, 0x5000), LEN_512,
	     A(MEM_DATA, 0x5000), LEN_512, A(MEM_DATA, 0x5000), LEN_512, A(MEM_DATA, 0x5000), LEN_512,
	     A(MEM_DATA, 0x5000), LEN_512, A(MEM_DATA, 0x5000), LEN_512, A(MEM_DATA, 0x5000), LEN_512, run, 0,
	     OP_END); /* more than 1024 pieces */
	seed(t, 24, 0, 2, G_REQUEST, 0, 1, 0, SHAPE_AT_TOP, 0, run, 0, G_REQUEST, 4, 4, 0, SHAPE_AT_TOP, 1, 0, 0, run,
	     0, OP_END);
	seed(t, 25, 0, 2, G_REQUEST, 0, 0, 0, SHAPE_STATUS_INSIDE, 1, A(MEM_TOP, 0xff0), LEN_512, run, 0, OP_END);
}

/* first: the first byte, which chooses the table. */
static void message_seeds(const char *t, int first, int rows)
{
	int number = 10 * rows * first;

	for (int row = 0; row < rows; row++) {
		/*
		 * row, length, state, fds, variant, patches: none; one in the content; text without
		 * an end; another version; longer
		 */
		seed(t, number++, first, row, 0, 0, 0, 0, 0, OP_END);
		seed(t, number++, first, row, 0, 0, 0, 1, 1, 8, 0, 2, 'n', 'a', 'm', OP_END);
		seed(t, number++, first, row, 0, 0, 0, 1, 1, 8, 0, 0xff, 'x', OP_END);
		seed(t, number++, first, row, 0, 0, 0, 1, 1, 0, 0, 1, 2, 0, OP_END);
		seed(t, number++, first, row, 0xd9, 0x81, 0x81, 0, 0, OP_END);
	}
}

static void text_seed(const char *t, int number, int mode, const char *text)
{
	char path[512];
	FILE *f;

	seed(t, number, mode, OP_END);
	(void)snprintf(path, sizeof(path), "%s/%s/%02d", dir, t, number);
	f = fopen(path, "a");
	if (!f || fputs(text, f) == EOF || fclose(f) != 0)
		exit(1);
}

static void text_seeds(void)
{
	static const char *const names[] = { "",
					     ".",
					     "..",
					     "control",
					     "a/b",
					     "disk0",
					     "0123456789abcdef0123456789abcdef",
					     "0123456789abcdef0123456789abcdef0",
					     "0123456789abcdefghijk" };

	for (int i = 0; i < (int)(sizeof(names) / sizeof(names[0])); i++)
		text_seed("ctl", 900 + i, 1, names[i]);
	text_seed("attest", 1, 1, "Name:\tx\nUid:\t0\t0\t0\t0\nGroups:\t \n");
	text_seed("attest", 2, 1, "Seccomp_filters:\t1\nSeccomp:\t2\nUid");
	seed("attest", 3, 0, OP_END);
	seed("attest", 4, 0, 0x20, 0, 3, '\n', '\n', 'U', OP_END);
}

enum { MESSAGE = G_OPS, RUNNING, NOTES, KICK, QUEUE, KERNEL, ENGINE, STALL, BUS, KILL, REFUSE, DIE, STATE };

static void device_seeds(void)
{
	const char *t = "device";

	/* queues and flags, then operations */
	seed(t, 1, 0, RUNNING, G_REQUEST, 0, 1, 0, 0, 1, A(MEM_DATA, 0), LEN_512, KICK, 0, NOTES, MESSAGE, 4, 0,
	     OP_END);
	seed(t, 2, 1, ENGINE, 1, RUNNING, G_REQUEST, 0, 0, 0, 0, 1, A(MEM_DATA, 0), LEN_512, G_REQUEST, 8, 2, 0, 0, 0,
	     KICK, 0, MESSAGE, 0x82, MESSAGE, 1, 0, OP_END);
	seed(t, 3, 0, RUNNING, G_REQUEST, 0, 0, 0, 0, 1, A(MEM_DATA, 0), LEN_512, KILL, 7, KICK, 0, NOTES, DIE, NOTES,
	     OP_END);
	seed(t, 4, 2, RUNNING, STALL, 2, MESSAGE, 4, 0, MESSAGE, 4, 1, NOTES, OP_END);
	seed(t, 5, 0x80, RUNNING, G_OFFER_N, 9, KICK, 0, DIE, KICK, 0, OP_END);
	seed(t, 6, 0, KERNEL, 5, 4, RUNNING, G_OFFER, 0, KICK, 0, NOTES, KERNEL, 5, 0, NOTES, OP_END);
	seed(t, 7, 0, KERNEL, 6, 6, 0, RUNNING, DIE, MESSAGE, 5, 8, OP_END);
	seed(t, 8, 0, RUNNING, STATE, 16, 0, 0, 8, 1, 1, 1, 1, 1, 1, 1, 1, MESSAGE, 4, 0, RUNNING, OP_END);
	seed(t, 9, 0, KERNEL, 7, 1, 0, RUNNING, KERNEL, 7, 1, 1, KICK, 0, NOTES, BUS, G_OFFER, 0, KICK, 0, NOTES,
	     OP_END);
	seed(t, 10, 0, KERNEL, 7, 0, 3, 0, 0, 0, RUNNING, KERNEL, 7, 0, 0, 0, 1, 0, RUNNING, OP_END);
	seed(t, 11, 0, MESSAGE, 0, 0, MESSAGE, 1, 4, MESSAGE, 4, 2, OP_END);
	for (int fails = 0; fails < 2; fails++) /* a driver without FLUSH */
		seed(t, 12 + fails, 0, KERNEL, 1, 9, RUNNING, G_REQUEST, 0, 1, 0, 0, 1, A(MEM_DATA, 0), LEN_512,
		     G_REQUEST, 8, 0, 0, 0, 1, A(MEM_DATA, 0), LEN_512, ENGINE, 8 * fails + 1, KICK, 0, OP_END);
	seed(t, 14, 0, KERNEL, 5, 4, RUNNING, G_OFFER, 0, KICK, 0, KERNEL, 7, 1, 0, NOTES,
	     OP_END); /* a reset without a message */
	seed(t, 15, 0x20, RUNNING, G_OFFER, 0xfc, KICK, 0, NOTES, OP_END);
	seed(t, 16, 8, 1, RUNNING, REFUSE, 4, DIE, OP_END);
}

static void state_seeds(void)
{
	const char *t = "state";

	/* 0: a log: size, taken, done, used index, heads, changes */
	seed(t, 1, 0, 6, 5, 2, 0, 0, 1, 2, 3, 4, 5, 0, 2, 0, 1, OP_END);
	seed(t, 2, 0, 6, 5, 0x83, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 2, OP_END);
	seed(t, 3, 0, 6, 5, 2, 0, 0, 1, 2, 3, 4, 5, 1, 2, 7, 1, 0, 0, OP_END); /* L8 */
	seed(t, 4, 0, 6, 5, 2, 0, 0, 1, 2, 3, 4, 5, 1, 1, 6, 1, 2, 0, OP_END); /* L5 */
	seed(t, 5, 0, 10, 5, 2, 0, 0, 1, 2, 3, 4, 5, 1, 0, 1, 0xf0, 0, 4, 1, OP_END); /* L6 */
	seed(t, 9, 0, 6, 5, 3, 0, 0, 1, 2, 3, 4, 5, 1, 0, 6, 0xf0, 0xff, 0xff, 3, OP_END);
	/* 8: a file */
	seed(t, 6, 8, 3, 1, 0, 0, 1, 2, 3, 0, 1, 3, OP_END);
	seed(t, 7, 9, 3, 1, 0, 0, 1, 2, 3, 3, 1, 0, 0, 7, 8, 9, 2, 0, 1, 5, 1, 3, 2, 4, OP_END);
	seed(t, 8, 0x88, 3, 1, 0, 0, 1, 2, 3, 1, 7, 0, 1, 1, OP_END);
}

static void iova_seeds(void)
{
	const char *t = "iova";

	seed(t, 1, 0, 0, A(MEM_DATA, 0), LEN_512, 0, 2, A(MEM_DATA, 0x5ff0), LEN_1024, 3, A(MEM_NEXT, 0x1f00), LEN_1024,
	     7, OP_END);
	seed(t, 2, 0, 5, 0, 7, A(MEM_DATA, 0), 44, 1, 8, 0, 4, A(MEM_DATA, 0), 0, 1, 0, 0, 2, A(MEM_DATA, 0x100), 7,
	     OP_END);
	seed(t, 3, 0, 0, A(MEM_TOP, 0xf00), 7, 0, 1, A(MEM_TOP, 0xfff), LEN_1, 0, 0, A(MEM_WO, 0), LEN_1, 0, OP_END);
	seed(t, 4, 0, 6, 0, A(MEM_DATA, 0), 0, 1, 0, 0, 0, 0, 0x13, 0, A(MEM_DATA, 0), LEN_512, 0, OP_END);
	seed(t, 5, 0, 4, A(MEM_RINGS, 0), 255, 255, 255, 255, 0, A(MEM_RO, 0), LEN_16, 1, OP_END);
	seed(t, 6, 1, 2, A(MEM_DATA, 0x30), LEN_512, 7, A(MEM_DATA, 0), 0, 1, 64, 0, 3, A(MEM_DATA, 0x10), LEN_512, 9,
	     OP_END);
}

static void plain_seed(const char *target, int number, const char *text)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, target);
	make_dir(path);
	(void)snprintf(path, sizeof(path), "%s/%s/%02d", dir, target, number);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void config_seeds(void)
{
	const char *t = "config";

	plain_seed(t, 1,
		   "socket-group = \"root\"; worker-uids = \"1000-1099\"; max-deaths = 7; log-level = \"debug\";\n");
	plain_seed(t, 2, "defaults = { bounce-size = \"128M\"; memory-max = \"2G\"; pids-max = 0; cpu-max = 150; };\n");
	plain_seed(t, 3, "/* c */ admins = { users = [ \"root\" ]; groups = ( \"root\", 4294967294L ); }; # c\n");
	plain_seed(t, 4,
		   "tenants = ({ name = \"a\"; users = [ 1, 2 ]; groups = [ \"3\" ]; prefix = \"a-\"; devices = 8;\n"
		   "queues = 16; bytes = \"1G\"; bounce = \"1G\"; bus = [ \"virtio\", \"vhost\" ]; probe = true; },\n"
		   "{ name = \"b\"; groups = [ 4 ]; prefix = \"b\"; devices = 1; queues = 1; bytes = 4096;\n"
		   "bounce = 134217728; bus = ( \"vhost\" ); });\n");
	plain_seed(t, 5, "a = ((((({ b = 08; c = 0x1; d = 1e9; @include \"f\" /* \n");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		(void)fprintf(stderr, "usage: seeds DIR\n");
		return 2;
	}
	dir = argv[1];
	make_dir(dir);
	chain_seeds();
	blk_seeds();
	message_seeds("ctl", 0, 6);
	message_seeds("ctl", 2, 7);
	message_seeds("work", 0, 4);
	message_seeds("work", 2, 4);
	text_seeds();
	device_seeds();
	state_seeds();
	iova_seeds();
	config_seeds();
	return 0;
}

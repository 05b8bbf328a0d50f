/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/print.c - vduse-ctl's output for people (print.h). Runs as the tool's caller.
 */
#include "control/ctl/print.h"

#include <inttypes.h>
#include <limits.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "proto/io_how.h"

void print_size(uint64_t bytes, char buf[16])
{
	static const char units[] = "KMGTPE";
	uint64_t unit = 1;
	size_t u = 0;

	while (u < sizeof(units) - 1 && bytes / unit >= 1024) {
		unit *= 1024;
		u++;
	}
	if (u == 0) {
		(void)snprintf(buf, 16, "%" PRIu64, bytes);
		return;
	}
	if (bytes % unit * 10 / unit == 0)
		(void)snprintf(buf, 16, "%" PRIu64 "%c", bytes / unit, units[u - 1]);
	else
		(void)snprintf(buf, 16, "%" PRIu64 ".%" PRIu64 "%c", bytes / unit, bytes % unit * 10 / unit,
			       units[u - 1]);
}

void print_status_words(uint32_t status, char buf[96])
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = {
		{ VIRTIO_CONFIG_S_ACKNOWLEDGE, "ACKNOWLEDGE" }, { VIRTIO_CONFIG_S_DRIVER, "DRIVER" },
		{ VIRTIO_CONFIG_S_FEATURES_OK, "FEATURES_OK" }, { VIRTIO_CONFIG_S_DRIVER_OK, "DRIVER_OK" },
		{ VIRTIO_CONFIG_S_NEEDS_RESET, "NEEDS_RESET" }, { VIRTIO_CONFIG_S_FAILED, "FAILED" },
	};
	size_t len = 0;

	(void)snprintf(buf, 96, "%s", status == 0 ? "reset" : "");
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!(status & words[i].bit))
			continue;
		len += (size_t)snprintf(buf + len, 96 - len, "%s%s", len ? " " : "", words[i].word);
	}
}

void print_errno_words(uint32_t number, char buf[96])
{
	const char *name = number <= INT_MAX ? strerrorname_np((int)number) : NULL;

	if (name)
		(void)snprintf(buf, 96, "%s (%s)", strerrordesc_np((int)number), name);
	else
		(void)snprintf(buf, 96, "error %" PRIu32, number);
}

static const char *or_dash(const char *s)
{
	return s[0] ? s : "-";
}

static int wider(int width, const char *s)
{
	int len = (int)strlen(s);

	return len > width ? len : width;
}

void print_list(const struct ctl_info *list, size_t n)
{
	int name = 4, state = 5, node = 4;
	char size[16];

	for (size_t i = 0; i < n; i++) {
		name = wider(name, list[i].name);
		state = wider(state, ctl_state_text(list[i].state));
		node = wider(node, or_dash(list[i].node));
	}
	(void)printf("%-*s  %-*s  %-*s  %6s  %s\n", name, "NAME", state, "STATE", node, "NODE", "SIZE", "FILE");
	for (size_t i = 0; i < n; i++) {
		print_size(list[i].capacity, size);
		(void)printf("%-*s  %-*s  %-*s  %6s  %s\n", name, list[i].name, state, ctl_state_text(list[i].state),
			     node, or_dash(list[i].node), size, or_dash(list[i].file));
	}
}

static void line(const char *key, const char *value)
{
	(void)printf("%-17s %s\n", key, or_dash(value));
}

static void line_number(const char *key, uint64_t value)
{
	(void)printf("%-17s %" PRIu64 "\n", key, value);
}

static void line_time(const char *key, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char buf[40] = "";

	if (seconds != 0 && localtime_r(&t, &tm))
		(void)strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S %z", &tm);
	line(key, buf);
}

static void print_counters(const struct ctl_info *i)
{
	line_number("reads:", i->reads);
	line_number("read-bytes:", i->read_bytes);
	line_number("writes:", i->writes);
	line_number("write-bytes:", i->write_bytes);
	line_number("flushes:", i->flushes);
	line_number("discards:", i->discards);
	line_number("write-zeroes:", i->write_zeroes);
	line_number("errors:", i->errors);
}

const char *print_io_word(uint32_t io)
{
	switch (io) {
	case IO_HOW_INLINE:
		return "inline";
	case IO_HOW_ASYNC:
		return "asynchronous";
	case IO_HOW_NONE:
		return "none";
	case IO_HOW_THREADS:
		return "threads";
	default:
		return NULL;
	}
}

static void line_io(const struct ctl_info *i)
{
	const char *word = print_io_word(i->io);
	char error[96];

	if (!word || !i->io_error) {
		line("io:", word ? word : "");
		return;
	}
	print_errno_words(i->io_error, error);
	(void)printf("%-17s %s (%s: %s)\n", "io:", word, i->io == IO_HOW_INLINE ? "no more at once" : "not all queues",
		     error);
}

void print_device(const struct ctl_info *i)
{
	char size[16], words[96], halted[96];

	print_size(i->capacity, size);
	print_status_words(i->driver_status, words);
	line("name:", i->name);
	line("state:", ctl_state_text(i->state));
	if (i->step[0])
		line("step:", i->step);
	if (i->halted) {
		print_errno_words(i->halted, halted);
		line("halted:", halted);
	}
	line("node:", i->node);
	line("file:", i->file);
	(void)printf("%-17s %" PRIu64 " (%s)\n", "size:", i->capacity, size);
	line("bus:", i->bus == CTL_BUS_VHOST ? "vhost" : "virtio");
	line("access:", i->flags & CTL_F_READ_ONLY ? "read-only" : "read-write");
	line("cache:", i->flags & CTL_F_DIRECT ? "direct" : "buffered");
	line_io(i);
	line("on-error:", i->flags & CTL_F_STOP ? "stop" : "report");
	line("probe:", i->flags & CTL_F_PROBE ? "yes" : "no");
	line("serial:", i->serial);
	line_number("queues:", i->queues);
	line_number("queue-size:", i->queue_size);
	line_number("block-size:", i->block_size);
	line_number("owner-uid:", i->owner_uid);
	line_time("created:", i->created);
	if (i->worker_pid)
		line_number("worker-pid:", i->worker_pid);
	else
		line("worker-pid:", "");
	line_number("worker-uid:", i->worker_uid);
	line_number("worker-restarts:", i->worker_restarts);
	(void)printf("%-17s 0x%x (%s)\n", "driver-status:", i->driver_status, words);
	(void)printf("%-17s 0x%" PRIx64 "\n", "features:", i->features);
	print_counters(i);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/msg.h - the envelope that both channels share: admin tool to supervisor (proto/ctl_msg.h)
 * and supervisor to worker (proto/worker_msg.h). Linked into every process. Pure: no I/O, no
 * allocation.
 *
 * A message is one SOCK_SEQPACKET record holding one fixed-size struct in native byte order (both
 * ends are on one host). As with the kernel's uAPI structs: fields have fixed widths, padding is
 * explicit, whatever is reserved must be zero, and the size says the version of the message.
 * The receiver checks all of that before it looks at anything else.
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSG_PROTO_VERSION 1U

struct msg_hdr {
	uint16_t version; /* MSG_PROTO_VERSION */
	uint16_t type;
	uint32_t size; /* bytes of the whole message, this header included */
};

/* Where a message is allowed: bits of a channel's state, defined by each channel. */
typedef uint32_t msg_states;

/*
 * One row per message type and version of it, which is its size, the newest first: where a sender
 * of an earlier version may still run, its row stays. A channel's table is const and indexed by
 * nothing: types may be sparse.
 */
struct msg_rule {
	uint16_t type;
	uint16_t fds; /* exact number of file descriptors that come with it */
	uint32_t size; /* exact size in bytes */
	msg_states states; /* states in which the receiver accepts it */
	/* content check after the size check; NULL: nothing to check */
	bool (*valid)(const void *msg);
	const char *name;
};

enum msg_verdict {
	MSG_OK = 0,
	MSG_SHORT, /* shorter than a header */
	MSG_VERSION, /* other protocol version */
	MSG_UNKNOWN, /* no such type on this channel */
	MSG_SIZE, /* wrong size for its type, or truncated */
	MSG_FDS, /* wrong number of file descriptors */
	MSG_STATE, /* not allowed now */
	/* a field breaks its rule (reserved not zero, string not terminated, out of range) */
	MSG_CONTENT,
};

/*
 * Judge one received record against a table. buf must be aligned for uint64_t and hold len bytes;
 * len is what the kernel delivered, truncated says whether it cut the record
 * (MSG_TRUNC/MSG_CTRUNC).
 * On MSG_OK *rule is the row. Pure, thread-safe.
 */
enum msg_verdict msg_check(const struct msg_rule *table, size_t rows, const void *buf, size_t len, bool truncated,
			   uint32_t fds, msg_states state, const struct msg_rule **rule);

/* A phrase for people, e.g. "wrong size for its type". */
const char *msg_verdict_text(enum msg_verdict v);

/* Fill the header of a zeroed message. */
void msg_init(void *msg, uint16_t type, uint32_t size);

/* True when the n bytes at p are all zero. */
bool msg_zero(const void *p, size_t n);

/* True when s[size] holds a NUL-terminated string with nothing but zeros behind the NUL. */
bool msg_string(const char *s, size_t size);

/* Copy src into the fixed field dst[size], cut to fit, zero-padded and NUL-terminated. */
void msg_set_string(char *dst, size_t size, const char *src);

#endif

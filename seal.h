/* SPDX-License-Identifier: MIT */
#ifndef SEAL_H
#define SEAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "record.h"

/* Both directions of a sealed connection with their buffers: wire bytes go
 * in and come out, records on the other side.  No I/O.  The in half belongs
 * to the thread that reads the connection, the out half to the one that
 * writes it. */

enum {
	/* Sixteen full records, as much as is read at once (bulk.h), so that
	 * each batch is one system call; and a datagram, whatever its
	 * length. */
	SEAL_BUF = 16 * (RECORD_DATA_MAX + CRYPT_OVERHEAD),
	SEAL_SMALL = 4096		/* what an idle half may have touched */
};

struct seal_half {
	struct record_half record;
	struct span wire;
	size_t high;			/* how far wire was used of late */
};

struct seal {
	struct seal_half in, out;
	const uint8_t *data;	/* of the DATA record being taken */
	size_t ndata;
	bool bad;		/* a record was: nothing more is taken */
	bool stopped;		/* the peer says: it was stopped, its END is
				 * not the end of its input */
	/* A link's life: PROTOCOL.md 3.7 */
	uint32_t waited_ms;	/* in reads, since bytes last came */
	int64_t sent_at;	/* when something was last sent */
	atomic_bool heard;	/* a KEEPALIVE came; then valid: */
	_Atomic uint32_t ahead_ms;	/* our clock less the peer's */
	uint32_t rtt_ms;	/* the last round trip; UINT32_MAX: unknown */
};

/* What both directions of a connection start with; the caller wipes it. */
struct seal_keys {
	enum bear_suite suite;
	uint8_t in[CRYPT_KEYS], out[CRYPT_KEYS];
};

/* Make one; dialled: by our side.  Returns it, or NULL with errno ENOMEM.
 * seal_free() wipes it, too. */
struct seal *seal_new(enum record_use use, bool dialled,
    const struct seal_keys *k);
void seal_free(struct seal *s);

/* A link becomes a pipe: both sides have agreed on stream 0. */
void seal_become_pipe(struct seal *s);

/* Where to put bytes from the wire: *n of room (never 0 if all whole records
 * were taken); and how many came. */
uint8_t *seal_room(struct seal *s, size_t *n);
void seal_came(struct seal *s, size_t n);

/* Take the next record: see record_get(). */
enum crypt_verdict seal_get(struct seal *s, enum record_type *type,
    uint8_t **body, size_t *n);

/* Before the first record: append n bytes that are none to what is to be
 * sent, so that both leave at once. */
void seal_put_plain(struct seal *s, const void *p, size_t n);

/* Append a record to what is to be sent.  Returns 0, or -1: no room. */
int seal_put(struct seal *s, enum record_type type, const void *body,
    size_t n);

/* A read has waited for so long and nothing came.  Returns how much that is
 * in all since bytes last came, in ms; of one wait, no more than two seconds
 * count: if it took longer it was us who slept. */
uint32_t seal_waited(struct seal *s, int64_t ms);

/* What is to be sent: *n bytes; and how many were sent, at what time. */
const uint8_t *seal_pending(const struct seal *s, size_t *n);
void seal_sent(struct seal *s, size_t n, int64_t now);

/* Is it time for a KEEPALIVE?  Append one.  Take one that came. */
bool seal_keepalive_due(const struct seal *s, int64_t now);
int seal_put_keepalive(struct seal *s, int64_t now);
void seal_take_keepalive(struct seal *s, const uint8_t *body, int64_t now);

/* Give memory back that a half has used up to now and may not need soon; if
 * bytes are in it, or the system is out of memory, nothing happens. */
void seal_shrink(struct seal_half *h);

#endif

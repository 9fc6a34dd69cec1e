/* SPDX-License-Identifier: MIT */
#ifndef PROTO_H
#define PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "secret.h"

/* The wire of PROTOCOL.md as functions over bytes: no sockets, no clock. */

enum {
	PROTO_LEN_SIZE = 2,			/* the u16 before the token */
	PROTO_HELLO_MAX = PROTO_LEN_SIZE + TOKEN_MAX,
	PROTO_SEALED = 0xad17,			/* reserved: adit's own hello */
	PROTO_REFUSED = 0x00,			/* the server's answers */
	PROTO_ACCEPTED = 0x01,

	/* The most an IPv4 UDP datagram holds: 65535 - 20 - 8 (RFC 768). */
	PROTO_DATAGRAM_MAX = 65507,
	PROTO_FRAME_MAX = PROTO_LEN_SIZE + PROTO_DATAGRAM_MAX
};

enum proto_verdict {
	PROTO_MORE,	/* so far so good: feed more */
	PROTO_DONE,	/* one whole message */
	PROTO_REFUSE,	/* a hello we know and do not serve: answer 00 */
	PROTO_BAD	/* not this protocol */
};

/* A plain hello being received.  Zero it before the first byte. */
struct proto_hello {
	struct token token;	/* whole after PROTO_DONE; the caller wipes */
	uint8_t head[PROTO_LEN_SIZE];
	size_t nhead, want;	/* want: token bytes announced */
};

/* How many bytes may be read next without reading past the hello; 0 once
 * the verdict is no longer PROTO_MORE. */
size_t proto_hello_want(const struct proto_hello *h);

/* Take n <= proto_hello_want() bytes. */
enum proto_verdict proto_hello_feed(struct proto_hello *h, const uint8_t *p,
    size_t n);

/* Write the hello for a token; returns its length. */
size_t proto_hello_put(const struct token *t, uint8_t out[PROTO_HELLO_MAX]);

/* What the server's answer means: PROTO_DONE, PROTO_REFUSE or PROTO_BAD. */
enum proto_verdict proto_answer(uint8_t status);

/* Take one datagram out of in: its payload is at *p, *n bytes, borrowed from
 * in until in is next written or packed.  Returns PROTO_DONE, PROTO_MORE or
 * PROTO_BAD (longer than PROTO_DATAGRAM_MAX). */
enum proto_verdict proto_datagram_get(struct span *in, const uint8_t **p,
    size_t *n);

/* Append a datagram of n <= PROTO_DATAGRAM_MAX bytes to out.  Returns 0, or
 * -1 if it is too long or does not fit. */
int proto_datagram_put(struct span *out, const uint8_t *p, size_t n);

#endif

/* SPDX-License-Identifier: MIT */
/* proto.c - the bytes of PROTOCOL.md: plain hello, answer, datagram frames. */

#include <assert.h>
#include <string.h>

#include "proto.h"

size_t
proto_hello_want(const struct proto_hello *h)
{
	if (h->nhead < PROTO_LEN_SIZE)
		return PROTO_LEN_SIZE - h->nhead;
	return h->want - h->token.len;
}

enum proto_verdict
proto_hello_feed(struct proto_hello *h, const uint8_t *p, size_t n)
{
	struct rd r = { h->head, PROTO_LEN_SIZE, false };
	uint16_t len;

	assert(n <= proto_hello_want(h));
	if (n == 0)
		return PROTO_MORE;
	if (h->nhead == PROTO_LEN_SIZE) {
		memcpy(h->token.bytes + h->token.len, p, n);
		h->token.len += n;
		return h->token.len == h->want ? PROTO_DONE : PROTO_MORE;
	}
	memcpy(h->head + h->nhead, p, n);
	h->nhead += n;
	if (h->nhead < PROTO_LEN_SIZE)
		return PROTO_MORE;
	len = rd_u16(&r);
	if (len == PROTO_SEALED)
		return PROTO_REFUSE;
	if (len == 0 || len > TOKEN_MAX)
		return PROTO_BAD;
	h->want = len;
	return PROTO_MORE;
}

size_t
proto_hello_put(const struct token *t, uint8_t out[PROTO_HELLO_MAX])
{
	struct wr w = { out, 0, PROTO_HELLO_MAX, false };

	wr_u16(&w, (uint16_t)t->len);
	wr_bytes(&w, t->bytes, t->len);
	assert(!w.bad && t->len > 0);
	return w.n;
}

enum proto_verdict
proto_answer(uint8_t status)
{
	switch (status) {
	case PROTO_ACCEPTED:
		return PROTO_DONE;
	case PROTO_REFUSED:
		return PROTO_REFUSE;
	default:
		return PROTO_BAD;
	}
}

enum proto_verdict
proto_datagram_get(struct span *in, const uint8_t **p, size_t *n)
{
	struct rd r = { in->buf + in->off, span_used(in), false };
	uint16_t len = rd_u16(&r);

	/* A length that cannot be right is known before its bytes come. */
	if (!r.bad && len > PROTO_DATAGRAM_MAX)
		return PROTO_BAD;
	*p = rd_bytes(&r, len);
	if (r.bad)
		return PROTO_MORE;
	*n = len;
	in->off += PROTO_LEN_SIZE + (size_t)len;
	return PROTO_DONE;
}

int
proto_datagram_put(struct span *out, const uint8_t *p, size_t n)
{
	struct wr w = { out->buf + out->end, 0, span_room(out), false };

	if (n > PROTO_DATAGRAM_MAX)
		return -1;
	wr_u16(&w, (uint16_t)n);
	wr_bytes(&w, p, n);
	if (w.bad)
		return -1;
	out->end += w.n;
	return 0;
}

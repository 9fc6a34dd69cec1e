/* SPDX-License-Identifier: MIT */
/* seal.c - a sealed connection's two halves, and how it stays alive.
 *
 * The buffers are large, but short records use their first pages only, and
 * large blocks come as untouched pages: idle connections are cheap. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "seal.h"
#include "secret.h"

enum {
	KEEPALIVE_MS = 3000,
	WAIT_MAX_MS = 2000
};

_Static_assert((int)SEAL_BUF >= (int)CRYPT_RECORD_MAX, "any record fits");

/* Buffers of connections that are over, for those that come: fresh pages are
 * a quarter of what a short stream costs.  They are empty, but for how much of
 * each was touched, in its first bytes; none of which it was much. */
enum {
	SPARE_MAX = 32,
	SPARE_HIGH = 32 * 1024
};

static _Atomic(uint8_t *) spare[SPARE_MAX];

static int
take_buf(struct seal_half *h)
{
	uint8_t *buf;
	size_t i;

	for (i = 0; i < SPARE_MAX; i++) {
		if ((buf = atomic_exchange(&spare[i], NULL)) != NULL) {
			h->wire.buf = buf;
			memcpy(&h->high, buf, sizeof(h->high));
			memset(buf, 0, sizeof(h->high));
			return 0;
		}
	}
	h->wire.buf = malloc(SEAL_BUF);
	return h->wire.buf != NULL ? 0 : -1;
}

static void
give_buf(const struct seal_half *h)
{
	uint8_t *none;
	size_t i;

	if (h->wire.buf == NULL)
		return;
	if (h->high <= SPARE_HIGH) {
		memset(h->wire.buf, 0, h->high);	/* nobody else's data */
		memcpy(h->wire.buf, &h->high, sizeof(h->high));
		for (i = 0; i < SPARE_MAX; i++) {
			none = NULL;
			if (atomic_compare_exchange_strong(&spare[i], &none,
			    h->wire.buf))
				return;
		}
	}
	free(h->wire.buf);
}

static int
half_init(struct seal_half *h, enum record_use use, bool dialler,
    enum bear_suite suite, const uint8_t keys[CRYPT_KEYS])
{
	record_init(&h->record, use, dialler, suite, keys);
	h->wire.cap = SEAL_BUF;
	return take_buf(h);
}

struct seal *
seal_new(enum record_use use, bool dialled, const struct seal_keys *k)
{
	struct seal *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->rtt_ms = UINT32_MAX;
	if (half_init(&s->in, use, !dialled, k->suite, k->in) == -1 ||
	    half_init(&s->out, use, dialled, k->suite, k->out) == -1) {
		seal_free(s);
		return NULL;
	}
	return s;
}

void
seal_free(struct seal *s)
{
	if (s == NULL)
		return;
	give_buf(&s->in);
	give_buf(&s->out);
	secret_wipe(s, sizeof(*s));
	free(s);
}

void
seal_become_pipe(struct seal *s)
{
	record_become_pipe(&s->in.record);
	record_become_pipe(&s->out.record);
}

static void
touched(struct seal_half *h)
{
	if (h->wire.end > h->high)
		h->high = h->wire.end;
}

uint8_t *
seal_room(struct seal *s, size_t *n)
{
	assert(s->ndata == 0);
	span_pack(&s->in.wire);
	*n = span_room(&s->in.wire);
	return s->in.wire.buf + s->in.wire.end;
}

void
seal_came(struct seal *s, size_t n)
{
	s->in.wire.end += n;
	s->waited_ms = 0;
	touched(&s->in);
}

enum crypt_verdict
seal_get(struct seal *s, enum record_type *type, uint8_t **body, size_t *n)
{
	enum crypt_verdict v;

	if (s->bad)
		return CRYPT_BAD;
	v = record_get(&s->in.record, &s->in.wire, type, body, n);
	s->bad = v == CRYPT_BAD;
	return v;
}

uint32_t
seal_waited(struct seal *s, int64_t ms)
{
	s->waited_ms += ms < WAIT_MAX_MS ? (uint32_t)ms : WAIT_MAX_MS;
	return s->waited_ms;
}

void
seal_put_plain(struct seal *s, const void *p, size_t n)
{
	struct span *out = &s->out.wire;

	assert(out->end == 0 && n <= out->cap);
	memcpy(out->buf, p, n);
	out->end = n;
	touched(&s->out);
}

int
seal_put(struct seal *s, enum record_type type, const void *body, size_t n)
{
	if (record_put(&s->out.record, type, body, n, &s->out.wire) == -1)
		return -1;
	touched(&s->out);
	return 0;
}

const uint8_t *
seal_pending(const struct seal *s, size_t *n)
{
	*n = span_used(&s->out.wire);
	return s->out.wire.buf + s->out.wire.off;
}

void
seal_sent(struct seal *s, size_t n, int64_t now)
{
	s->out.wire.off += n;
	if (span_used(&s->out.wire) == 0)
		s->out.wire.off = s->out.wire.end = 0;
	s->sent_at = now;
}

bool
seal_keepalive_due(const struct seal *s, int64_t now)
{
	const struct record_half *out = &s->out.record;

	/* Not behind our last words; not while others wait to be sent. */
	return !(out->ended && out->done) && !out->first &&
	    span_used(&s->out.wire) == 0 && now - s->sent_at >= KEEPALIVE_MS;
}

int
seal_put_keepalive(struct seal *s, int64_t now)
{
	struct ctl_keepalive k = { (uint32_t)now, 0 };
	uint8_t body[RECORD_KEEPALIVE_LEN];

	if (atomic_load(&s->heard))
		k.echo = (uint32_t)now - atomic_load(&s->ahead_ms);
	ctl_keepalive_put(&k, body);
	return seal_put(s, RECORD_KEEPALIVE, body, sizeof(body));
}

void
seal_take_keepalive(struct seal *s, const uint8_t *body, int64_t now)
{
	struct ctl_keepalive k;

	ctl_keepalive_get(&k, body);
	atomic_store(&s->ahead_ms, (uint32_t)now - k.stamp);
	atomic_store(&s->heard, true);
	if (k.echo != 0)
		s->rtt_ms = (uint32_t)now - k.echo;
}

void
seal_shrink(struct seal_half *h)
{
	uint8_t *fresh;

	if (h->high <= SEAL_SMALL || span_used(&h->wire) > 0 ||
	    (fresh = malloc(SEAL_BUF)) == NULL)
		return;
	free(h->wire.buf);
	h->wire.buf = fresh;
	h->wire.off = h->wire.end = h->high = 0;
}

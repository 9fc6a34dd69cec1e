/* SPDX-License-Identifier: MIT */
/* record.c - which records may come when.
 *
 * The same rules hold for what we send, where breaking them is our mistake,
 * and for what we are sent, where it ends the connection. */

#include <assert.h>

#include "record.h"

/* May a record of this type and length pass now? */
static bool
fits(const struct record_half *h, enum record_type type, size_t n)
{
	bool pipe = h->use == RECORD_PIPE;
	bool link = h->use == RECORD_LINK || pipe;

	if (h->closed || (h->ended && h->done && link))
		return false;
	if (h->first && link && type != RECORD_CONTROL)
		return false;
	if (h->first && !link && h->dialler != (type == RECORD_OPEN))
		return false;
	switch (type) {
	case RECORD_DATA:
		return (h->use == RECORD_STREAM || pipe) && !h->first &&
		    !h->ended && n >= 1 && n <= RECORD_DATA_MAX;
	case RECORD_DATAGRAM:
		return h->use == RECORD_FLOW && !h->first && !h->ended;
	case RECORD_END:
		return h->use != RECORD_LINK && !h->first && !h->ended &&
		    n == 0;
	case RECORD_DONE:
		return pipe && !h->done && n == 0;
	case RECORD_CONTROL:
		return link && n >= 1 && n <= RECORD_CONTROL_MAX;
	case RECORD_KEEPALIVE:
		return link && n == RECORD_KEEPALIVE_LEN;
	case RECORD_OPEN:
		return !link && h->first && h->dialler && n >= 1 &&
		    n <= RECORD_OPEN_MAX;
	case RECORD_OPENED:
		return !link && h->first && !h->dialler && n == 0;
	case RECORD_REFUSED:
		return !link && h->first && !h->dialler && n >= 1 &&
		    n <= RECORD_REFUSED_MAX;
	case RECORD_ACK:
	default:
		return false;
	}
}

static void
passed(struct record_half *h, enum record_type type)
{
	h->first = false;
	h->ended = h->ended || type == RECORD_END;
	h->done = h->done || type == RECORD_DONE;
	h->closed = h->closed || type == RECORD_REFUSED;
}

void
record_init(struct record_half *h, enum record_use use, bool dialler,
    enum bear_suite suite, const uint8_t keys[CRYPT_KEYS])
{
	crypt_init(&h->crypt, suite, keys);
	h->use = use;
	h->dialler = dialler;
	h->first = true;
	h->ended = h->done = h->closed = false;
}

void
record_become_pipe(struct record_half *h)
{
	assert(h->use == RECORD_LINK);
	h->use = RECORD_PIPE;
}

int
record_put(struct record_half *h, enum record_type type, const void *body,
    size_t n, struct span *out)
{
	assert(fits(h, type, n));
	if (crypt_seal(&h->crypt, (uint8_t)type, body, n, out) == -1)
		return -1;
	passed(h, type);
	return 0;
}

enum crypt_verdict
record_get(struct record_half *h, struct span *in, enum record_type *type,
    uint8_t **body, size_t *n)
{
	enum crypt_verdict v;
	uint8_t t;

	if ((v = crypt_open(&h->crypt, in, &t, body, n)) != CRYPT_RECORD)
		return v;
	*type = (enum record_type)t;
	if (!fits(h, *type, *n))
		return CRYPT_BAD;
	passed(h, *type);
	return CRYPT_RECORD;
}

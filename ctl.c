/* SPDX-License-Identifier: MIT */
/* ctl.c - what the two sides say to each other under seal. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "ctl.h"

static void
put_text(struct wr *w, const struct ctl *c, size_t max)
{
	size_t n = strlen(c->text);

	wr_bytes(w, c->text, n < max ? n : max);
}

/* All that is left is text. */
static bool
get_text(struct ctl *c, struct rd *r, size_t max)
{
	size_t n = r->left;
	const uint8_t *p = rd_bytes(r, n);

	if (r->bad || n > max || (n > 0 && memchr(p, '\0', n) != NULL))
		return false;
	if (n > 0)
		memcpy(c->text, p, n);
	c->text[n] = '\0';
	return true;
}

static bool
get_reason(struct ctl *c, struct rd *r)
{
	c->reason = (enum ctl_reason)rd_u8(r);
	return !r->bad && c->reason >= CTL_BUSY && c->reason <= CTL_DISMISSED;
}

static bool
get_protocol(struct ctl *c, struct rd *r)
{
	c->protocol = (enum ctl_protocol)rd_u8(r);
	return !r->bad &&
	    (c->protocol == CTL_TCP || c->protocol == CTL_UDP);
}

size_t
ctl_put(const struct ctl *c, uint8_t out[RECORD_CONTROL_MAX])
{
	struct wr w = { out, 0, RECORD_CONTROL_MAX, false };

	wr_u8(&w, (uint8_t)c->kind);
	switch (c->kind) {
	case CTL_HELLO:
		wr_bytes(&w, c->instance, CTL_INSTANCE);
		wr_u8(&w, (uint8_t)c->end);
		wr_u8(&w, (uint8_t)c->protocol);
		put_text(&w, c, CTL_TARGET_MAX);
		break;
	case CTL_WELCOME:
		wr_u8(&w, (uint8_t)c->mode);
		wr_u16(&w, c->port);
		break;
	case CTL_ASK:
		wr_u64(&w, c->number);
		break;
	case CTL_CANCEL:
		wr_u64(&w, c->number);
		/* FALLTHROUGH */
	case CTL_REFUSED:
	case CTL_BYE:
		wr_u8(&w, (uint8_t)c->reason);
		put_text(&w, c, CTL_SENTENCE_MAX);
		break;
	}
	assert(!w.bad);
	return w.n;
}

bool
ctl_get(struct ctl *c, const uint8_t *p, size_t n)
{
	struct rd r = { p, n, false };
	const uint8_t *instance;

	memset(c, 0, sizeof(*c));
	c->kind = (enum ctl_kind)rd_u8(&r);
	switch (c->kind) {
	case CTL_HELLO:
		instance = rd_bytes(&r, CTL_INSTANCE);
		c->end = (enum ctl_end)rd_u8(&r);
		if (instance == NULL || c->end < CTL_STDIO ||
		    c->end > CTL_SERVICE || !get_protocol(c, &r))
			return false;
		memcpy(c->instance, instance, CTL_INSTANCE);
		return get_text(c, &r, CTL_TARGET_MAX);
	case CTL_WELCOME:
		c->mode = (enum ctl_mode)rd_u8(&r);
		c->port = rd_u16(&r);
		return !r.bad && r.left == 0 && c->mode >= CTL_PIPE &&
		    c->mode <= CTL_SERVER_ASKS;
	case CTL_ASK:
		c->number = rd_u64(&r);
		return !r.bad && r.left == 0;
	case CTL_CANCEL:
		c->number = rd_u64(&r);
		/* FALLTHROUGH */
	case CTL_REFUSED:
	case CTL_BYE:
		return get_reason(c, &r) && get_text(c, &r, CTL_SENTENCE_MAX);
	default:
		return false;
	}
}

size_t
ctl_open_put(const struct ctl *c, uint8_t out[RECORD_OPEN_MAX])
{
	struct wr w = { out, 0, RECORD_OPEN_MAX, false };

	wr_u8(&w, (uint8_t)c->protocol);
	put_text(&w, c, CTL_TARGET_MAX);
	return w.n;
}

bool
ctl_open_get(struct ctl *c, const uint8_t *p, size_t n)
{
	struct rd r = { p, n, false };

	memset(c, 0, sizeof(*c));
	return get_protocol(c, &r) && get_text(c, &r, CTL_TARGET_MAX);
}

size_t
ctl_refused_put(const struct ctl *c, uint8_t out[RECORD_REFUSED_MAX])
{
	struct wr w = { out, 0, RECORD_REFUSED_MAX, false };

	wr_u8(&w, (uint8_t)c->reason);
	put_text(&w, c, CTL_SENTENCE_MAX);
	return w.n;
}

bool
ctl_refused_get(struct ctl *c, const uint8_t *p, size_t n)
{
	struct rd r = { p, n, false };

	memset(c, 0, sizeof(*c));
	return get_reason(c, &r) && get_text(c, &r, CTL_SENTENCE_MAX);
}

enum ctl_mode
ctl_mode(enum ctl_end client, enum ctl_end server)
{
	static const enum ctl_mode mode[3][3] = {
		/* a row for each end of the client's: stdio, listens,
		 * service; in it a column for each of the server's */
		{ CTL_PIPE, CTL_SERVER_ASKS, CTL_PIPE },
		{ CTL_CLIENT_OPENS, CTL_NO_MODE, CTL_CLIENT_OPENS },
		{ CTL_PIPE, CTL_SERVER_ASKS, CTL_NO_MODE }
	};

	return mode[client - 1][server - 1];
}

const char *
ctl_reason_text(enum ctl_reason reason)
{
	switch (reason) {
	case CTL_BUSY:
		return "busy: it serves another client";
	case CTL_FULL:
		return "full: it is at its limit of streams";
	case CTL_NOT_ALLOWED:
		return "this target is not allowed there";
	case CTL_UNREACHABLE:
		return "the service cannot be reached there";
	case CTL_MISMATCH:
		return "the two sides do not fit together";
	case CTL_REPLACED:
		return "replaced by a newer link";
	case CTL_STOPPING:
		return "the other side stops";
	case CTL_FAILED:
		return "the other side is out of something";
	case CTL_TIMEOUT:
		return "too late";
	case CTL_DISMISSED:
		return "disconnected by an order of the other side";
	}
	return "";
}

void
ctl_keepalive_put(const struct ctl_keepalive *k,
    uint8_t out[RECORD_KEEPALIVE_LEN])
{
	struct wr w = { out, 0, RECORD_KEEPALIVE_LEN, false };

	wr_u32(&w, k->stamp);
	wr_u32(&w, k->echo);
}

void
ctl_keepalive_get(struct ctl_keepalive *k,
    const uint8_t in[RECORD_KEEPALIVE_LEN])
{
	struct rd r = { in, RECORD_KEEPALIVE_LEN, false };

	k->stamp = rd_u32(&r);
	k->echo = rd_u32(&r);
}

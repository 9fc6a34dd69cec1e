/* SPDX-License-Identifier: MIT */
/* meet.c - what relays and those who meet there say to each other. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "meet.h"

enum { MAGIC = 0xad17, VERSION = 1 };

_Static_assert((int)MEET_STATUS_MAX < (int)MEET_BODY_MAX, "one buffer");

enum meet_kind
meet_kind(const uint8_t head[MEET_HEAD])
{
	struct rd r = { head, MEET_HEAD, false };
	uint16_t magic = rd_u16(&r);
	uint8_t version = rd_u8(&r);
	uint8_t kind = rd_u8(&r);

	if (magic != MAGIC)
		return MEET_KIND_BAD;
	if (version != VERSION)
		return MEET_KIND_VERSION;
	return kind >= MEET_WAIT && kind <= MEET_STATUS ?
	    (enum meet_kind)kind : MEET_KIND_BAD;
}

static void
put_head(struct wr *w, enum meet_kind kind)
{
	wr_u16(w, MAGIC);
	wr_u8(w, VERSION);
	wr_u8(w, (uint8_t)kind);
}

void
meet_head_put(enum meet_kind kind, uint8_t out[MEET_HEAD])
{
	struct wr w = { out, 0, MEET_HEAD, false };

	put_head(&w, kind);
}

bool
meet_room_valid(const char *room)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789_.";
	size_t n = strspn(room, good);

	return n >= 1 && n <= MEET_ROOM_MAX && room[n] == '\0';
}

size_t
meet_dial_put(const char *room, uint8_t out[MEET_DIAL_MAX])
{
	struct wr w = { out, 0, MEET_DIAL_MAX, false };
	size_t n = strlen(room);

	put_head(&w, MEET_DIAL);
	wr_u8(&w, (uint8_t)n);
	wr_bytes(&w, room, n);
	assert(!w.bad);
	return w.n;
}

bool
meet_room_get(const uint8_t *p, size_t n, char room[MEET_ROOM_MAX + 1])
{
	if (n < 1 || n > MEET_ROOM_MAX)
		return false;
	memcpy(room, p, n);
	room[n] = '\0';
	return strlen(room) == n && meet_room_valid(room);
}

void
meet_accept_put(const uint8_t ticket[MEET_TICKET], uint8_t out[MEET_ACCEPT])
{
	struct wr w = { out, 0, MEET_ACCEPT, false };

	put_head(&w, MEET_ACCEPT_KIND);
	wr_bytes(&w, ticket, MEET_TICKET);
}

void
meet_go_put(enum meet_what what, const uint8_t addr[MEET_ADDR],
    uint8_t out[MEET_GO])
{
	struct wr w = { out, 0, MEET_GO, false };

	wr_u8(&w, MEET_GO_BYTE);
	wr_u8(&w, (uint8_t)what);
	wr_bytes(&w, addr, MEET_ADDR);
}

bool
meet_go_get(const uint8_t in[MEET_GO - 1], enum meet_what *what,
    uint8_t addr[MEET_ADDR])
{
	*what = (enum meet_what)in[0];
	memcpy(addr, in + 1, MEET_ADDR);
	return *what >= MEET_CLIENT && *what <= MEET_VISITOR_UDP;
}

static void
put_text(struct wr *w, const char *text, size_t max)
{
	size_t n = strlen(text);

	wr_bytes(w, text, n < max ? n : max);
}

size_t
meet_put(const struct meet *m, uint8_t out[MEET_BODY_MAX])
{
	struct wr w = { out, 0, MEET_BODY_MAX, false };

	wr_u8(&w, (uint8_t)m->kind);
	switch (m->kind) {
	case MEET_M_WAIT:
		wr_bytes(&w, m->id, MEET_ID);
		wr_u8(&w, m->parked);
		wr_u8(&w, (uint8_t)m->publish);
		wr_u16(&w, m->port);
		put_text(&w, m->text, MEET_ROOM_MAX);
		break;
	case MEET_M_WAITING:
		wr_bytes(&w, m->id, MEET_ID);
		wr_u8(&w, (uint8_t)m->publish);
		wr_u16(&w, m->port);
		wr_bytes(&w, m->addr, MEET_ADDR);
		break;
	case MEET_M_REFUSED:
	case MEET_M_BYE:
		wr_u8(&w, (uint8_t)m->reason);
		put_text(&w, m->text, MEET_SENTENCE_MAX);
		break;
	case MEET_M_CALL:
	case MEET_M_GRANT:
		wr_bytes(&w, m->id, MEET_TICKET);
		break;
	case MEET_M_PING:
	case MEET_M_PONG:
		wr_u32(&w, m->stamp);
		break;
	}
	assert(!w.bad);
	return w.n;
}

static void
get_bytes(struct rd *r, uint8_t *out, size_t n)
{
	const uint8_t *p = rd_bytes(r, n);

	if (p != NULL)
		memcpy(out, p, n);
}

/* All that is left is text. */
static bool
get_text(struct meet *m, struct rd *r, size_t max)
{
	size_t n = r->left;
	const uint8_t *p = rd_bytes(r, n);

	if (r->bad || n > max || (n > 0 && memchr(p, '\0', n) != NULL))
		return false;
	if (n > 0)
		memcpy(m->text, p, n);
	m->text[n] = '\0';
	return true;
}

static bool
get_publish(struct meet *m, struct rd *r)
{
	m->publish = (enum meet_publish)rd_u8(r);
	m->port = rd_u16(r);
	return !r->bad && m->publish <= MEET_PUBLISH_UDP;
}

bool
meet_get(struct meet *m, const uint8_t *p, size_t n)
{
	struct rd r = { p, n, false };

	memset(m, 0, sizeof(*m));
	m->kind = (enum meet_message)rd_u8(&r);
	if (r.bad || m->kind < MEET_M_WAIT || m->kind > MEET_M_BYE)
		return false;
	switch (m->kind) {
	case MEET_M_WAIT:
		get_bytes(&r, m->id, MEET_ID);
		m->parked = rd_u8(&r);
		return get_publish(m, &r) && m->parked <= MEET_PARKED_MAX &&
		    get_text(m, &r, MEET_ROOM_MAX) && meet_room_valid(m->text);
	case MEET_M_WAITING:
		get_bytes(&r, m->id, MEET_ID);
		if (!get_publish(m, &r))
			return false;
		get_bytes(&r, m->addr, MEET_ADDR);
		break;
	case MEET_M_REFUSED:
	case MEET_M_BYE:
		m->reason = (enum meet_reason)rd_u8(&r);
		return m->reason >= MEET_R_BUSY && m->reason <= MEET_R_FAILED &&
		    get_text(m, &r, MEET_SENTENCE_MAX);
	case MEET_M_CALL:
	case MEET_M_GRANT:
		get_bytes(&r, m->id, MEET_TICKET);
		break;
	case MEET_M_PING:
	case MEET_M_PONG:
		m->stamp = rd_u32(&r);
		break;
	}
	return !r.bad && r.left == 0;
}

const char *
meet_status_text(uint8_t status)
{
	switch (status) {
	case MEET_NO_ROOM:
		return "nobody waits in this room";
	case MEET_FULL:
		return "the relay is full";
	case MEET_NO_SERVER:
		return "the server in this room does not answer the relay";
	case MEET_STOPPING:
		return "the relay is about to stop";
	case MEET_NO_TICKET:
		return "the relay does not know this ticket (any more)";
	case MEET_NO_MEMBERS:
		return "the relay asks for no secret (leave out --auth)";
	case 0x21:
		return "the relay speaks another version of the protocol";
	case 0x25:
		return "the relay wants another secret (--auth)";
	default:
		return "this is no adit relay";
	}
}

const char *
meet_reason_text(enum meet_reason reason)
{
	switch (reason) {
	case MEET_R_BUSY:
		return "room busy: another server has it";
	case MEET_R_FULL:
		return "the relay is full";
	case MEET_R_MEMBERS:
		return "the relay wants a secret (--auth)";
	case MEET_R_NOT_ALLOWED:
		return "not published";
	case MEET_R_REPLACED:
		return "replaced by a newer server in this room";
	case MEET_R_STOPPING:
		return "the other side stops";
	case MEET_R_NONSENSE:
		return "a message makes no sense";
	case MEET_R_FAILED:
		return "the relay is out of memory or the like";
	}
	return "no reason";
}

size_t
meet_state_put(const struct meet_state *s, uint8_t out[MEET_STATUS_MAX])
{
	struct wr w = { out, 0, MEET_STATUS_MAX, false };
	size_t n = strlen(s->version);

	wr_u16(&w, (uint16_t)(12 + n));
	wr_u32(&w, s->uptime_s);
	wr_u32(&w, s->rooms);
	wr_u32(&w, s->pairs);
	wr_bytes(&w, s->version, n);
	assert(!w.bad);
	return w.n;
}

bool
meet_state_get(struct meet_state *s, const uint8_t *p, size_t n)
{
	struct rd r = { p, n, false };
	size_t i;

	s->uptime_s = rd_u32(&r);
	s->rooms = rd_u32(&r);
	s->pairs = rd_u32(&r);
	if (r.bad)
		return false;
	for (i = 0; i < r.left && i < MEET_VERSION_MAX && r.p[i] >= 0x20 &&
	    r.p[i] <= 0x7e; i++)
		s->version[i] = (char)r.p[i];
	s->version[i] = '\0';
	return true;
}

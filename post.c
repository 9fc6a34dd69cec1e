/* SPDX-License-Identifier: MIT */
/* post.c - messages between a server and its relay, over one socket.
 *
 * Messages are short and rare: what the socket does not take at once shows
 * that the other side is dead, or might as well be. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "post.h"
#include "task.h"

void
post_init(struct post *p, int fd, struct seal *s)
{
	memset(p, 0, sizeof(*p));
	p->fd = fd;
	p->seal = s;
	p->in.buf = p->buf;
	p->in.cap = sizeof(p->buf);
	p->sent_at = task_now();
	(void)pthread_mutex_init(&p->out_mu, NULL);
}

void
post_close(struct post *p, bool clean)
{
	if (clean) {
		net_last_words(p->fd);
		net_close_clean(p->fd);
	} else
		(void)close(p->fd);
	seal_free(p->seal);
	p->seal = NULL;
	(void)pthread_mutex_destroy(&p->out_mu);
}

/* Returns whether all went out; out_mu is held. */
static bool
send_sealed(struct post *p, const uint8_t *body, size_t n)
{
	const uint8_t *out;
	ssize_t put;

	if (seal_put(p->seal, RECORD_CONTROL, body, n) == -1)
		return false;
	out = seal_pending(p->seal, &n);
	put = net_write_now(p->fd, out, n);
	if (put > 0)
		seal_sent(p->seal, (size_t)put, task_now());
	return put == (ssize_t)n;
}

static bool
send_plain(struct post *p, const uint8_t *body, size_t n)
{
	uint8_t out[MEET_LEN + MEET_BODY_MAX];
	struct wr w = { out, 0, sizeof(out), false };

	wr_u16(&w, (uint16_t)n);
	wr_bytes(&w, body, n);
	return net_write_now(p->fd, out, w.n) == (ssize_t)w.n;
}

void
post_say(struct post *p, const struct meet *m)
{
	uint8_t body[MEET_BODY_MAX];
	size_t n = meet_put(m, body);
	bool whole;

	(void)pthread_mutex_lock(&p->out_mu);
	whole = p->seal != NULL ? send_sealed(p, body, n) :
	    send_plain(p, body, n);
	p->sent_at = task_now();
	(void)pthread_mutex_unlock(&p->out_mu);
	if (!whole)
		net_end_reading(p->fd);
}

void
post_say_reason(struct post *p, enum meet_message kind,
    enum meet_reason reason, const char *sentence)
{
	struct meet m = { .kind = kind, .reason = reason };
	size_t n = strlen(sentence);

	memcpy(m.text, sentence, n < sizeof(m.text) ? n : sizeof(m.text) - 1);
	post_say(p, &m);
}

static int
next_sealed(struct post *p, struct meet *m)
{
	enum record_type type;
	uint8_t *body;
	size_t n;
	enum crypt_verdict v = seal_get(p->seal, &type, &body, &n);

	if (v == CRYPT_MORE)
		return 0;
	if (v == CRYPT_RECORD && type == RECORD_CONTROL &&
	    meet_get(m, body, n))
		return 1;
	errno = EPROTO;
	return -1;
}

static int
next_plain(struct post *p, struct meet *m)
{
	struct rd r = { p->in.buf + p->in.off, span_used(&p->in), false };
	uint16_t n = rd_u16(&r);

	if (r.bad || (n <= MEET_BODY_MAX && n > r.left))
		return 0;
	if (n == 0 || n > MEET_BODY_MAX || !meet_get(m, r.p, n)) {
		errno = EPROTO;
		return -1;
	}
	p->in.off += (size_t)MEET_LEN + n;
	return 1;
}

int
post_next(struct post *p, struct meet *m)
{
	return p->seal != NULL ? next_sealed(p, m) : next_plain(p, m);
}

int
post_fill(struct post *p)
{
	ssize_t got;
	size_t room;
	uint8_t *to;

	if (p->seal != NULL)
		to = seal_room(p->seal, &room);
	else {
		span_pack(&p->in);
		to = p->in.buf + p->in.end;
		room = span_room(&p->in);
	}
	got = net_read_now(p->fd, to, room);
	if (got == 0)
		errno = ECONNRESET;
	if (got <= 0)
		return got == -1 && errno == EAGAIN ? 0 : -1;
	if (p->seal != NULL)
		seal_came(p->seal, (size_t)got);
	else
		p->in.end += (size_t)got;
	return 0;
}

int
post_read(struct post *p, struct meet *m, const struct net_wait *w)
{
	int rc;

	while ((rc = post_next(p, m)) == 0) {
		if (net_await(p->fd, w) == -1 || post_fill(p) == -1)
			return -1;
	}
	return rc == 1 ? 0 : -1;
}

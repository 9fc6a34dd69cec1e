/* SPDX-License-Identifier: MIT */
/* link.c - from a socket to an authenticated connection, on either side.
 *
 * PROTOCOL.md, plain handshake.  What to say and when is decided here; what
 * the bytes mean is decided in proto.c. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "link.h"
#include "proto.h"
#include "task.h"

_Static_assert((int)LINK_WHY_MAX == (int)DIAL_WHY_MAX, "one sentence");

static enum link_verdict
say(char *why, enum link_verdict verdict, const char *sentence)
{
	(void)snprintf(why, LINK_WHY_MAX, "%s", sentence);
	return verdict;
}

/* A wait or a transfer failed, with errno. */
static enum link_verdict
broke(char *why)
{
	switch (errno) {
	case ECANCELED:
		return say(why, LINK_STOPPED, "stopped");
	case ETIMEDOUT:
		return say(why, LINK_FAILED, "no whole handshake in 10 s");
	case ECONNABORTED:
		return say(why, LINK_FAILED, "no longer wanted");
	default:
		return say(why, LINK_BROKEN, strerror(errno));
	}
}

/* A connection at the server's door. */
struct caller {
	int fd;
	const struct net_addr *from;
	struct gate *gate;
	uint64_t ticket;	/* 0: has not kept us waiting */
	struct net_wait wait;
};

static void
queue_up(struct caller *c)
{
	if (c->ticket == 0)
		c->ticket = gate_enter(c->gate, c->fd, c->from);
}

/* Read a hello byte-exactly: what follows it is not ours to read.  Only who
 * keeps us waiting for bytes must queue at the gate, so that a client may
 * open as many connections at once as it likes. */
static enum proto_verdict
read_hello(struct caller *c, struct proto_hello *h)
{
	static const struct net_wait now = { 0, -1 };
	uint8_t buf[TOKEN_MAX];
	enum proto_verdict v = PROTO_MORE;
	ssize_t n;

	while (v == PROTO_MORE) {
		n = net_read_some(c->fd, buf, proto_hello_want(h),
		    c->ticket == 0 ? &now : &c->wait);
		if (n > 0)
			v = proto_hello_feed(h, buf, (size_t)n);
		else if (n == -1 && errno == ETIMEDOUT && c->ticket == 0)
			queue_up(c);
		else {
			if (n == 0)
				errno = ECONNRESET;
			break;
		}
	}
	secret_wipe(buf, sizeof(buf));
	return v;
}

static enum link_verdict
refuse(struct caller *c, char *why, const char *sentence)
{
	static const uint8_t status = PROTO_REFUSED;
	struct net_wait w = { task_now() + NET_REFUSE_MS, -1 };

	queue_up(c);
	if (net_write(c->fd, &status, 1, &w) == 0)
		net_last_words(c->fd);
	return say(why, LINK_REFUSED, sentence);
}

/* Refusals of wrong tokens take a second, but only one at a time for each
 * source: guessing is slow, and nobody else has to wait for it. */
static enum link_verdict
refuse_guess(struct caller *c, char *why)
{
	struct net_wait w = { task_now() + LINK_REFUSE_DELAY_MS, c->fd };

	queue_up(c);
	if (gate_may_delay(c->gate, c->ticket))
		(void)net_pause(&w);
	return refuse(c, why, "wrong token");
}

/* The token is right and there is room. */
static enum link_verdict
welcome(struct caller *c, char *why)
{
	static const uint8_t status = PROTO_ACCEPTED;

	if (!gate_leave(c->gate, c->ticket))
		return say(why, LINK_BROKEN, "had to make room for another");
	c->ticket = 0;
	if (net_write(c->fd, &status, 1, &c->wait) == -1)
		return broke(why);
	return LINK_READY;
}

enum link_verdict
link_accept(int fd, const struct net_addr *from, struct gate *g,
    const struct token *t, bool (*room)(void *), void *arg,
    char why[LINK_WHY_MAX])
{
	struct caller c = { fd, from, g, 0,
	    { task_now() + LINK_HANDSHAKE_MS, -1 } };
	enum link_verdict verdict;
	struct proto_hello h;

	memset(&h, 0, sizeof(h));
	switch (read_hello(&c, &h)) {
	case PROTO_DONE:
		if (!secret_equal(t, &h.token))
			verdict = refuse_guess(&c, why);
		else if (!room(arg))
			verdict = refuse(&c, why, "busy");
		else
			verdict = welcome(&c, why);
		break;
	case PROTO_REFUSE:
		verdict = refuse(&c, why, "it encrypts, this side does not");
		break;
	case PROTO_BAD:
		/* Say nothing, and let the deadline close it: a scanner learns
		 * no more than from a port where nobody answers. */
		queue_up(&c);
		net_discard(fd, &c.wait);
		verdict = say(why, LINK_BROKEN, "not this protocol");
		break;
	case PROTO_MORE:
	default:
		verdict = broke(why);
		break;
	}
	(void)gate_leave(g, c.ticket);
	secret_wipe(&h, sizeof(h));
	return verdict;
}

/* What the one byte that answers us means. */
static enum link_verdict
read_answer(int fd, const struct net_wait *w, char *why)
{
	uint8_t status;
	ssize_t n = net_read_some(fd, &status, 1, w);

	if (n == -1)
		return broke(why);
	if (n == 0)
		return say(why, LINK_BROKEN,
		    "the server closed the connection during the handshake");
	switch (proto_answer(status)) {
	case PROTO_DONE:
		return LINK_READY;
	case PROTO_REFUSE:
		return say(why, LINK_REFUSED, "refused: wrong token, or busy");
	case PROTO_MORE:
	case PROTO_BAD:
	default:
		return say(why, LINK_BROKEN,
		    "the other side is no adit server");
	}
}

enum link_verdict
link_dial(const struct hostport *hp, const struct token *t, int watch,
    int *fdp, struct net_addr *peer, char why[LINK_WHY_MAX])
{
	struct net_wait w = { 0, watch };
	uint8_t hello[PROTO_HELLO_MAX];
	enum link_verdict verdict;
	char name[NET_NAME_MAX], detail[LINK_WHY_MAX];
	size_t n;
	int fd;

	if ((fd = dial_host(hp, SOCK_STREAM, watch, peer, detail)) == -1) {
		verdict = errno == ECANCELED ? LINK_STOPPED : LINK_FAILED;
		(void)snprintf(why, LINK_WHY_MAX, "%.450s%s", detail,
		    errno == ECONNREFUSED ? " (is the server running?)" : "");
		return verdict;
	}
	w.until = task_now() + LINK_HANDSHAKE_MS;
	n = proto_hello_put(t, hello);
	if (net_write(fd, hello, n, &w) == -1)
		verdict = broke(detail);
	else
		verdict = read_answer(fd, &w, detail);
	secret_wipe(hello, sizeof(hello));
	if (verdict == LINK_READY) {
		*fdp = fd;
		return LINK_READY;
	}
	(void)close(fd);
	net_name(peer, name);
	if (verdict == LINK_REFUSED)
		(void)snprintf(why, LINK_WHY_MAX, "%s", detail);
	else
		(void)snprintf(why, LINK_WHY_MAX, "no tunnel to %s: %.300s",
		    name, detail);
	return verdict;
}

/* SPDX-License-Identifier: MIT */
/* plain.c - the plain handshake, on either side.
 *
 * PROTOCOL.md, plain handshake.  What to say and when is decided here; what
 * the bytes mean is decided in proto.c. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "plain.h"
#include "proto.h"
#include "task.h"

enum { REFUSE_DELAY_MS = 1000 };	/* between two guesses of a source */

_Static_assert((int)DOOR_WHY_MAX == (int)DIAL_WHY_MAX, "one sentence");

/* Read a hello byte-exactly: what follows it is not ours to read. */
static enum proto_verdict
read_hello(struct caller *c, struct proto_hello *h)
{
	uint8_t buf[TOKEN_MAX];
	enum proto_verdict v = PROTO_MORE;
	ssize_t n;

	while (v == PROTO_MORE) {
		if ((n = door_read_some(c, buf, proto_hello_want(h))) == -1)
			break;
		v = proto_hello_feed(h, buf, (size_t)n);
	}
	secret_wipe(buf, sizeof(buf));
	return v;
}

static enum door_verdict
refuse(struct caller *c, char *why, const char *sentence)
{
	door_refuse(c, PROTO_REFUSED);
	return door_say(why, DOOR_REFUSED, sentence);
}

/* Refusals of wrong tokens take a second, but only one at a time for each
 * source: guessing is slow, and nobody else has to wait for it. */
static enum door_verdict
refuse_guess(struct caller *c, char *why)
{
	struct net_wait w = { task_now() + REFUSE_DELAY_MS, c->fd };

	door_queue(c);
	if (gate_may_delay(c->gate, c->ticket))
		(void)net_pause(&w);
	return refuse(c, why, "wrong token");
}

/* The token is right and there is room. */
static enum door_verdict
welcome(struct caller *c, char *why)
{
	static const uint8_t status = PROTO_ACCEPTED;

	if (!door_leave(c))
		return door_say(why, DOOR_BROKEN,
		    "had to make room for another");
	if (net_write(c->fd, &status, 1, &c->wait) == -1)
		return door_broke(why);
	return DOOR_READY;
}

enum door_verdict
plain_accept(struct caller *c, const struct token *t, bool (*room)(void *),
    void *arg, char why[DOOR_WHY_MAX])
{
	enum door_verdict verdict;
	struct proto_hello h;

	memset(&h, 0, sizeof(h));
	switch (read_hello(c, &h)) {
	case PROTO_DONE:
		if (!secret_equal(t, &h.token))
			verdict = refuse_guess(c, why);
		else if (!room(arg))
			verdict = refuse(c, why, "busy");
		else
			verdict = welcome(c, why);
		break;
	case PROTO_REFUSE:
		verdict = refuse(c, why, "it encrypts, this side does not");
		break;
	case PROTO_BAD:
		door_silence(c);
		verdict = door_say(why, DOOR_BROKEN, "not this protocol");
		break;
	case PROTO_MORE:
	default:
		verdict = door_broke(why);
		break;
	}
	(void)door_leave(c);
	secret_wipe(&h, sizeof(h));
	return verdict;
}

/* What the one byte that answers us means. */
static enum door_verdict
read_answer(int fd, const struct net_wait *w, char *why)
{
	uint8_t status;
	ssize_t n = net_read_some(fd, &status, 1, w);

	if (n == -1)
		return door_broke(why);
	if (n == 0)
		return door_say(why, DOOR_BROKEN,
		    "the server closed the connection during the handshake");
	switch (proto_answer(status)) {
	case PROTO_DONE:
		return DOOR_READY;
	case PROTO_REFUSE:
		return door_say(why, DOOR_REFUSED, "refused: wrong "
		    "token, busy, or the server encrypts (leave out --plain)");
	case PROTO_MORE:
	case PROTO_BAD:
	default:
		return door_say(why, DOOR_BROKEN,
		    "the other side is no adit server");
	}
}

enum door_verdict
plain_dial(const struct hostport *hp, const struct token *t, int watch,
    int *fdp, struct net_addr *peer, char why[DOOR_WHY_MAX])
{
	struct net_wait w = { 0, watch };
	uint8_t hello[PROTO_HELLO_MAX];
	enum door_verdict verdict;
	char name[NET_NAME_MAX], detail[DOOR_WHY_MAX];
	size_t n;
	int fd;

	if ((fd = dial_host(hp, SOCK_STREAM, watch, peer, detail)) == -1) {
		verdict = errno == ECANCELED ? DOOR_STOPPED : DOOR_FAILED;
		(void)snprintf(why, DOOR_WHY_MAX, "%.450s%s", detail,
		    errno == ECONNREFUSED ? " (is the server running?)" : "");
		return verdict;
	}
	w.until = task_now() + DOOR_HANDSHAKE_MS;
	n = proto_hello_put(t, hello);
	if (net_write(fd, hello, n, &w) == -1)
		verdict = door_broke(detail);
	else
		verdict = read_answer(fd, &w, detail);
	secret_wipe(hello, sizeof(hello));
	if (verdict == DOOR_READY) {
		*fdp = fd;
		return DOOR_READY;
	}
	(void)close(fd);
	net_name(peer, name);
	if (verdict == DOOR_REFUSED)
		(void)snprintf(why, DOOR_WHY_MAX, "%s", detail);
	else
		(void)snprintf(why, DOOR_WHY_MAX, "no tunnel to %s: %.300s",
		    name, detail);
	return verdict;
}

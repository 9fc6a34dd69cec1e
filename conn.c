/* SPDX-License-Identifier: MIT */
/* conn.c - one end of a forwarded connection, whatever it is made of.
 *
 * The four kinds differ in how bytes are wrapped and in what an end looks
 * like.  Two things here are less obvious than they seem:
 *
 * A recv() of 0 is not yet an end.  The kernel reports a reset to one system
 * call only; when the writing thread is the one that gets it, the reader
 * sees 0.  But after a reset the socket has no peer any more, so while our
 * own side is still open, getpeername() tells the two apart.
 *
 * stdin and stdout may be shared with other processes, so they are never set
 * non-blocking.  stdin is polled, together with the stop descriptor, before
 * each read; a write to stdout that blocks is broken by a signal (task.h). */

#include <sys/socket.h>
#include <sys/types.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "proto.h"
#include "task.h"

_Static_assert((int)CONN_DATAGRAM_BUF == (int)PROTO_DATAGRAM_MAX + 1,
    "a reader sees that a datagram is too long");
_Static_assert((int)CONN_FRAME_BUF >= (int)PROTO_FRAME_MAX,
    "a frame fits its buffer");

static void
init(struct conn *c, enum conn_kind kind, int rfd, int wfd, const char *name)
{
	memset(c, 0, sizeof(*c));
	c->kind = kind;
	c->rfd = rfd;
	c->wfd = wfd;
	c->watch = -1;
	c->tick_ms = NET_READ_TICK_MS;
	atomic_init(&c->ended, false);
	(void)strncpy(c->name, name, sizeof(c->name) - 1);
}

void
conn_tcp(struct conn *c, int fd, const char *name)
{
	init(c, CONN_TCP, fd, fd, name);
}

void
conn_framed(struct conn *c, int fd, const char *name, uint8_t *bufs)
{
	init(c, CONN_FRAMED, fd, fd, name);
	c->in.buf = bufs;
	c->out.buf = bufs + CONN_FRAME_BUF;
	c->in.cap = c->out.cap = CONN_FRAME_BUF;
}

void
conn_stdio(struct conn *c, int watch)
{
	init(c, CONN_STDIO, STDIN_FILENO, STDOUT_FILENO, "stdin/stdout");
	c->watch = watch;
}

void
conn_udp(struct conn *c, int rfd, int wfd, const struct net_addr *to,
    const char *name)
{
	init(c, CONN_UDP, rfd, wfd, name);
	c->to = to;
}

void
conn_set_tick(struct conn *c, uint32_t ms)
{
	c->tick_ms = (int)ms;
	if (c->kind != CONN_STDIO)
		net_set_read_tick(c->rfd, ms);
}

bool
conn_is_datagram(const struct conn *c)
{
	return c->kind == CONN_FRAMED || c->kind == CONN_UDP;
}

/* EINTR is somebody waking us: the same as a tick to the caller. */
static ssize_t
tick_on_eintr(ssize_t n)
{
	if (n == -1 && (errno == EINTR || errno == EWOULDBLOCK))
		errno = EAGAIN;
	return n;
}

ssize_t
conn_wrote(ssize_t n)
{
	return tick_on_eintr(n);
}

ssize_t
conn_got(struct conn *c, ssize_t n)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	/* In this order: once our own end is passed on, which is announced in
	 * `ended` before, a peer that is done is gone as well. */
	if (n == 0 &&
	    getpeername(c->rfd, (struct sockaddr *)&ss, &len) == -1 &&
	    !atomic_load(&c->ended)) {
		errno = ECONNRESET;
		return -1;
	}
	return tick_on_eintr(n);
}

static ssize_t
read_tcp(struct conn *c, void *buf, size_t cap)
{
	return conn_got(c, recv(c->rfd, buf, cap, 0));
}

static ssize_t
read_stdio(struct conn *c, void *buf, size_t cap)
{
	struct pollfd p[4] = {
		{ c->rfd, POLLIN, 0 },
		{ task_stop_fd(), POLLIN, 0 },
		{ atomic_load(&c->ended) ? -1 : c->wfd, 0, 0 },
		{ c->watch, 0, 0 }
	};

	switch (poll(p, 4, c->tick_ms)) {
	case -1:
		return tick_on_eintr(-1);
	case 0:
		errno = EAGAIN;
		return -1;
	default:
		break;
	}
	if (p[1].revents != 0)		/* a stop ends stdin */
		return 0;
	if ((p[3].revents & POLLERR) != 0)
		errno = EAGAIN;
	else if ((p[2].revents & POLLERR) != 0)
		errno = EPIPE;
	else if (p[0].revents != 0)
		return tick_on_eintr(read(c->rfd, buf, cap));
	else
		/* Not sooner: what stdin still holds may go out although
		 * nobody is there for stdout (one socket can be both). */
		errno = p[2].revents != 0 ? EPIPE : EAGAIN;
	return -1;
}

static ssize_t
read_framed(struct conn *c, void *buf, size_t cap, bool *empty)
{
	const uint8_t *p;
	size_t len;
	ssize_t n;

	for (;;) {
		switch (proto_datagram_get(&c->in, &p, &len)) {
		case PROTO_DONE:
			assert(len <= cap);
			memcpy(buf, p, len);
			*empty = len == 0;
			return (ssize_t)len;
		case PROTO_MORE:
			break;
		case PROTO_REFUSE:
		case PROTO_BAD:
			errno = EPROTO;
			return -1;
		}
		span_pack(&c->in);
		n = read_tcp(c, c->in.buf + c->in.end, span_room(&c->in));
		if (n == -1)
			return -1;
		if (n == 0 && span_used(&c->in) > 0) {
			errno = EPROTO;		/* it ended inside a frame */
			return -1;
		}
		if (n == 0)
			return 0;
		c->in.end += (size_t)n;
	}
}

static ssize_t
read_udp(struct conn *c, void *buf, size_t cap, bool *empty)
{
	ssize_t n = recv(c->rfd, buf, cap, 0);

	/* Nobody listens there, or it cannot be reached, says an echo of an
	 * earlier datagram (ICMP).  That may change, and is no news of this. */
	if (n == -1 && (errno == ECONNREFUSED || errno == EHOSTUNREACH ||
	    errno == ENETUNREACH || errno == ENETDOWN || errno == EMSGSIZE))
		errno = EAGAIN;
	/* Longer than the wire carries (IPv6 could): as if lost. */
	if (n > PROTO_DATAGRAM_MAX) {
		errno = EAGAIN;
		return -1;
	}
	*empty = n == 0;
	return tick_on_eintr(n);
}

ssize_t
conn_read(struct conn *c, void *buf, size_t cap, bool *empty)
{
	*empty = false;
	switch (c->kind) {
	case CONN_TCP:
		return read_tcp(c, buf, cap);
	case CONN_STDIO:
		return read_stdio(c, buf, cap);
	case CONN_FRAMED:
		return read_framed(c, buf, cap, empty);
	case CONN_UDP:
		break;
	}
	return read_udp(c, buf, cap, empty);
}

int
conn_flush(struct conn *c)
{
	ssize_t n;

	while (span_used(&c->out) > 0) {
		n = send(c->wfd, c->out.buf + c->out.off, span_used(&c->out),
		    MSG_NOSIGNAL);
		if (n == -1)
			return (int)tick_on_eintr(-1);
		c->out.off += (size_t)n;
	}
	c->out.off = c->out.end = 0;
	return 0;
}

static ssize_t
write_framed(struct conn *c, const void *buf, size_t n)
{
	if (conn_flush(c) == -1)
		return -1;
	if (proto_datagram_put(&c->out, buf, n) == -1) {
		errno = EMSGSIZE;
		return -1;
	}
	/* It is ours now: a rest that does not go out goes first next time. */
	if (conn_flush(c) == -1 && errno != EAGAIN)
		return -1;
	return (ssize_t)n;
}

/* Whatever keeps a datagram from leaving, it is lost like one in the net. */
static ssize_t
write_udp(struct conn *c, const void *buf, size_t n)
{
	const struct sockaddr *sa = NULL;
	socklen_t len = 0;
	int tries;

	if (c->to != NULL) {
		sa = (const struct sockaddr *)&c->to->ss;
		len = c->to->len;
	}
	/* The first attempt may only collect the error of an earlier one. */
	for (tries = 0; tries < 2; tries++) {
		if (sendto(c->wfd, buf, n, MSG_NOSIGNAL, sa, len) != -1 ||
		    errno == EAGAIN || errno == EWOULDBLOCK)
			break;
	}
	return (ssize_t)n;
}

/* stdout may have been made non-blocking by somebody else.  Then a full pipe
 * has to be waited for here. */
static ssize_t
write_stdio(struct conn *c, const void *buf, size_t n)
{
	struct pollfd p = { c->wfd, POLLOUT, 0 };
	ssize_t put = write(c->wfd, buf, n);

	if (put == -1 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		(void)poll(&p, 1, NET_WRITE_TICK_MS);
		errno = EAGAIN;
	}
	return tick_on_eintr(put);
}

ssize_t
conn_write(struct conn *c, const void *buf, size_t n)
{
	switch (c->kind) {
	case CONN_TCP:
		return tick_on_eintr(send(c->wfd, buf, n, MSG_NOSIGNAL));
	case CONN_STDIO:
		return write_stdio(c, buf, n);
	case CONN_FRAMED:
		return write_framed(c, buf, n);
	case CONN_UDP:
		break;
	}
	return write_udp(c, buf, n);
}

int
conn_end(struct conn *c)
{
	int null;

	if (c->kind == CONN_UDP)
		return 0;
	if (c->kind == CONN_FRAMED && conn_flush(c) == -1)
		return -1;
	/* Set first: from here on a peer that is gone is no sign of a reset
	 * (conn_got()). */
	atomic_store(&c->ended, true);
	if (c->kind != CONN_STDIO)
		return shutdown(c->wfd, SHUT_WR);
	/* Whoever reads our stdout must see it end now, not at exit.  The
	 * number stays taken, so that no socket can get it. */
	(void)shutdown(c->wfd, SHUT_WR);	/* if it is a socket */
	if ((null = open("/dev/null", O_WRONLY)) == -1)
		null = dup(STDERR_FILENO);
	if (null != -1) {
		(void)dup2(null, c->wfd);
		(void)close(null);
	}
	return 0;
}

int
conn_raw_in(const struct conn *c)
{
	return c->kind == CONN_TCP ? c->rfd : -1;
}

int
conn_raw_out(const struct conn *c)
{
	return c->kind == CONN_TCP ? c->wfd : -1;
}

bool
conn_gone(const struct conn *c)
{
	struct pollfd p = { c->rfd, 0, 0 };

	if (c->kind != CONN_TCP && c->kind != CONN_FRAMED)
		return false;
	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

void
conn_close(struct conn *c, bool clean)
{
	if (c->kind == CONN_STDIO)
		return;
	if (clean)
		net_close_clean(c->rfd);
	else
		(void)close(c->rfd);
}

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
#include "ctl.h"
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
conn_sealed(struct conn *c, int fd, const char *name, struct seal *s)
{
	init(c, CONN_SEALED, fd, fd, name);
	c->seal = s;
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
	return c->kind == CONN_FRAMED || c->kind == CONN_UDP ||
	    (c->kind == CONN_SEALED &&
	    c->seal->in.record.use == RECORD_FLOW);
}

bool
conn_is_pipe(const struct conn *c)
{
	return c->kind == CONN_SEALED &&
	    c->seal->in.record.use == RECORD_PIPE;
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
	if (p[1].revents != 0) {	/* a stop ends stdin */
		c->stopped = true;
		return 0;
	}
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

/* Wait for more of a sealed connection.  On a pipe a peer that lives is heard
 * every few seconds, while we wait; only time spent in here counts. */
static int
fill_sealed(struct conn *c)
{
	struct seal *s = c->seal;
	bool pipe = conn_is_pipe(c);
	int64_t began = pipe ? task_now() : 0;
	size_t room;
	uint8_t *p = seal_room(s, &room);
	ssize_t n = tick_on_eintr(recv(c->rfd, p, room, 0));

	if (n > 0) {
		seal_came(s, (size_t)n);
		return 0;
	}
	if (n == 0)
		errno = ECONNABORTED;
	else if (pipe && errno == EAGAIN) {
		if (seal_waited(s, task_now() - began) >= CONN_DEAD_MS)
			errno = ETIMEDOUT;
	}
	return -1;
}

/* A record that carries no data.  Returns 0, or -1 with errno. */
static int
take_control(struct conn *c, enum record_type type, const uint8_t *body,
    size_t n)
{
	struct ctl m;

	switch (type) {
	case RECORD_END:
	case RECORD_DONE:		/* record.c remembers it ... */
		/* ... and a DONE for what has not ended is none. */
		if (type == RECORD_END || atomic_load(&c->ended))
			return 0;
		break;
	case RECORD_KEEPALIVE:
		seal_take_keepalive(c->seal, body, task_now());
		return 0;
	case RECORD_CONTROL:
		if (!ctl_get(&m, body, n) || m.kind != CTL_BYE)
			break;
		if (m.reason == CTL_STOPPING && !c->seal->in.record.ended) {
			c->seal->stopped = true;
			return 0;
		}
		/* It gives up, as when its service cannot be reached. */
		errno = ECONNREFUSED;
		return -1;
	case RECORD_DATA:
	case RECORD_DATAGRAM:
	case RECORD_ACK:
	case RECORD_OPEN:
	case RECORD_OPENED:
	case RECORD_REFUSED:
		break;
	}
	errno = EPROTO;
	return -1;
}

/* Take what is left of a DATA record; returns how much that is. */
static size_t
take_data(struct seal *s, uint8_t *buf, size_t cap)
{
	size_t n = s->ndata < cap ? s->ndata : cap;

	if (n > 0)
		memcpy(buf, s->data, n);
	s->data += n;
	s->ndata -= n;
	return n;
}

static ssize_t
read_sealed(struct conn *c, uint8_t *buf, size_t cap, bool *empty)
{
	struct seal *s = c->seal;
	enum record_type type;
	uint8_t *body;
	size_t n, got = 0;

	for (;;) {
		if (s->ndata > 0)
			got += take_data(s, buf + got, cap - got);
		if (got == cap || (got > 0 && s->in.record.ended))
			return (ssize_t)got;
		if (s->in.record.ended)
			return 0;
		switch (seal_get(s, &type, &body, &n)) {
		case CRYPT_RECORD:
			break;
		case CRYPT_MORE:
			if (got > 0)
				return (ssize_t)got;
			if (fill_sealed(c) == -1)
				return -1;
			continue;
		case CRYPT_BAD:
			if (got > 0)	/* it stays bad */
				return (ssize_t)got;
			errno = EPROTO;
			return -1;
		}
		if (type == RECORD_DATA) {
			s->data = body;
			s->ndata = n;
		} else if (type == RECORD_DATAGRAM) {
			assert(n <= cap);
			memcpy(buf, body, n);
			*empty = n == 0;
			return (ssize_t)n;
		} else if (take_control(c, type, body, n) == -1) {
			s->bad = true;
			return -1;
		} else if (got == 0 && type != RECORD_END) {
			/* A tick: whoever sends many of these must not keep
			 * us from looking around. */
			errno = EAGAIN;
			return -1;
		}
	}
}

int
conn_await_done(struct conn *c)
{
	struct seal *s = c->seal;
	enum record_type type;
	uint8_t *body;
	size_t n;

	while (!s->in.record.done) {
		switch (seal_get(s, &type, &body, &n)) {
		case CRYPT_RECORD:
			if (take_control(c, type, body, n) == -1)
				return -1;
			if (type != RECORD_DONE) {
				errno = EAGAIN;
				return -1;
			}
			break;
		case CRYPT_MORE:
			if (fill_sealed(c) == -1)
				return -1;
			break;
		case CRYPT_BAD:
			errno = EPROTO;
			return -1;
		}
	}
	return 0;
}

ssize_t
conn_read(struct conn *c, void *buf, size_t cap, bool *empty)
{
	*empty = false;
	switch (c->kind) {
	case CONN_SEALED:
		return read_sealed(c, buf, cap, empty);
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

static int
flush_sealed(struct conn *c)
{
	const uint8_t *p;
	size_t left;
	ssize_t n;

	while (p = seal_pending(c->seal, &left), left > 0) {
		n = send(c->wfd, p, left, MSG_NOSIGNAL);
		if (n == -1)
			return (int)tick_on_eintr(-1);
		seal_sent(c->seal, (size_t)n,
		    conn_is_pipe(c) ? task_now() : 0);
	}
	return 0;
}

int
conn_flush(struct conn *c)
{
	ssize_t n;

	if (c->kind == CONN_SEALED)
		return flush_sealed(c);

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

/* As many records as fit, sent at once. */
static ssize_t
write_sealed(struct conn *c, const uint8_t *buf, size_t n)
{
	struct seal *s = c->seal;
	size_t took = 0, part;

	if (flush_sealed(c) == -1)
		return -1;
	if (s->out.record.use == RECORD_FLOW) {
		if (n > CRYPT_BODY_MAX) {
			errno = EMSGSIZE;
			return -1;
		}
		(void)seal_put(s, RECORD_DATAGRAM, buf, n);
		took = n;
	}
	while (took < n) {
		part = n - took < RECORD_DATA_MAX ? n - took : RECORD_DATA_MAX;
		if (seal_put(s, RECORD_DATA, buf + took, part) == -1)
			break;
		took += part;
	}
	/* It is ours now: a rest that does not go out goes first next time. */
	if (flush_sealed(c) == -1 && errno != EAGAIN)
		return -1;
	return (ssize_t)took;
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
	case CONN_SEALED:
		return write_sealed(c, buf, n);
	case CONN_UDP:
		break;
	}
	return write_udp(c, buf, n);
}

int
conn_done(struct conn *c)
{
	if (!c->seal->out.record.done) {
		if (flush_sealed(c) == -1)
			return -1;
		(void)seal_put(c->seal, RECORD_DONE, NULL, 0);
	}
	return flush_sealed(c);
}

void
conn_keep_alive(struct conn *c)
{
	int64_t now = task_now();

	if (conn_is_pipe(c) && flush_sealed(c) == 0 &&
	    seal_keepalive_due(c->seal, now)) {
		(void)seal_put_keepalive(c->seal, now);
		(void)flush_sealed(c);
	}
}

bool
conn_say_stopped(struct conn *c)
{
	c->say_stopped = true;
	return c->kind != CONN_SEALED || conn_is_pipe(c);
}

bool
conn_was_stopped(const struct conn *c)
{
	return c->kind == CONN_SEALED && c->seal->stopped;
}

void
conn_rest_in(struct conn *c)
{
	if (c->kind == CONN_SEALED && c->seal->ndata == 0)
		seal_shrink(&c->seal->in);
}

void
conn_rest_out(struct conn *c)
{
	if (c->kind == CONN_SEALED)
		seal_shrink(&c->seal->out);
}

/* END takes the place of FIN, which comes when both directions are through:
 * the socket itself stays open for the other one. */
static int
end_sealed(struct conn *c)
{
	static const struct ctl bye = {
		.kind = CTL_BYE, .reason = CTL_STOPPING
	};
	uint8_t body[RECORD_CONTROL_MAX];

	if (!atomic_load(&c->ended)) {
		if (flush_sealed(c) == -1)
			return -1;
		if (c->say_stopped)
			(void)seal_put(c->seal, RECORD_CONTROL, body,
			    ctl_put(&bye, body));
		atomic_store(&c->ended, true);
		(void)seal_put(c->seal, RECORD_END, NULL, 0);
	}
	return flush_sealed(c);
}

int
conn_end(struct conn *c)
{
	int null;

	if (c->kind == CONN_UDP)
		return 0;
	if (c->kind == CONN_SEALED)
		return end_sealed(c);
	if (c->kind == CONN_FRAMED && conn_flush(c) == -1)
		return -1;
	/* Set first: from here on a peer that is gone is no sign of a reset
	 * (conn_got()). */
	atomic_store(&c->ended, true);
	if (c->kind != CONN_STDIO) {
		if (shutdown(c->wfd, SHUT_WR) == 0)
			return 0;
		if (errno == ENOTCONN)		/* it was reset just now */
			errno = ECONNRESET;
		return -1;
	}
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

	if (c->kind == CONN_STDIO || c->kind == CONN_UDP)
		return false;
	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

void
conn_close(struct conn *c, bool clean)
{
	if (c->kind == CONN_STDIO)
		return;
	seal_free(c->seal);
	c->seal = NULL;
	if (clean)
		net_close_clean(c->rfd);
	else
		(void)close(c->rfd);
}

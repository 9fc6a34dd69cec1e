/* SPDX-License-Identifier: MIT */
/* net.c - sockets: dial, listen, accept, and waits that always end.
 *
 * Every TCP socket is born with SO_LINGER {1, 0}: whatever ends the process
 * (exit, a crash, kill -9) or closes the descriptor without more ado sends a
 * reset.  Only whoever knows that both directions ended asks for a clean
 * close.  So an abort is the default and never looks like an end. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "net.h"
#include "task.h"

enum {
	KEEPALIVE_IDLE_S = 30, KEEPALIVE_EVERY_S = 10, KEEPALIVE_TRIES = 3,
	UDP_BUFFER_BYTES = 1024 * 1024	/* wanted; the system may cap it */
};

void
net_name(const struct net_addr *a, char name[NET_NAME_MAX])
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&a->ss;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a->ss;
	char host[INET6_ADDRSTRLEN], zone[16] = "";
	const uint8_t *mapped = six->sin6_addr.s6_addr + 12;

	/* Not getnameinfo(): in a static binary it is 10 KB, and all that it
	 * would do for numbers is this. */
	if (a->ss.ss_family == AF_INET) {
		(void)inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
		(void)snprintf(name, NET_NAME_MAX, "%s:%u", host,
		    (unsigned)ntohs(four->sin_port));
	} else if (a->ss.ss_family != AF_INET6) {
		(void)snprintf(name, NET_NAME_MAX, "unknown");
	} else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		/* A dual-stack listener sees IPv4 peers as ::ffff:192.0.2.1
		 * (RFC 4291 2.5.5.2); people know them by the last part. */
		(void)inet_ntop(AF_INET, mapped, host, sizeof(host));
		(void)snprintf(name, NET_NAME_MAX, "%s:%u", host,
		    (unsigned)ntohs(six->sin6_port));
	} else {
		if (six->sin6_scope_id != 0)
			(void)snprintf(zone, sizeof(zone), "%%%lu",
			    (unsigned long)six->sin6_scope_id);
		(void)inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
		(void)snprintf(name, NET_NAME_MAX, "[%s%s]:%u", host, zone,
		    (unsigned)ntohs(six->sin6_port));
	}
}

size_t
net_id(const struct net_addr *a, uint8_t id[NET_ID_MAX])
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&a->ss;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a->ss;

	if (a->ss.ss_family == AF_INET) {
		memcpy(id, &four->sin_port, 2);
		memcpy(id + 2, &four->sin_addr, 4);
		return 6;
	}
	memcpy(id, &six->sin6_port, 2);
	memcpy(id + 2, &six->sin6_addr, 16);
	memcpy(id + 18, &six->sin6_scope_id, 4);
	return NET_ID_MAX;
}

bool
net_same(const struct net_addr *a, const struct net_addr *b)
{
	uint8_t x[NET_ID_MAX], y[NET_ID_MAX];
	size_t n = net_id(a, x);

	return net_id(b, y) == n && memcmp(x, y, n) == 0;
}

void
net_source(const struct net_addr *a, uint8_t source[NET_SOURCE])
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&a->ss;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a->ss;

	memset(source, 0, NET_SOURCE);
	if (a->ss.ss_family == AF_INET) {
		source[10] = source[11] = 0xff;
		memcpy(source + 12, &four->sin_addr, 4);
	} else if (a->ss.ss_family == AF_INET6)
		memcpy(source, &six->sin6_addr,
		    IN6_IS_ADDR_V4MAPPED(&six->sin6_addr) ? 16 : 8);
}

void
net_pack(const struct net_addr *a, uint8_t out[NET_PACKED])
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&a->ss;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a->ss;

	memset(out, 0, NET_PACKED);
	if (a->ss.ss_family == AF_INET) {
		out[10] = out[11] = 0xff;
		memcpy(out + 12, &four->sin_addr, 4);
		memcpy(out + 16, &four->sin_port, 2);
	} else if (a->ss.ss_family == AF_INET6) {
		memcpy(out, &six->sin6_addr, 16);
		memcpy(out + 16, &six->sin6_port, 2);
	}
}

void
net_unpack(const uint8_t in[NET_PACKED], struct net_addr *a)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct sockaddr_in *four = (struct sockaddr_in *)&a->ss;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a->ss;

	memset(a, 0, sizeof(*a));
	if (memcmp(in, mapped, sizeof(mapped)) == 0) {
		four->sin_family = AF_INET;
		memcpy(&four->sin_addr, in + 12, 4);
		memcpy(&four->sin_port, in + 16, 2);
		a->len = sizeof(*four);
	} else {
		six->sin6_family = AF_INET6;
		memcpy(&six->sin6_addr, in, 16);
		memcpy(&six->sin6_port, in + 16, 2);
		a->len = sizeof(*six);
	}
}

uint16_t
net_port(const struct net_addr *a)
{
	return ntohs(a->ss.ss_family == AF_INET6 ?
	    ((const struct sockaddr_in6 *)&a->ss)->sin6_port :
	    ((const struct sockaddr_in *)&a->ss)->sin_port);
}

static void
set_timeout(int fd, int name, uint32_t ms)
{
	struct timeval tv;

	tv.tv_sec = (time_t)(ms / 1000);
	tv.tv_usec = (suseconds_t)(ms % 1000 * 1000);
	(void)setsockopt(fd, SOL_SOCKET, name, &tv, sizeof(tv));
}

void
net_set_read_tick(int fd, uint32_t ms)
{
	set_timeout(fd, SO_RCVTIMEO, ms);
}

static void
set_int(int fd, int level, int name, int v)
{
	(void)setsockopt(fd, level, name, &v, sizeof(v));
}

static void
set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	(void)fcntl(fd, F_SETFL,
	    on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* What every socket of ours gets at birth.  Failures are left alone: none of
 * these can fail on a fresh socket but for an option the system lacks. */
static void
tune(int fd, int type)
{
	struct linger lg = { 1, 0 };

	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	set_timeout(fd, SO_RCVTIMEO, NET_READ_TICK_MS);
	set_timeout(fd, SO_SNDTIMEO, NET_WRITE_TICK_MS);
	if (type != SOCK_STREAM) {
		set_int(fd, SOL_SOCKET, SO_RCVBUF, UDP_BUFFER_BYTES);
		set_int(fd, SOL_SOCKET, SO_SNDBUF, UDP_BUFFER_BYTES);
		return;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#ifdef TCP_KEEPIDLE
	set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
	set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S);
	set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_TRIES);
#endif
}

/* The one wait.  fd may be -1: then only time and the others end it. */
static int
await(int fd, short events, const struct net_wait *w)
{
	struct pollfd p[3];
	int64_t left;
	int n;

	for (;;) {
		left = w->until - task_now();
		if (left < 0)
			left = 0;
		p[0].fd = fd;
		p[0].events = events;
		p[1].fd = task_stop_fd();
		p[1].events = POLLIN;
		p[2].fd = w->watch;
		p[2].events = 0;
		n = poll(p, 3, left < 60000 ? (int)left : 60000);
		if (n == -1 && errno != EINTR)
			return -1;
		if (n == -1)
			continue;
		if (p[1].revents != 0) {
			errno = ECANCELED;
			return -1;
		}
		if (p[0].revents != 0)
			return 0;
		if (p[2].revents != 0) {	/* error, or both ways ended */
			errno = ECONNABORTED;
			return -1;
		}
		if (left == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
}

int
net_await(int fd, const struct net_wait *w)
{
	return await(fd, POLLIN, w);
}

bool
net_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

int
net_await_any(const int *fds, int n, int64_t until)
{
	struct pollfd p[NET_ANY_MAX + 1];
	int64_t left = until - task_now();
	int i;

	for (i = 0; i < n; i++) {
		p[i].fd = fds[i];
		p[i].events = POLLIN;
	}
	p[n].fd = task_stop_fd();
	p[n].events = POLLIN;
	left = left < 0 ? 0 : left > 60000 ? 60000 : left;
	if (poll(p, (nfds_t)n + 1, (int)left) == -1) {
		if (errno == EINTR)
			errno = ETIMEDOUT;
		return -1;
	}
	if (p[n].revents != 0) {
		errno = ECANCELED;
		return -1;
	}
	for (i = 0; i < n; i++) {
		if (p[i].revents != 0)
			return i;
	}
	errno = ETIMEDOUT;
	return -1;
}

void
net_await_late(const int *fds, bool *ready, int n, int64_t ms)
{
	struct pollfd p[NET_ANY_MAX];
	int i, rc;

	for (i = 0; i < n; i++) {
		p[i].fd = fds[i];
		p[i].events = POLLIN;
		p[i].revents = 0;
	}
	rc = poll(p, (nfds_t)n, (int)ms);
	for (i = 0; i < n; i++)
		ready[i] = rc > 0 && p[i].revents != 0;
}

int
net_pause(const struct net_wait *w)
{
	return await(-1, 0, w);
}

ssize_t
net_read_some(int fd, void *buf, size_t n, const struct net_wait *w)
{
	ssize_t got;

	for (;;) {
		if (await(fd, POLLIN, w) == -1)
			return -1;
		got = recv(fd, buf, n, MSG_DONTWAIT);
		if (got != -1 || (errno != EINTR && errno != EAGAIN &&
		    errno != EWOULDBLOCK))
			return got;
	}
}

ssize_t
net_read_now(int fd, void *buf, size_t n)
{
	ssize_t got = recv(fd, buf, n, MSG_DONTWAIT);

	if (got == -1 && (errno == EINTR || errno == EWOULDBLOCK))
		errno = EAGAIN;
	return got;
}

void
net_discard(int fd, const struct net_wait *w)
{
	uint8_t waste[512];

	/* The clock, too: a peer that never stops talking is cut off. */
	while (task_now() < w->until &&
	    net_read_some(fd, waste, sizeof(waste), w) > 0)
		continue;
}

int
net_write(int fd, const void *buf, size_t n, const struct net_wait *w)
{
	const uint8_t *p = buf;
	ssize_t put;

	while (n > 0) {
		if (await(fd, POLLOUT, w) == -1)
			return -1;
		put = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put > 0) {
			p += put;
			n -= (size_t)put;
		} else if (errno != EINTR && errno != EAGAIN &&
		    errno != EWOULDBLOCK)
			return -1;
	}
	return 0;
}

ssize_t
net_write_now(int fd, const void *buf, size_t n)
{
	ssize_t put = send(fd, buf, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	return put == -1 && (errno == EINTR || errno == EAGAIN ||
	    errno == EWOULDBLOCK) ? 0 : put;
}

void
net_end_writing(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

void
net_end_reading(int fd)
{
	(void)shutdown(fd, SHUT_RD);
}

int
net_own(int fd, struct net_addr *own)
{
	own->len = sizeof(own->ss);
	return getsockname(fd, (struct sockaddr *)&own->ss, &own->len);
}

/* A connection to a free local port can meet itself (RFC 9293 3.5, the
 * simultaneous open): nobody is there. */
static bool
met_itself(int fd, const struct net_addr *peer)
{
	struct net_addr own;

	return net_own(fd, &own) == 0 && net_same(&own, peer);
}

/* Close what did not work out; errno says why and keeps saying it. */
static int
close_failed(int fd)
{
	int err = errno;

	(void)close(fd);
	errno = err;
	return -1;
}

static int
connect_within(const struct net_addr *from, const struct net_addr *to,
    int type, int watch, int64_t ms)
{
	struct net_wait w = { task_now() + ms, watch };
	socklen_t len = sizeof(int);
	int fd, rc, err = 0;

	if ((fd = socket(to->ss.ss_family, type, 0)) == -1)
		return -1;
	tune(fd, type);
	if (from != NULL && bind(fd, (const struct sockaddr *)&from->ss,
	    from->len) == -1)
		return close_failed(fd);
	set_nonblock(fd, true);
	rc = connect(fd, (const struct sockaddr *)&to->ss, to->len);
	if (rc == -1 && errno != EINPROGRESS && errno != EINTR)
		return close_failed(fd);
	if (rc == -1) {
		if (await(fd, POLLOUT, &w) == -1)
			return close_failed(fd);
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
			return close_failed(fd);
		if (err != 0) {
			errno = err;
			return close_failed(fd);
		}
	}
	if (type == SOCK_STREAM && met_itself(fd, to)) {
		errno = ECONNREFUSED;
		return close_failed(fd);
	}
	set_nonblock(fd, false);
	return fd;
}

int
net_connect(const struct net_addr *to, int type, int watch)
{
	return connect_within(NULL, to, type, watch, NET_CONNECT_MS);
}

int
net_connect_from(const struct net_addr *from, const struct net_addr *to,
    int type, int watch)
{
	return connect_within(from, to, type, watch, NET_CONNECT_MS);
}

int
net_connect_within(const struct net_addr *to, int type, int watch, int64_t ms)
{
	return connect_within(NULL, to, type, watch, ms);
}

int
net_listen(const struct net_addr *at, int type, struct net_addr *bound)
{
	int fd;

	if ((fd = socket(at->ss.ss_family, type, 0)) == -1)
		return -1;
	tune(fd, type);
	/* A restarted server must not wait for its predecessor's TIME_WAIT.
	 * For UDP the option would let two programs share the port. */
	if (type == SOCK_STREAM)
		set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (at->ss.ss_family == AF_INET6)
		set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (bind(fd, (const struct sockaddr *)&at->ss, at->len) == -1)
		return close_failed(fd);
	if (type == SOCK_STREAM && listen(fd, SOMAXCONN) == -1)
		return close_failed(fd);
	if (type == SOCK_STREAM)
		set_nonblock(fd, true);
	if (net_own(fd, bound) == -1)
		return close_failed(fd);
	return fd;
}

int
net_accept_now(int lfd, struct net_addr *peer)
{
	int fd;

	peer->len = sizeof(peer->ss);
	fd = accept(lfd, (struct sockaddr *)&peer->ss, &peer->len);
	if (fd == -1) {
		switch (errno) {
		case EMFILE: case ENFILE: case ENOBUFS: case ENOMEM:
		case EBADF: case EINVAL: case ENOTSOCK: case EFAULT:
			break;
		default:
			/* The visitor's trouble (accept(2) passes network
			 * errors on), or gone again. */
			errno = ETIMEDOUT;
			break;
		}
		return -1;
	}
	/* Some systems hand the listener's flags on, some do not. */
	set_nonblock(fd, false);
	tune(fd, SOCK_STREAM);
	return fd;
}

int
net_accept(int lfd, struct net_addr *peer)
{
	struct net_wait w = { task_now() + NET_ACCEPT_MS, -1 };

	return await(lfd, POLLIN, &w) == 0 ? net_accept_now(lfd, peer) : -1;
}

unsigned
net_open_fds(unsigned max)
{
	enum { AT_ONCE = 256 };
	struct pollfd p[AT_ONCE];
	unsigned from, i, n, open_fds = 0;

	/* poll() knows which are none: no directory of them is needed, which
	 * not every system has and which would have to be read into the heap,
	 * and a million take some milliseconds. */
	for (from = 0; from < max; from += n) {
		n = max - from < AT_ONCE ? max - from : AT_ONCE;
		for (i = 0; i < n; i++) {
			p[i].fd = (int)(from + i);
			p[i].events = p[i].revents = 0;
		}
		if (poll(p, n, 0) == -1)
			return open_fds;
		for (i = 0; i < n; i++)
			open_fds += (p[i].revents & POLLNVAL) == 0;
	}
	return open_fds;
}

void
net_close_clean(int fd)
{
	struct linger lg = { 0, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	(void)close(fd);
}

void
net_last_words(int fd)
{
	struct net_wait w = { task_now() + NET_REFUSE_MS, -1 };

	net_end_writing(fd);
	net_discard(fd, &w);
}

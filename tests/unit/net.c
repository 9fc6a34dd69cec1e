/* SPDX-License-Identifier: MIT */
/* net.c - real sockets on loopback. */

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include "net.h"
#include "task.h"
#include "unit.h"

static const struct net_wait forever = { INT64_MAX, -1 };

static struct net_wait
in_ms(int ms)
{
	struct net_wait w = { task_now() + ms, -1 };

	return w;
}

static struct net_addr
address(int family, const char *s, unsigned port, uint32_t scope)
{
	struct net_addr a;
	struct sockaddr_in *four = (struct sockaddr_in *)&a.ss;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a.ss;

	memset(&a, 0, sizeof(a));
	if (family == AF_INET) {
		four->sin_family = AF_INET;
		four->sin_port = htons((uint16_t)port);
		REQUIRE(inet_pton(family, s, &four->sin_addr) == 1);
		a.len = sizeof(*four);
	} else {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons((uint16_t)port);
		six->sin6_scope_id = scope;
		REQUIRE(inet_pton(family, s, &six->sin6_addr) == 1);
		a.len = sizeof(*six);
	}
	return a;
}

static void
names(void)
{
	static const struct {
		int family;
		const char *s;
		unsigned port;
		uint32_t scope;
		const char *name;
	} rows[] = {
		{ AF_INET, "192.0.2.1", 80, 0, "192.0.2.1:80" },
		{ AF_INET, "255.255.255.255", 65535, 0,
		    "255.255.255.255:65535" },
		{ AF_INET6, "::1", 1, 0, "[::1]:1" },
		{ AF_INET6, "::", 0, 0, "[::]:0" },
		{ AF_INET6, "::ffff:192.0.2.1", 80, 0, "192.0.2.1:80" },
		{ AF_INET6, "fe80::1", 80, 4, "[fe80::1%4]:80" },
		{ AF_INET6, "2001:db8:1111:2222:3333:4444:5555:6666", 65535,
		    UINT32_MAX, "[2001:db8:1111:2222:3333:4444:5555:6666"
		    "%4294967295]:65535" }
	};
	char name[NET_NAME_MAX];
	struct net_addr a;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		a = address(rows[i].family, rows[i].s, rows[i].port,
		    rows[i].scope);
		net_name(&a, name);
		CHECK_STR(name, rows[i].name);
	}
	a.ss.ss_family = AF_UNIX;
	net_name(&a, name);
	CHECK_STR(name, "unknown");
}

/* An address as it stands on the wire, by hand; and back. */
static void
packs(void)
{
	static const struct {
		int family;
		const char *s;
		unsigned port;
		uint32_t scope;
		uint8_t wire[NET_PACKED];
		const char *back;	/* what comes out again */
	} rows[] = {
		{ AF_INET, "192.0.2.1", 80, 0, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		    0xff, 0xff, 192, 0, 2, 1, 0, 80 }, "192.0.2.1:80" },
		{ AF_INET, "0.0.0.0", 0, 0, { [10] = 0xff, 0xff },
		    "0.0.0.0:0" },
		{ AF_INET, "255.255.255.255", 65534, 0, { [10] = 0xff, 0xff,
		    0xff, 0xff, 0xff, 0xff, 0xff, 0xfe },
		    "255.255.255.255:65534" },
		{ AF_INET6, "::ffff:192.0.2.1", 0x1234, 0, { [10] = 0xff, 0xff,
		    192, 0, 2, 1, 0x12, 0x34 }, "192.0.2.1:4660" },
		{ AF_INET6, "2001:db8::1", 443, 0, { 0x20, 1, 0x0d, 0xb8,
		    [15] = 1, 1, 0xbb }, "[2001:db8::1]:443" },
		{ AF_INET6, "::", 1, 0, { [17] = 1 }, "[::]:1" },
		{ AF_INET6, "::1", 0, 0, { [15] = 1 }, "[::1]:0" },
		/* As good as mapped, but not. */
		{ AF_INET6, "::fffe:192.0.2.1", 1, 0, { [10] = 0xff, 0xfe, 192,
		    0, 2, 1, 0, 1 }, "[::fffe:c000:201]:1" },
		{ AF_INET6, "::1:ffff:192.0.2.1", 1, 0, { [9] = 1, 0xff, 0xff,
		    192, 0, 2, 1, 0, 1 }, "[::1:ffff:c000:201]:1" },
		/* A zone stays behind. */
		{ AF_INET6, "fe80::1", 7, 4, { 0xfe, 0x80, [15] = 1, 0, 7 },
		    "[fe80::1]:7" }
	};
	uint8_t wire[NET_PACKED + 1], again[NET_PACKED];
	char name[NET_NAME_MAX];
	struct net_addr a, b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].back);
		a = address(rows[i].family, rows[i].s, rows[i].port,
		    rows[i].scope);
		memset(wire, 0xa5, sizeof(wire));
		net_pack(&a, wire);
		CHECK_BYTES(wire, rows[i].wire, NET_PACKED);
		CHECK_EQ(wire[NET_PACKED], 0xa5);
		memset(&b, 0xa5, sizeof(b));
		net_unpack(unit_guard(wire, NET_PACKED), &b);
		net_name(&b, name);
		CHECK_STR(name, rows[i].back);
		CHECK_EQ(b.len, b.ss.ss_family == AF_INET ?
		    sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		CHECK_EQ(net_same(&a, &b), rows[i].scope == 0 &&
		    a.ss.ss_family == b.ss.ss_family);
		net_pack(&b, again);
		CHECK_BYTES(again, wire, NET_PACKED);
	}
	unit_row("no address");
	memset(&a, 0, sizeof(a));
	a.ss.ss_family = AF_UNIX;
	net_pack(&a, wire);
	for (i = 0; i < NET_PACKED; i++)
		CHECK_EQ(wire[i], 0);
}

/* A listener on a free port of 127.0.0.1 or ::1. */
static int
listener(int family, int type, struct net_addr *bound)
{
	struct net_addr at = address(family,
	    family == AF_INET ? "127.0.0.1" : "::1", 0, 0);
	int fd = net_listen(&at, type, bound);

	REQUIRE(fd != -1);
	return fd;
}

/* What every socket of ours must be. */
static void
check_tuned(int fd)
{
	struct linger lg = { 0, 9 };
	struct timeval tv = { 0, 0 };
	socklen_t len = sizeof(lg);
	int v = 0;

	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, &len), 0);
	CHECK(lg.l_onoff != 0 && lg.l_linger == 0);
	len = sizeof(tv);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len), 0);
	CHECK_EQ(tv.tv_sec * 1000 + tv.tv_usec / 1000, NET_READ_TICK_MS);
	len = sizeof(tv);
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len), 0);
	CHECK_EQ(tv.tv_sec * 1000 + tv.tv_usec / 1000, NET_WRITE_TICK_MS);
	len = sizeof(v);
	CHECK_EQ(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &v, &len), 0);
	CHECK(v != 0);
	v = 0;
	CHECK_EQ(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &v, &len), 0);
	CHECK(v != 0);
	CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
	CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
}

static void
connects(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct net_addr bound, peer;
	int lfd, fd, served, i;
	uint8_t byte = 0;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 2; i++) {
		unit_row("family %d", families[i]);
		lfd = listener(families[i], SOCK_STREAM, &bound);
		CHECK((fcntl(lfd, F_GETFL) & O_NONBLOCK) != 0);
		REQUIRE((fd = net_connect(&bound, SOCK_STREAM, -1)) != -1);
		REQUIRE((served = net_accept(lfd, &peer)) != -1);
		check_tuned(fd);
		check_tuned(served);
		CHECK_EQ(peer.ss.ss_family, families[i]);
		CHECK_EQ(net_write(fd, "x", 1, &forever), 0);
		CHECK_EQ(net_read_some(served, &byte, 1, &forever), 1);
		CHECK_EQ(byte, 'x');
		(void)close(lfd);
		/* Nobody listens any more. */
		CHECK_EQ(net_connect(&bound, SOCK_STREAM, -1), -1);
		CHECK_EQ(errno, ECONNREFUSED);
		(void)close(fd);
		(void)close(served);
	}
	lfd = listener(AF_INET, SOCK_DGRAM, &bound);
	REQUIRE((fd = net_connect(&bound, SOCK_DGRAM, -1)) != -1);
	CHECK_EQ(send(fd, "dg", 2, 0), 2);
	CHECK_EQ(net_await(lfd, &forever), 0);
	CHECK_EQ(recv(lfd, &byte, 1, 0), 1);
	CHECK_EQ(byte, 'd');
}

/* From a given address, which has to be one of ours. */
static void
connects_from(void)
{
	static const char *const sources[] = {
		"127.0.0.1", "127.1.0.1", "127.9.8.7", "127.255.255.254"
	};
	struct net_addr bound, peer, from, own;
	char name[NET_NAME_MAX], end[NET_NAME_MAX];
	int lfd, fd, served;
	size_t i;

	REQUIRE(task_init() == 0);
	lfd = listener(AF_INET, SOCK_STREAM, &bound);
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		unit_row("%s", sources[i]);
		from = address(AF_INET, sources[i], 0, 0);
		fd = net_connect_from(&from, &bound, SOCK_STREAM, -1);
		REQUIRE(fd != -1);
		check_tuned(fd);
		REQUIRE((served = net_accept(lfd, &peer)) != -1);
		CHECK_EQ(net_own(fd, &own), 0);
		CHECK(net_same(&own, &peer));
		net_name(&peer, name);
		(void)snprintf(end, sizeof(end), "%s:%u", sources[i],
		    ntohs(((struct sockaddr_in *)&peer.ss)->sin_port));
		CHECK_STR(name, end);
		CHECK_EQ(net_own(served, &own), 0);
		CHECK(net_same(&own, &bound));
		(void)close(fd);
		(void)close(served);
	}
	from = address(AF_INET, "192.0.2.1", 0, 0);	/* TEST-NET-1 */
	CHECK_EQ(net_connect_from(&from, &bound, SOCK_STREAM, -1), -1);
	CHECK_EQ(errno, EADDRNOTAVAIL);
	CHECK_EQ(net_own(-1, &own), -1);
	CHECK_EQ(errno, EBADF);
}

/* Close without more ado is a reset, a clean close is an end. */
static void
closes(void)
{
	struct net_addr bound, peer;
	int lfd, fd, served, clean;
	uint8_t byte;

	REQUIRE(task_init() == 0);
	lfd = listener(AF_INET, SOCK_STREAM, &bound);
	for (clean = 0; clean < 2; clean++) {
		unit_row("clean %d", clean);
		REQUIRE((fd = net_connect(&bound, SOCK_STREAM, -1)) != -1);
		REQUIRE((served = net_accept(lfd, &peer)) != -1);
		CHECK_EQ(net_write(fd, "x", 1, &forever), 0);
		CHECK_EQ(net_read_some(served, &byte, 1, &forever), 1);
		if (clean)
			net_close_clean(fd);
		else
			(void)close(fd);
		errno = 0;
		CHECK_EQ(net_read_some(served, &byte, 1, &forever),
		    clean ? 0 : -1);
		CHECK_EQ(errno, clean ? 0 : ECONNRESET);
		(void)close(served);
	}
}

static void
listens(void)
{
	struct net_addr bound, again, other;
	int fd, type, twice;

	for (type = 0; type < 2; type++) {
		unit_row("type %d", type);
		fd = listener(AF_INET, type ? SOCK_DGRAM : SOCK_STREAM, &bound);
		twice = net_listen(&bound, type ? SOCK_DGRAM : SOCK_STREAM,
		    &again);
		CHECK_EQ(twice, -1);
		CHECK_EQ(errno, EADDRINUSE);
		(void)close(fd);
	}
	other = address(AF_INET, "192.0.2.1", 0, 0);	/* TEST-NET-1 */
	CHECK_EQ(net_listen(&other, SOCK_STREAM, &again), -1);
	CHECK_EQ(errno, EADDRNOTAVAIL);
}

/* The port is free at once although connections are in TIME_WAIT. */
static void
listens_again(void)
{
	struct net_addr bound, peer, again;
	int lfd, fd, served;
	uint8_t byte;

	REQUIRE(task_init() == 0);
	lfd = listener(AF_INET, SOCK_STREAM, &bound);
	REQUIRE((fd = net_connect(&bound, SOCK_STREAM, -1)) != -1);
	REQUIRE((served = net_accept(lfd, &peer)) != -1);
	net_close_clean(served);
	CHECK_EQ(net_read_some(fd, &byte, 1, &forever), 0);
	net_close_clean(fd);
	(void)close(lfd);
	REQUIRE((lfd = net_listen(&bound, SOCK_STREAM, &again)) != -1);
	CHECK_BYTES(&bound.ss, &again.ss, sizeof(struct sockaddr_in));
}

static void
waits(void)
{
	struct net_wait w;
	int64_t begin;
	int fd[2];
	char byte;

	REQUIRE(task_init() == 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	begin = task_now();
	w = in_ms(50);
	CHECK_EQ(net_await(fd[0], &w), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	w = in_ms(50);
	CHECK_EQ(net_pause(&w), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	w = in_ms(50);
	CHECK_EQ(net_read_some(fd[0], &byte, 1, &w), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK(task_now() - begin >= 150);
	CHECK(unit_within(task_now() - begin, 1000));
	/* A deadline that has passed still sees what is there. */
	w = in_ms(-1000);
	CHECK_EQ(net_await(fd[0], &w), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(net_await(fd[0], &w), 0);
	CHECK_EQ(net_read_some(fd[0], &byte, 1, &w), 1);
}

/* n bytes, in portions with pauses, from a thread of its own. */
struct dribble {
	int fd;
	const uint8_t *p;
	size_t n, step;
	int pause_ms;
};

static void *
dribble(void *arg)
{
	struct dribble *d = arg;
	size_t off, k;

	for (off = 0; off < d->n; off += k) {
		k = d->n - off < d->step ? d->n - off : d->step;
		if (write(d->fd, d->p + off, k) != (ssize_t)k)
			break;
		unit_sleep(d->pause_ms);
	}
	return NULL;
}

/* Bytes without end. */
static void *
babble(void *arg)
{
	static const uint8_t data[4096];
	int fd = *(int *)arg;

	while (send(fd, data, sizeof(data), MSG_NOSIGNAL) > 0)
		continue;
	return NULL;
}

static void
short_reads(void)
{
	uint8_t data[64], got[64];
	struct dribble d = { -1, data, sizeof(data), 1, 1 };
	struct net_wait w;
	size_t have = 0;
	pthread_t t;
	ssize_t n;
	int fd[2];

	REQUIRE(task_init() == 0);
	unit_fill(data, sizeof(data), 5);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	d.fd = fd[1];
	REQUIRE(pthread_create(&t, NULL, dribble, &d) == 0);
	/* What there is, and never more than asked for. */
	while (have < sizeof(got)) {
		n = net_read_some(fd[0], got + have,
		    sizeof(got) - have < 3 ? sizeof(got) - have : 3, &forever);
		REQUIRE(n >= 1 && n <= 3);
		have += (size_t)n;
	}
	CHECK_BYTES(got, data, sizeof(data));
	(void)pthread_join(t, NULL);
	CHECK_EQ(write(fd[1], data, 7), 7);
	CHECK_EQ(net_read_some(fd[0], got, 5, &forever), 5);
	(void)close(fd[1]);
	CHECK_EQ(net_read_some(fd[0], got, 5, &forever), 2);
	CHECK_EQ(net_read_some(fd[0], got, 5, &forever), 0);
	/* However steadily bytes come, a deadline stays where it is. */
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	d.fd = fd[1];
	d.pause_ms = 5;
	w = in_ms(100);
	REQUIRE(pthread_create(&t, NULL, dribble, &d) == 0);
	net_discard(fd[0], &w);
	CHECK(task_now() >= w.until);
	CHECK(unit_within(task_now() - w.until, 100));
	(void)close(fd[0]);
	(void)pthread_join(t, NULL);
	/* Not even one that never pauses is listened to for longer. */
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	w = in_ms(100);
	REQUIRE(pthread_create(&t, NULL, babble, &fd[1]) == 0);
	net_discard(fd[0], &w);
	CHECK(task_now() >= w.until);
	CHECK(unit_within(task_now() - w.until, 500));
	(void)close(fd[0]);
	(void)pthread_join(t, NULL);
}

/* A tiny send buffer and a slow reader: many short writes. */
static void *
slow_reader(void *arg)
{
	static uint8_t got[200000];
	size_t have = 0;
	ssize_t n;
	int fd = *(int *)arg;

	while ((n = read(fd, got + have, have % 997 + 1)) > 0)
		have += (size_t)n;
	CHECK_EQ(have, sizeof(got) / 2);
	unit_fill(got + sizeof(got) / 2, sizeof(got) / 2, 8);
	CHECK_BYTES(got, got + sizeof(got) / 2, sizeof(got) / 2);
	return NULL;
}

static void
short_writes(void)
{
	static uint8_t data[100000];
	struct net_wait w;
	pthread_t t;
	int fd[2];

	REQUIRE(task_init() == 0);
	unit_fill(data, sizeof(data), 8);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	unit_int_option(fd[0], SO_SNDBUF, 1);
	REQUIRE(pthread_create(&t, NULL, slow_reader, &fd[1]) == 0);
	CHECK_EQ(net_write(fd[0], data, sizeof(data), &forever), 0);
	(void)shutdown(fd[0], SHUT_WR);
	(void)pthread_join(t, NULL);
	/* Nobody reads. */
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	unit_int_option(fd[0], SO_SNDBUF, 1);
	w = in_ms(50);
	CHECK_EQ(net_write(fd[0], data, sizeof(data), &w), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	(void)close(fd[1]);
	CHECK_EQ(net_write(fd[0], "x", 1, &forever), -1);
	CHECK_EQ(errno, EPIPE);			/* and no SIGPIPE */
}

static void
watched(void)
{
	struct sockaddr_in sin;
	struct net_addr to;
	struct net_wait w;
	int fd[2], lfd, fill[8], i;
	int64_t begin;
	char byte;

	REQUIRE(task_init() == 0);
	unit_tcp(fd);
	w = in_ms(60);
	w.watch = fd[0];
	/* Bytes, and even an end, do not kill the watched one. */
	CHECK_EQ(write(fd[1], "x", 1), 1);
	(void)shutdown(fd[1], SHUT_WR);
	CHECK_EQ(net_pause(&w), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	unit_reset(fd[1]);
	w.until = INT64_MAX;
	CHECK_EQ(net_pause(&w), -1);
	CHECK_EQ(errno, ECONNABORTED);
	/* A connect that hangs (the listener's queue is full) is given up. */
	lfd = unit_listener(&sin, 0);
	memset(&to, 0, sizeof(to));
	memcpy(&to.ss, &sin, sizeof(sin));
	to.len = sizeof(sin);
	for (i = 0; i < 8; i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM, 0);
		(void)fcntl(fill[i], F_SETFL, O_NONBLOCK);
		(void)connect(fill[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	unit_sleep(20);
	begin = task_now();
	CHECK_EQ(net_connect(&to, SOCK_STREAM, fd[0]), -1);
	CHECK_EQ(errno, ECONNABORTED);
	CHECK(unit_within(task_now() - begin, 1000));
	(void)close(lfd);
	(void)byte;
}

/* A stop ends every wait. */
static void *
stop_soon(void *arg)
{
	(void)arg;
	unit_sleep(50);
	task_stop();
	return NULL;
}

static void
stopped(void)
{
	struct net_addr bound, peer;
	uint8_t byte;
	pthread_t t;
	int lfd, fd[2];

	REQUIRE(task_init() == 0);
	lfd = listener(AF_INET, SOCK_STREAM, &bound);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	REQUIRE(pthread_create(&t, NULL, stop_soon, NULL) == 0);
	CHECK_EQ(net_accept(lfd, &peer), -1);
	CHECK_EQ(errno, ECANCELED);
	CHECK_EQ(net_pause(&forever), -1);
	CHECK_EQ(errno, ECANCELED);
	CHECK_EQ(net_read_some(fd[0], &byte, 1, &forever), -1);
	CHECK_EQ(errno, ECANCELED);
	CHECK_EQ(net_write(fd[0], "x", 1, &forever), -1);
	CHECK_EQ(errno, ECANCELED);
	(void)pthread_join(t, NULL);
}

/* The last words arrive although the peer has more to say than we read. */
static void
last_words(void)
{
	static uint8_t much[64 * 1024];
	uint8_t got[4];
	int64_t begin;
	int fd[2];

	REQUIRE(task_init() == 0);
	unit_tcp(fd);
	CHECK_EQ(net_write(fd[1], much, sizeof(much), &forever), 0);
	CHECK_EQ(net_write(fd[0], "no", 2, &forever), 0);
	(void)shutdown(fd[1], SHUT_WR);
	net_last_words(fd[0]);
	net_close_clean(fd[0]);
	CHECK_EQ(net_read_some(fd[1], got, 3, &forever), 2);
	CHECK_BYTES(got, "no", 2);
	/* A peer that never ends is listened to for NET_REFUSE_MS. */
	unit_tcp(fd);
	begin = task_now();
	net_last_words(fd[0]);
	CHECK(task_now() - begin >= NET_REFUSE_MS);
	CHECK(unit_within(task_now() - begin, NET_REFUSE_MS + 1000));
	CHECK_EQ(net_read_some(fd[1], got, 1, &forever), 0);
}

static void
bad_listeners(void)
{
	struct net_addr peer;
	int fd[2];

	REQUIRE(task_init() == 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	CHECK_EQ(write(fd[1], "x", 1), 1);
	CHECK_EQ(net_accept(fd[0], &peer), -1);
	CHECK_EQ(errno, EINVAL);
}

/* Accepting without descriptors is said, and works again when there are. */
static void
no_descriptors(void)
{
	struct net_addr bound, peer;
	int lfd, fd, n = 0;
	int taken[4096];

	REQUIRE(task_init() == 0);
	lfd = listener(AF_INET, SOCK_STREAM, &bound);
	REQUIRE((fd = net_connect(&bound, SOCK_STREAM, -1)) != -1);
	while (n < 4096 && (taken[n] = dup(lfd)) != -1)
		n++;
	if (n == 4096)
		return;			/* no limit worth the name */
	CHECK_EQ(net_accept(lfd, &peer), -1);
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(net_connect(&bound, SOCK_STREAM, -1), -1);
	CHECK_EQ(errno, EMFILE);
	(void)close(taken[0]);
	CHECK(net_accept(lfd, &peer) != -1);
}

static void
open_fds(void)
{
	unsigned were = net_open_fds(3000);
	int fd;

	CHECK_EQ(were, unit_open_fds());
	REQUIRE((fd = dup(0)) != -1);
	REQUIRE(dup2(fd, 700) == 700 && dup2(fd, 255) == 255 &&
	    dup2(fd, 256) == 256);
	CHECK_EQ(net_open_fds(3000), were + 4);
	CHECK_EQ(net_open_fds(701), were + 4);
	CHECK_EQ(net_open_fds(700), were + 3);
	CHECK_EQ(net_open_fds(256), were + 2);
	CHECK_EQ(net_open_fds(0), 0);
	(void)close(700);
	CHECK_EQ(net_open_fds(3000), were + 3);
}

/* What goes on after a stop: nothing of it waits for more than it is told. */
static void
lates(void)
{
	struct sockaddr_in sin;
	int lfd = unit_listener(&sin, 4), fd[2], fds[3] = { -1, -1, -1 };
	struct net_addr from;
	bool ready[3];
	int64_t began;
	char byte;

	REQUIRE(task_init() == 0);
	task_stop();
	REQUIRE(fcntl(lfd, F_SETFL, O_NONBLOCK) == 0);
	CHECK_EQ(net_accept(lfd, &from), -1);
	CHECK_EQ(errno, ECANCELED);
	CHECK_EQ(net_accept_now(lfd, &from), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	fds[1] = lfd;
	began = task_now();
	net_await_late(fds, ready, 3, 100);
	CHECK(task_now() - began >= 100);
	CHECK(!ready[0] && !ready[1] && !ready[2]);
	REQUIRE((fd[0] = socket(AF_INET, SOCK_STREAM, 0)) != -1);
	REQUIRE(connect(fd[0], (struct sockaddr *)&sin, sizeof(sin)) == 0);
	net_await_late(fds, ready, 3, 5000);
	CHECK(!ready[0] && ready[1] && !ready[2]);
	REQUIRE((fd[1] = net_accept_now(lfd, &from)) != -1);
	fds[2] = fd[1];
	CHECK_EQ(net_read_now(fd[1], &byte, 1), -1);
	CHECK(errno == EAGAIN || errno == EWOULDBLOCK);
	CHECK_EQ(write(fd[0], "x", 1), 1);
	net_await_late(fds, ready, 3, 5000);
	CHECK(!ready[0] && !ready[1] && ready[2]);
	CHECK_EQ(net_read_now(fd[1], &byte, 1), 1);
	CHECK_EQ(byte, 'x');
	CHECK_EQ(net_write_now(fd[1], "y", 1), 1);
	net_end_writing(fd[1]);
	CHECK_EQ(recv(fd[0], &byte, 1, 0), 1);
	CHECK_EQ(recv(fd[0], &byte, 1, 0), 0);
	(void)close(fd[0]);
	net_await_late(fds, ready, 3, 5000);
	CHECK(ready[2]);
	CHECK_EQ(net_read_now(fd[1], &byte, 1), 0);
	net_close_clean(fd[1]);
	(void)close(lfd);
	(void)task_finish(0);
}

int
main(void)
{
	unit_case("net: names", names);
	unit_case("net: addresses on the wire", packs);
	unit_case("net: connect and accept", connects);
	unit_case("net: connect from an address", connects_from);
	unit_case("net: a close is a reset, a clean close an end", closes);
	unit_case("net: listen", listens);
	unit_case("net: listen again at once", listens_again);
	unit_case("net: waits end", waits);
	unit_case("net: short reads", short_reads);
	unit_case("net: short writes", short_writes);
	unit_case("net: the watched socket dies", watched);
	unit_case("net: a stop", stopped);
	unit_case("net: last words", last_words);
	unit_case("net: open descriptors", open_fds);
	unit_case("net: after a stop", lates);
	unit_case("net: no listener at all", bad_listeners);
	unit_case("net: no descriptors", no_descriptors);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* conn.c - real TCP pairs, socketpairs and pipes: ends, resets, ticks, and
 * datagrams cut at every byte. */

#include <signal.h>

#include "conn.h"
#include "proto.h"
#include "task.h"
#include "unit.h"

static struct conn conn;
static uint8_t bufs[2 * CONN_FRAME_BUF];
static uint8_t got[CONN_DATAGRAM_BUF];

/* How many calls of conn_read() come back within 200 ms when there is nothing
 * to read?  Few, or a processor spins. */
static unsigned
calls_when_idle(void)
{
	int64_t until = task_now() + 200;
	unsigned n = 0;
	bool empty;

	while (task_now() < until && n < 1000) {
		errno = 0;
		if (conn_read(&conn, got, sizeof(got), &empty) != -1 ||
		    errno != EAGAIN)
			return 0;
		n++;
	}
	return n;
}

static void
tcp(void)
{
	bool empty = true;
	int fd[2];

	REQUIRE(task_init() == 0);
	unit_tcp(fd);
	conn_tcp(&conn, fd[0], "a name longer than eighty bytes, which nobody "
	    "has, but which has to end in one NUL anyway");
	CHECK(memchr(conn.name, '\0', sizeof(conn.name)) != NULL);
	CHECK(!conn_is_datagram(&conn));
	CHECK_EQ(conn_raw_in(&conn), fd[0]);
	CHECK_EQ(conn_raw_out(&conn), fd[0]);
	CHECK_EQ(conn_write(&conn, "hello", 5), 5);
	CHECK_EQ(conn_flush(&conn), 0);
	CHECK_EQ(read(fd[1], got, 9), 5);
	conn_set_tick(&conn, 30);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK(!empty);
	CHECK_EQ(write(fd[1], "xyz", 3), 3);
	CHECK_EQ(conn_read(&conn, got, 2, &empty), 2);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), 1);
	(void)shutdown(fd[1], SHUT_WR);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), 0);
	CHECK(!empty);
	CHECK(!conn_gone(&conn));		/* half of it still is there */
	CHECK_EQ(conn_write(&conn, "more", 4), 4);
	CHECK_EQ(conn_end(&conn), 0);
	CHECK_EQ(read(fd[1], got, 9), 4);
	CHECK_EQ(read(fd[1], got, 9), 0);
	/* Both sides have ended: 0 stays an end. */
	CHECK_EQ(conn_read(&conn, got, 9, &empty), 0);
	conn_close(&conn, true);
	CHECK_EQ(fcntl(fd[0], F_GETFD), -1);
}

/* A reset is one, whoever meets it first: the reader, or the writer, or
 * somebody who asked the socket for its error. */
static void
resets(void)
{
	socklen_t len = sizeof(int);
	int first, err, fd[2];
	bool empty;

	REQUIRE(task_init() == 0);
	for (first = 0; first < 3; first++) {
		unit_row("met by %d", first);
		unit_tcp(fd);
		conn_tcp(&conn, fd[0], "x");
		CHECK(!conn_gone(&conn));
		unit_reset(fd[1]);
		CHECK(conn_gone(&conn));
		if (first == 1) {
			CHECK_EQ(conn_write(&conn, "x", 1), -1);
			CHECK(errno == ECONNRESET || errno == EPIPE);
		} else if (first == 2)
			CHECK_EQ(getsockopt(fd[0], SOL_SOCKET, SO_ERROR, &err,
			    &len), 0);
		errno = 0;
		CHECK_EQ(conn_read(&conn, got, 9, &empty), -1);
		CHECK_EQ(errno, ECONNRESET);
		CHECK_EQ(conn_end(&conn), -1);
		conn_close(&conn, false);
	}
	/* After our own end a reset still is no end. */
	unit_tcp(fd);
	conn_tcp(&conn, fd[0], "x");
	CHECK_EQ(conn_end(&conn), 0);
	unit_sleep(10);
	unit_reset(fd[1]);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), -1);
	CHECK_EQ(errno, ECONNRESET);
	conn_close(&conn, false);
}

static void
closes(void)
{
	struct net_addr bound, peer, at;
	struct sockaddr_in *sin = (struct sockaddr_in *)&at.ss;
	int lfd, fd, served, clean;

	REQUIRE(task_init() == 0);
	memset(&at, 0, sizeof(at));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.len = sizeof(*sin);
	REQUIRE((lfd = net_listen(&at, SOCK_STREAM, &bound)) != -1);
	for (clean = 0; clean < 2; clean++) {
		unit_row("clean %d", clean);
		REQUIRE((fd = net_connect(&bound, SOCK_STREAM, -1)) != -1);
		REQUIRE((served = net_accept(lfd, &peer)) != -1);
		conn_tcp(&conn, fd, "x");
		conn_close(&conn, clean);
		errno = 0;
		CHECK_EQ(read(served, got, 1), clean ? 0 : -1);
		CHECK_EQ(errno, clean ? 0 : ECONNRESET);
		(void)close(served);
	}
}

/* A full send buffer: a short write, then ticks, then the rest. */
static void
short_writes(void)
{
	static uint8_t data[100000];
	size_t sent = 0, have = 0;
	unsigned ticks = 0;
	ssize_t n;
	int fd[2];

	REQUIRE(task_init() == 0);
	unit_fill(data, sizeof(data), 1);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	unit_int_option(fd[0], SO_SNDBUF, 1);
	unit_timeouts(fd[0], 20);
	conn_tcp(&conn, fd[0], "x");
	while (have < sizeof(data)) {
		n = sent < sizeof(data) ? conn_write(&conn, data + sent,
		    sizeof(data) - sent) : 0;
		if (n > 0)
			sent += (size_t)n;
		if (n == -1) {
			CHECK_EQ(errno, EAGAIN);
			ticks++;
		}
		while ((n = recv(fd[1], got, sizeof(got), MSG_DONTWAIT)) > 0) {
			CHECK_BYTES(got, data + have, (size_t)n);
			have += (size_t)n;
		}
	}
	CHECK_EQ(have, sent);
	(void)ticks;
	while ((n = conn_write(&conn, data, sizeof(data))) > 0)
		continue;
	CHECK_EQ(errno, EAGAIN);
}

static atomic_bool awake;

/* A signal wakes every blocking call, as a tick; one that comes before the
 * call is lost. */
static void *
wake_soon(void *arg)
{
	do {
		unit_sleep(60);
		(void)pthread_kill(*(pthread_t *)arg, SIGUSR1);
	} while (!atomic_load(&awake));
	return NULL;
}

static void
woken(void)
{
	static uint8_t much[CONN_DATAGRAM_BUF - 1];
	pthread_t self = pthread_self(), t;
	int fd[2], in[2], i;
	ssize_t n = 0;
	bool empty;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 6; i++) {
		unit_row("call %d", i);
		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
		if (i < 2)
			conn_tcp(&conn, fd[0], "x");
		else if (i < 4)
			conn_framed(&conn, fd[0], "x", bufs);
		else {
			REQUIRE(pipe(in) == 0);
			REQUIRE(dup2(in[0], 0) != -1 && dup2(fd[0], 1) != -1);
			conn_stdio(&conn, -1);
		}
		/* Fill what can be filled, so that the last one blocks. */
		while (i % 2 == 1 && send(fd[0], much, 1000, MSG_DONTWAIT) > 0)
			continue;
		atomic_store(&awake, false);
		REQUIRE(pthread_create(&t, NULL, wake_soon, &self) == 0);
		errno = 0;
		if (i % 2 == 0)
			n = conn_read(&conn, got, sizeof(got), &empty);
		else if (i == 3) {	/* takes it, and keeps it */
			CHECK_EQ(conn_write(&conn, much, sizeof(much)),
			    sizeof(much));
			unit_sleep(0);
			n = -1;
		} else
			n = conn_write(&conn, much, sizeof(much));
		CHECK_EQ(n, -1);
		CHECK_EQ(errno, EAGAIN);
		atomic_store(&awake, true);
		(void)pthread_join(t, NULL);
	}
}

/* Datagrams on the wire, and what conn_read() must make of them. */
static const struct {
	size_t n;
	bool empty;
} flow[] = { { 3, false }, { 0, true }, { 1, false }, { 0, true },
    { 0, true }, { 40, false } };

enum { NFLOW = sizeof(flow) / sizeof(flow[0]) };

static size_t
flow_bytes(uint8_t *wire, size_t cap)
{
	struct span s = { wire, 0, 0, cap };
	uint8_t data[64];
	size_t i;

	for (i = 0; i < NFLOW; i++) {
		unit_fill(data, flow[i].n, (unsigned)i);
		REQUIRE(proto_datagram_put(&s, data, flow[i].n) == 0);
	}
	return s.end;
}

/* Read datagrams while there are any; returns how many, and the errno or 0
 * (an end) that came after them. */
static size_t
take_flow(int *err)
{
	uint8_t data[64];
	size_t i = 0;
	ssize_t n;
	bool empty;

	for (;;) {
		errno = 0;
		n = conn_read(&conn, got, sizeof(got), &empty);
		if (n == -1 || (n == 0 && !empty))
			break;
		REQUIRE(i < NFLOW);
		CHECK_EQ(n, flow[i].n);
		CHECK_EQ(empty, flow[i].empty);
		unit_fill(data, flow[i].n, (unsigned)i);
		CHECK_BYTES(got, data, flow[i].n);
		i++;
	}
	*err = errno;
	return i;
}

static void
framed_reads(void)
{
	uint8_t wire[128];
	size_t n = flow_bytes(wire, sizeof(wire)), cut, whole, off;
	int err, fd[2];

	REQUIRE(task_init() == 0);
	for (cut = 0; cut <= n; cut++) {
		unit_row("cut at %zu", cut);
		unit_tcp(fd);
		unit_timeouts(fd[0], 5);
		conn_framed(&conn, fd[0], "x", bufs);
		CHECK(conn_is_datagram(&conn));
		CHECK_EQ(conn_raw_in(&conn), -1);
		CHECK_EQ(conn_raw_out(&conn), -1);
		if (cut > 0)
			CHECK_EQ(write(fd[1], wire, cut), cut);
		whole = take_flow(&err);
		CHECK_EQ(err, EAGAIN);
		/* Either it goes on, or it ends here. */
		if (cut % 2 == 0) {
			(void)shutdown(fd[1], SHUT_WR);
			for (off = 0; off + 2 <= cut &&
			    off + 2 + wire[off + 1] <= cut;
			    off += 2u + wire[off + 1])
				continue;
			CHECK_EQ(take_flow(&err), 0);
			CHECK_EQ(err, off == cut ? 0 : EPROTO);
		} else {
			unit_reset(fd[1]);
			fd[1] = -1;
			CHECK_EQ(take_flow(&err), 0);
			CHECK_EQ(err, ECONNRESET);
		}
		CHECK(whole <= NFLOW);
		conn_close(&conn, false);
		if (fd[1] != -1)
			(void)close(fd[1]);
	}
}

/* One byte at a time, all of it. */
static void
framed_bytewise(void)
{
	uint8_t wire[128], data[64];
	size_t n = flow_bytes(wire, sizeof(wire)), i, d = 0;
	ssize_t k;
	bool empty;
	int fd[2];

	REQUIRE(task_init() == 0);
	unit_tcp(fd);
	unit_timeouts(fd[0], 5);
	conn_framed(&conn, fd[0], "x", bufs);
	for (i = 0; i < n; i++) {
		CHECK_EQ(write(fd[1], wire + i, 1), 1);
		k = conn_read(&conn, got, sizeof(got), &empty);
		if (k == -1) {
			CHECK_EQ(errno, EAGAIN);
			continue;
		}
		CHECK_EQ(k, flow[d].n);
		CHECK_EQ(empty, flow[d].empty);
		unit_fill(data, flow[d].n, (unsigned)d);
		CHECK_BYTES(got, data, (size_t)k);
		d++;
	}
	CHECK_EQ(d, NFLOW);
}

static void
framed_too_long(void)
{
	static const uint8_t bad[][2] = { { 0xff, 0xe4 }, { 0xff, 0xff } };
	bool empty;
	int i, fd[2];

	REQUIRE(task_init() == 0);
	for (i = 0; i < 2; i++) {
		unit_tcp(fd);
		conn_framed(&conn, fd[0], "x", bufs);
		CHECK_EQ(write(fd[1], bad[i], 2), 2);
		CHECK_EQ(conn_read(&conn, got, sizeof(got), &empty), -1);
		CHECK_EQ(errno, EPROTO);
	}
}

/* Frames through the smallest send buffer, while the reader takes a byte or
 * many; then everything arrived, in order and whole. */
static void
framed_writes(void)
{
	static const size_t lens[] = { 0, 1, 2000, 65507, 0, 7, 65506 };
	static uint8_t data[65507], wire[4 * CONN_FRAME_BUF];
	struct span in = { wire, 0, 0, sizeof(wire) };
	enum { N = sizeof(lens) / sizeof(lens[0]) };
	size_t i = 0, k = 0, n;
	const uint8_t *d;
	unsigned ticks = 0;
	bool ended = false;
	ssize_t got_n;
	int fd[2];

	REQUIRE(task_init() == 0);
	unit_fill(data, sizeof(data), 2);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	unit_int_option(fd[0], SO_SNDBUF, 1);
	unit_timeouts(fd[0], 5);
	conn_framed(&conn, fd[0], "x", bufs);
	while (!ended) {
		if (i < N) {
			got_n = conn_write(&conn, data, lens[i]);
			CHECK(got_n == -1 || (size_t)got_n == lens[i]);
			if (got_n == -1) {
				CHECK_EQ(errno, EAGAIN);
				ticks++;
			} else
				i++;
		} else if (conn_end(&conn) == 0)
			ended = true;
		else
			CHECK_EQ(errno, EAGAIN);
		got_n = recv(fd[1], wire + in.end, sizeof(wire) - in.end,
		    MSG_DONTWAIT);
		in.end += got_n > 0 ? (size_t)got_n : 0;
	}
	while ((got_n = read(fd[1], wire + in.end, sizeof(wire) - in.end)) > 0)
		in.end += (size_t)got_n;
	CHECK(ticks > 0);
	while (proto_datagram_get(&in, &d, &n) == PROTO_DONE) {
		REQUIRE(k < N);
		CHECK_EQ(n, lens[k]);
		CHECK_BYTES(d, data, n);
		k++;
	}
	CHECK_EQ(k, N);
	CHECK_EQ(span_used(&in), 0);
	conn_close(&conn, true);
}

static void
udp(void)
{
	static uint8_t data[70000];
	struct net_addr at, bound, peer;
	struct sockaddr_in *sin = (struct sockaddr_in *)&at.ss;
	int a, b, fd[2];
	bool empty;

	REQUIRE(task_init() == 0);
	memset(&at, 0, sizeof(at));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	at.len = sizeof(*sin);
	REQUIRE((b = net_listen(&at, SOCK_DGRAM, &bound)) != -1);
	REQUIRE((a = net_connect(&bound, SOCK_DGRAM, -1)) != -1);
	peer.len = sizeof(peer.ss);
	REQUIRE(getsockname(a, (struct sockaddr *)&peer.ss, &peer.len) == 0);
	conn_udp(&conn, a, a, NULL, "x");
	conn_set_tick(&conn, 50);
	CHECK(conn_is_datagram(&conn));
	CHECK_EQ(conn_write(&conn, "abc", 3), 3);
	CHECK_EQ(conn_write(&conn, "", 0), 0);
	CHECK_EQ(recv(b, got, 9, 0), 3);
	CHECK_EQ(recv(b, got, 9, 0), 0);
	CHECK_EQ(sendto(b, "", 0, 0, (struct sockaddr *)&peer.ss, peer.len), 0);
	CHECK_EQ(sendto(b, data, 65507, 0, (struct sockaddr *)&peer.ss,
	    peer.len), 65507);
	CHECK_EQ(conn_read(&conn, got, sizeof(got), &empty), 0);
	CHECK(empty);
	CHECK_EQ(conn_read(&conn, got, sizeof(got), &empty), 65507);
	CHECK(!empty);
	CHECK_EQ(conn_read(&conn, got, sizeof(got), &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	/* A datagram has no end to pass on. */
	CHECK_EQ(conn_end(&conn), 0);
	/* The service is away for a moment: nothing but losses. */
	(void)close(b);
	CHECK_EQ(conn_write(&conn, "lost", 4), 4);
	unit_sleep(10);
	CHECK_EQ(conn_read(&conn, got, sizeof(got), &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(conn_write(&conn, "lost", 4), 4);
	unit_sleep(10);
	REQUIRE((b = net_listen(&bound, SOCK_DGRAM, &peer)) != -1);
	CHECK_EQ(conn_write(&conn, "here", 4), 4);
	CHECK_EQ(recv(b, got, 9, MSG_DONTWAIT), 4);
	conn_close(&conn, true);
	/* To an address, on a socket that is shared. */
	REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0);
	REQUIRE((a = net_listen(&at, SOCK_DGRAM, &peer)) != -1);
	conn_udp(&conn, fd[1], b, &peer, "x");
	CHECK_EQ(conn_write(&conn, "reply", 5), 5);
	CHECK_EQ(recv(a, got, 9, MSG_DONTWAIT), 5);
	/* One longer than the wire carries is as if lost. */
	CHECK_EQ(send(fd[0], data, 65508, 0), 65508);
	CHECK_EQ(send(fd[0], "y", 1, 0), 1);
	CHECK_EQ(conn_read(&conn, got, sizeof(got), &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(conn_read(&conn, got, sizeof(got), &empty), 1);
	conn_close(&conn, true);
	CHECK(fcntl(b, F_GETFD) != -1);		/* was borrowed */
}

/* Put pipes, or what is given, in the place of stdin and stdout. */
static void
set_stdio(int in[2], int out[2])
{
	REQUIRE(in[0] != -1 || pipe(in) == 0);
	REQUIRE(out[0] != -1 || pipe(out) == 0);
	REQUIRE(dup2(in[0], 0) != -1 && dup2(out[1], 1) != -1);
	(void)close(in[0]);
	(void)close(out[1]);
}

static void
stdio_bytes(void)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	bool empty;

	REQUIRE(task_init() == 0);
	set_stdio(in, out);
	conn_stdio(&conn, -1);
	CHECK_EQ(conn_raw_in(&conn), -1);
	conn_set_tick(&conn, 30);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(write(in[1], "abc", 3), 3);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), 3);
	CHECK_EQ(conn_write(&conn, "xy", 2), 2);
	CHECK_EQ(read(out[0], got, 9), 2);
	/* Its descriptors are left as they were. */
	CHECK((fcntl(0, F_GETFL) & O_NONBLOCK) == 0);
	CHECK((fcntl(1, F_GETFL) & O_NONBLOCK) == 0);
	CHECK_EQ(conn_end(&conn), 0);
	CHECK_EQ(read(out[0], got, 9), 0);	/* seen at once */
	CHECK(fcntl(1, F_GETFD) != -1);		/* the number stays taken */
	/* stdout over, stdin goes on. */
	(void)close(out[0]);
	CHECK_EQ(write(in[1], "z", 1), 1);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), 1);
	(void)close(in[1]);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), 0);
	conn_close(&conn, false);
	CHECK(fcntl(0, F_GETFD) != -1);
}

static void
stdio_stop(void)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	bool empty;

	REQUIRE(task_init() == 0);
	set_stdio(in, out);
	conn_stdio(&conn, -1);
	CHECK_EQ(write(in[1], "abc", 3), 3);
	task_stop();
	CHECK_EQ(conn_read(&conn, got, 9, &empty), 0);
	CHECK_EQ(conn_write(&conn, "x", 1), 1);
}

/* Nobody reads stdout any more: a pipe, a TCP connection, a socketpair. */
static void
stdio_gone(void)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, pair[2];
	bool empty;

	REQUIRE(task_init() == 0);
	set_stdio(in, out);
	conn_stdio(&conn, -1);
	(void)close(out[0]);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), -1);
	CHECK_EQ(errno, EPIPE);
	unit_tcp(pair);
	REQUIRE(dup2(pair[0], 1) != -1);
	unit_reset(pair[1]);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), -1);
	CHECK_EQ(errno, EPIPE);
}

static void
stdio_socketpair_gone(void)
{
	int in[2] = { -1, -1 }, out[2];
	bool empty;

	REQUIRE(task_init() == 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, out) == 0);
	set_stdio(in, out);
	conn_stdio(&conn, -1);
	(void)close(out[0]);
	CHECK(calls_when_idle() < 10);
	CHECK_EQ(conn_read(&conn, got, 9, &empty), -1);
	CHECK_EQ(errno, EPIPE);
}

static void
stdio_watch(void)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, fd[2];
	int64_t begin;
	bool empty;

	REQUIRE(task_init() == 0);
	set_stdio(in, out);
	unit_tcp(fd);
	conn_stdio(&conn, fd[0]);
	conn_set_tick(&conn, 30);
	/* Neither bytes nor an end are its death. */
	CHECK_EQ(write(fd[1], "x", 1), 1);
	(void)shutdown(fd[1], SHUT_WR);
	CHECK(calls_when_idle() < 10);
	/* Its death wakes the reader, who then asks conn_gone(). */
	conn_set_tick(&conn, 5000);
	unit_reset(fd[1]);
	begin = task_now();
	CHECK_EQ(conn_read(&conn, got, 9, &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK(unit_within(task_now() - begin, 1000));
}

/* Somebody else has made our stdout non-blocking: being full must neither
 * lose bytes nor spin. */
static void
stdio_nonblock(void)
{
	static uint8_t data[8192];
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	unsigned n = 0;
	int64_t until;

	REQUIRE(task_init() == 0);
	set_stdio(in, out);
	(void)fcntl(1, F_SETFL, O_NONBLOCK);
	conn_stdio(&conn, -1);
	conn_set_tick(&conn, 50);
	while (conn_write(&conn, data, sizeof(data)) > 0)
		continue;
	CHECK_EQ(errno, EAGAIN);
	until = task_now() + 200;
	while (task_now() < until && n < 1000) {
		CHECK_EQ(conn_write(&conn, data, sizeof(data)), -1);
		CHECK_EQ(errno, EAGAIN);
		n++;
	}
	CHECK(n < 20);
}

int
main(void)
{
	unit_case("conn: TCP", tcp);
	unit_case("conn: resets", resets);
	unit_case("conn: close", closes);
	unit_case("conn: short writes", short_writes);
	unit_case("conn: woken by a signal", woken);
	unit_case("conn: frames cut at every byte", framed_reads);
	unit_case("conn: frames bytewise", framed_bytewise);
	unit_case("conn: frames that are too long", framed_too_long);
	unit_case("conn: frames into a tiny buffer", framed_writes);
	unit_case("conn: UDP", udp);
	unit_case("conn: stdin and stdout", stdio_bytes);
	unit_case("conn: a stop ends stdin", stdio_stop);
	unit_case("conn: nobody reads stdout", stdio_gone);
	unit_case("conn: stdout is a socketpair, and nobody reads",
	    stdio_socketpair_gone);
	unit_case("conn: stdin watches the tunnel", stdio_watch);
	unit_case("conn: stdout is non-blocking and full", stdio_nonblock);
	return unit_end();
}

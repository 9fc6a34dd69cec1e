/* SPDX-License-Identifier: MIT */
/* pump.c - whole pairs: a task that forwards between two conns, and the test
 * at both far ends.  The source is included for what is static in it. */

#include <sys/resource.h>

#include <signal.h>

#include "../../pump.c"
#include "proto.h"
#include "unit.h"

#ifdef ADIT_POSIX
#define NAME "pump-posix: "
#else
#define NAME "pump: "
#endif

/* One forwarded pair.  a and b are the far ends of local and tunnel. */
struct pair {
	struct task task;		/* first */
	struct conn local, tunnel;
	struct pump pump;
	int a, b;
	bool cut;			/* before it runs */
	uint64_t sent, received;	/* after it has run */
	uint8_t frames[2 * CONN_FRAME_BUF], bufs[2 * CONN_DATAGRAM_BUF];
};

static struct pair *
pair_new(void)
{
	struct pair *p = calloc(1, sizeof(*p));

	REQUIRE(p != NULL);
	p->a = p->b = -1;
	return p;
}

/* What every socket of the program gets in net.c, but with quicker ticks. */
static void
tune_quick(int fd)
{
	struct linger lg = { 1, 0 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	unit_timeouts(fd, 100);
}

static struct pair *
tcp_pair(void)
{
	struct pair *p = pair_new();
	int fd[2];

	unit_tcp(fd);
	p->a = fd[1];
	tune_quick(fd[0]);
	conn_tcp(&p->local, fd[0], "local");
	unit_tcp(fd);
	p->b = fd[1];
	tune_quick(fd[0]);
	conn_tcp(&p->tunnel, fd[0], "tunnel");
	return p;
}

static void
run(struct task *t)
{
	struct pair *p = (struct pair *)t;

	p->pump.local = &p->local;
	p->pump.tunnel = &p->tunnel;
	p->pump.task = t;
	pump_init(&p->pump);
	if (p->cut)
		pump_cut(&p->pump);
	pump_run(&p->pump);
	pump_moved(&p->pump, &p->sent, &p->received);
	pump_free(&p->pump);
	conn_close(&p->local, p->pump.fate == PUMP_DONE);
	conn_close(&p->tunnel, p->pump.fate == PUMP_DONE);
}

static void
start(struct pair *p)
{
	REQUIRE(task_start(&p->task, run) == 0);
}

/* Wait until it is over, within ms; checks how. */
static void
over(struct pair *p, int ms, enum pump_fate fate, const struct conn *lost)
{
	int64_t began = task_now();

	while (task_count() > 0 && unit_within(task_now() - began, ms))
		unit_sleep(2);
	CHECK(task_count() == 0);
	(void)task_finish(0);
	CHECK(task_reap() == &p->task);
	CHECK_EQ(p->pump.fate, fate);
	if (fate == PUMP_LOST)
		CHECK(p->pump.lost == lost);
}

/* The far end meets an end (0), or an error. */
static int
meets(int fd)
{
	static uint8_t buf[65536];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		continue;
	return n == 0 ? 0 : errno;
}

/* One direction of a test: n bytes into one end, out of the other. */
struct stream {
	int from, to;
	size_t n;
	unsigned seed;
	size_t sent, have;
	bool intact, ended;
};

static void *
feed(void *arg)
{
	struct stream *s = arg;
	uint8_t *data = malloc(s->n + 1);
	ssize_t k;

	unit_fill(data, s->n, s->seed);
	while (s->sent < s->n && (k = send(s->from, data + s->sent,
	    s->n - s->sent, MSG_NOSIGNAL)) > 0)
		s->sent += (size_t)k;
	(void)shutdown(s->from, SHUT_WR);
	free(data);
	return NULL;
}

static void *
drain(void *arg)
{
	struct stream *s = arg;
	uint8_t *data = malloc(s->n + 1), *got = malloc(s->n + 1);
	ssize_t k = 0;

	unit_fill(data, s->n, s->seed);
	while (s->have <= s->n && (k = recv(s->to, got + s->have,
	    s->n + 1 - s->have, 0)) > 0)
		s->have += (size_t)k;
	s->ended = k == 0;
	s->intact = s->have == s->n && memcmp(data, got, s->n) == 0;
	free(data);
	free(got);
	return NULL;
}

/* Both directions at once, n bytes each; storm: with signals all along. */
static void
both_ways(struct pair *p, size_t n, bool storm)
{
	struct stream s[2] = {
		{ p->a, p->b, n, 1, 0, 0, false, false },
		{ p->b, p->a, n / 2 + 1, 2, 0, 0, false, false }
	};
	pthread_t t[4];
	sigset_t set;
	int i;

	start(p);
	/* Main and those started from now on never get the signal, so that
	 * it can only hit the two that forward (and the one in sigwait). */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (i = 0; i < 2; i++) {
		REQUIRE(pthread_create(&t[i], NULL, feed, &s[i]) == 0);
		REQUIRE(pthread_create(&t[2 + i], NULL, drain, &s[i]) == 0);
	}
	while (storm && task_count() > 0) {
		for (i = 0; i < 50; i++)
			(void)kill(getpid(), SIGUSR1);
		unit_sleep(0);
	}
	for (i = 0; i < 4; i++)
		(void)pthread_join(t[i], NULL);
	for (i = 0; i < 2; i++) {
		CHECK(s[i].intact);
		CHECK(s[i].ended);
	}
	over(p, 2000, PUMP_DONE, NULL);
	CHECK_EQ(p->pump.sent, s[0].n);
	CHECK_EQ(p->pump.received, s[1].n);
	free(p);
}

static size_t how_many;

static void
bytes_once(void)
{
	REQUIRE(task_init() == 0);
	both_ways(tcp_pair(), how_many, false);
}

static void
bytes(void)
{
	static const size_t lens[] = {
		0, 1, PUMP_BUF - 1, PUMP_BUF, PUMP_BUF + 1, 100000
	};
	size_t i;

	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		how_many = lens[i];
		unit_row("%zu bytes", lens[i]);
		unit_again(bytes_once);
	}
}

static void
bulk_bytes(void)
{
	how_many = 8 * 1024 * 1024;
	bytes_once();
}

static void
stormy(void)
{
	REQUIRE(task_init() == 0);
	both_ways(tcp_pair(), 4 * 1024 * 1024, true);
}

/* Socketpairs with the smallest buffers: every write is short. */
static void
tiny_buffers(void)
{
	struct pair *p = pair_new();
	int fd[2], i;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 2; i++) {
		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
		unit_int_option(fd[0], SO_SNDBUF, 1);
		unit_int_option(fd[1], SO_SNDBUF, 1);
		tune_quick(fd[0]);
		conn_tcp(i == 0 ? &p->local : &p->tunnel, fd[0], "x");
		*(i == 0 ? &p->a : &p->b) = fd[1];
	}
	both_ways(p, 300000, true);
}

/* One side ends, and the other one still sends, from each side. */
static void
half_close(bool from_a)
{
	struct pair *p = tcp_pair();
	int early = from_a ? p->a : p->b, late = from_a ? p->b : p->a;
	char buf[16];
	int i;

	REQUIRE(task_init() == 0);
	start(p);
	CHECK_EQ(write(early, "ask", 3), 3);
	(void)shutdown(early, SHUT_WR);
	CHECK_EQ(recv(late, buf, 3, MSG_WAITALL), 3);
	CHECK_EQ(meets(late), 0);
	for (i = 0; i < 5; i++) {
		unit_sleep(30);
		CHECK_EQ(write(late, "answer", 6), 6);
		CHECK_EQ(recv(early, buf, 6, MSG_WAITALL), 6);
	}
	CHECK(task_count() == 1);
	(void)shutdown(late, SHUT_WR);
	CHECK_EQ(meets(early), 0);
	over(p, 2000, PUMP_DONE, NULL);
	CHECK_EQ(p->pump.sent, from_a ? 3 : 30);
	CHECK_EQ(p->pump.received, from_a ? 30 : 3);
	free(p);
}

static void
half_close_a(void)
{
	half_close(true);
}

static void
half_close_b(void)
{
	half_close(false);
}

enum when { IDLE, BULK, STUCK, HALF_CLOSED, HALF_CLOSED_BY_PEER };

/* One far end resets; the other one must meet a reset, never an end. */
static void
reset(bool a_resets, enum when when)
{
	struct pair *p = tcp_pair();
	struct conn *lost = a_resets ? &p->local : &p->tunnel;
	int dies = a_resets ? p->a : p->b, lives = a_resets ? p->b : p->a;
	static uint8_t data[65536];
	struct stream s = { dies, lives, 64 << 20, 1, 0, 0, false, false };
	pthread_t t;
	int i, err;

	REQUIRE(task_init() == 0);
	unit_timeouts(lives, 15000);
	start(p);
	CHECK_EQ(write(dies, "x", 1), 1);
	CHECK_EQ(recv(lives, data, 1, 0), 1);
	if (when == BULK)
		REQUIRE(pthread_create(&t, NULL, drain, &s) == 0);
	if (when == BULK) {
		for (i = 0; i < 64; i++)
			CHECK(send(dies, data, sizeof(data), 0) > 0);
	} else if (when == STUCK) {
		/* As much as goes in; nobody reads it. */
		while (send(dies, data, sizeof(data), MSG_DONTWAIT) > 0 ||
		    (unit_sleep(150), send(dies, data, sizeof(data),
		    MSG_DONTWAIT)) > 0)
			continue;
	} else if (when == HALF_CLOSED) {
		(void)shutdown(dies, SHUT_WR);
		CHECK_EQ(meets(lives), 0);
	} else if (when == HALF_CLOSED_BY_PEER) {
		(void)shutdown(lives, SHUT_WR);
		CHECK_EQ(meets(dies), 0);
	}
	unit_reset(dies);
	if (when == BULK) {
		(void)pthread_join(t, NULL);
		CHECK(!s.ended);
	} else if (when == HALF_CLOSED) {
		/* Its end has arrived, but writing must fail now. */
		for (i = 0; i < 500 && (err = (int)send(lives, "x", 1,
		    MSG_NOSIGNAL)) == 1; i++)
			unit_sleep(10);
		CHECK_EQ(err, -1);
	} else
		CHECK_EQ(meets(lives), ECONNRESET);
	over(p, 4000, PUMP_LOST, lost);
	free(p);
}

static void
reset_a_idle(void)
{
	reset(true, IDLE);
}

static void
reset_b_idle(void)
{
	reset(false, IDLE);
}

static void
reset_a_bulk(void)
{
	reset(true, BULK);
}

static void
reset_b_bulk(void)
{
	reset(false, BULK);
}

static void
reset_a_stuck(void)
{
	reset(true, STUCK);
}

static void
reset_b_stuck(void)
{
	reset(false, STUCK);
}

static void
reset_a_half(void)
{
	reset(true, HALF_CLOSED);
}

static void
reset_b_half(void)
{
	reset(false, HALF_CLOSED);
}

static void
reset_a_half_peer(void)
{
	reset(true, HALF_CLOSED_BY_PEER);
}

static void
reset_b_half_peer(void)
{
	reset(false, HALF_CLOSED_BY_PEER);
}

/* Somebody has it end: both far ends must meet a reset, whatever goes on; and
 * what had moved by then is counted. */
static void
cut(enum when when)
{
	struct pair *p = tcp_pair();
	static uint8_t data[65536];
	int64_t until = task_now() + 15000;
	uint64_t sent, received;

	REQUIRE(task_init() == 0);
	unit_timeouts(p->a, 15000);
	unit_timeouts(p->b, 15000);
	start(p);
	CHECK_EQ(write(p->a, "xyz", 3), 3);
	CHECK_EQ(recv(p->b, data, 3, MSG_WAITALL), 3);
	CHECK_EQ(write(p->b, "x", 1), 1);
	CHECK_EQ(recv(p->a, data, 1, 0), 1);
	if (when == STUCK) {
		while (send(p->a, data, sizeof(data), MSG_DONTWAIT) > 0 ||
		    (unit_sleep(150), send(p->a, data, sizeof(data),
		    MSG_DONTWAIT)) > 0)
			continue;
	} else if (when == HALF_CLOSED) {
		(void)shutdown(p->a, SHUT_WR);
		CHECK_EQ(meets(p->b), 0);
	} else if (when == HALF_CLOSED_BY_PEER) {
		(void)shutdown(p->b, SHUT_WR);
		CHECK_EQ(meets(p->a), 0);
	}
	/* Counted once they are written, which is when we have them. */
	do
		pump_moved(&p->pump, &sent, &received);
	while ((sent < 3 || received == 0) && task_now() < until);
	CHECK(when == STUCK ? sent > 3 : sent == 3);
	CHECK_EQ(received, 1);
	pump_cut(&p->pump);
	if (when != HALF_CLOSED && when != STUCK)
		CHECK_EQ(meets(p->b), ECONNRESET);
	if (when != HALF_CLOSED_BY_PEER)
		CHECK_EQ(meets(p->a), ECONNRESET);
	over(p, 4000, PUMP_CUT, NULL);
	CHECK_EQ(p->sent, p->pump.sent);
	CHECK_EQ(p->received, 1);
	free(p);
}

static void
cut_idle(void)
{
	cut(IDLE);
}

static void
cut_stuck(void)
{
	cut(STUCK);
}

static void
cut_half(void)
{
	cut(HALF_CLOSED);
}

static void
cut_half_peer(void)
{
	cut(HALF_CLOSED_BY_PEER);
}

static void
cut_before(void)
{
	struct pair *p = tcp_pair();

	REQUIRE(task_init() == 0);
	p->cut = true;
	CHECK_EQ(write(p->a, "xyz", 3), 3);
	start(p);
	CHECK_EQ(meets(p->a), ECONNRESET);
	CHECK_EQ(meets(p->b), ECONNRESET);
	over(p, 4000, PUMP_CUT, NULL);
	CHECK_EQ(p->sent, 0);
	free(p);
}

/* A silent pair ends at its limit; one with bytes in one direction does not,
 * and one that may be idle does not either. */
static void
idle(void)
{
	struct pair *p = tcp_pair();
	int64_t begin, last = 0;
	char byte;
	int i;

	REQUIRE(task_init() == 0);
	p->pump.idle_ms = 2000;
	start(p);
	for (i = 0; i < 12; i++) {
		unit_sleep(200);
		last = task_now();
		CHECK_EQ(write(p->b, "x", 1), 1);
		CHECK_EQ(recv(p->a, &byte, 1, 0), 1);
	}
	begin = task_now();
	CHECK_EQ(meets(p->a), ECONNRESET);
	CHECK_EQ(meets(p->b), ECONNRESET);
	CHECK(task_now() - last >= 1900);
	CHECK(unit_within(task_now() - begin, 4000));
	over(p, 2000, PUMP_IDLE, NULL);
	free(p);
}

static void
lingers(void)
{
	struct pair *p = tcp_pair();
	int64_t begin;

	REQUIRE(task_init() == 0);
	p->pump.linger_ms = 300;
	start(p);
	unit_sleep(600);		/* not half-closed: no limit */
	CHECK(task_count() == 1);
	(void)shutdown(p->a, SHUT_WR);
	CHECK_EQ(meets(p->b), 0);
	begin = task_now();
	CHECK_EQ(meets(p->a), ECONNRESET);
	CHECK(unit_within(task_now() - begin, 3000));
	over(p, 2000, PUMP_LINGERED, NULL);
	free(p);
}

/* A stop does not hurt streams until patience is over. */
static void
stops(void)
{
	struct pair *p = tcp_pair();
	char byte;

	REQUIRE(task_init() == 0);
	start(p);
	task_stop();
	unit_sleep(250);
	CHECK_EQ(write(p->a, "x", 1), 1);
	CHECK_EQ(recv(p->b, &byte, 1, 0), 1);
	CHECK_EQ(task_finish(300), 1);
	CHECK_EQ(meets(p->a), ECONNRESET);
	CHECK_EQ(meets(p->b), ECONNRESET);
	CHECK(task_reap() == &p->task);
	CHECK_EQ(p->pump.fate, PUMP_STOPPED);
	free(p);
}

/* Both lanes stuck in a write that nobody will ever take. */
static void
killed_stuck(void)
{
	struct pair *p = tcp_pair();
	static uint8_t data[65536];
	int64_t begin;
	int i;

	REQUIRE(task_init() == 0);
	start(p);
	for (i = 0; i < 10; i++) {
		while (send(p->a, data, sizeof(data), MSG_DONTWAIT) > 0 ||
		    send(p->b, data, sizeof(data), MSG_DONTWAIT) > 0)
			continue;
		unit_sleep(20);
	}
	begin = task_now();
	CHECK_EQ(task_finish(100), 1);
	CHECK(unit_within(task_now() - begin, 1500));
	CHECK(task_reap() == &p->task);
	CHECK_EQ(p->pump.fate, PUMP_STOPPED);
	free(p);
}

static void
no_thread(void)
{
	struct rlimit rl = { 2, 2 };
	struct pair *p = tcp_pair();

	/* Room for the signal thread and the owner, and none for a helper.
	 * (Root has no such limit, so this is done as nobody.) */
	if (getuid() == 0 && setuid(65500) == -1)
		return;
	REQUIRE(task_init() == 0);
	start(p);
	CHECK(setrlimit(RLIMIT_NPROC, &rl) == 0);
	(void)shutdown(p->a, SHUT_RDWR);
	(void)shutdown(p->b, SHUT_RDWR);
	while (task_count() > 0)
		unit_sleep(1);
	CHECK(p->pump.fate == PUMP_DONE || p->pump.fate == PUMP_NO_THREAD ||
	    p->pump.fate == PUMP_LOST);
	(void)task_finish(1000);
	_exit(unit_failed);	/* the leak checker is a thread, too */
}

/* What bulk borrowed is given back at the first tick. */
static void
gives_back(void)
{
	struct pair *p = tcp_pair();
	static uint8_t data[64 * 1024];
	unsigned before;
	size_t have, sent;
	ssize_t n;
	bool more = false;

	REQUIRE(task_init() == 0);
	start(p);
	unit_sleep(20);
	before = unit_open_fds();
	/* More and more, until the buffers between us have been filled. */
	for (have = sent = 0; sent < 4 << 20 || have < sent;) {
		n = sent < 4 << 20 ? send(p->a, data, sizeof(data),
		    MSG_DONTWAIT) : 0;
		sent += n > 0 ? (size_t)n : 0;
		more |= unit_open_fds() > before;
		n = recv(p->b, data, sizeof(data), MSG_DONTWAIT);
		have += n > 0 ? (size_t)n : 0;
	}
#if defined(__linux__) && !defined(ADIT_POSIX)
	CHECK(more);
#else
	CHECK(!more);
#endif
	UNIT_AWAIT(unit_open_fds() == before);
	CHECK(task_count() == 1);
	(void)shutdown(p->a, SHUT_WR);
	(void)shutdown(p->b, SHUT_WR);
	over(p, 2000, PUMP_DONE, NULL);
	free(p);
}

/* Datagrams: a UDP-like socketpair on one side, frames on the other. */
static struct pair *
datagram_pair(bool tiny)
{
	struct pair *p = pair_new();
	int fd[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0);
	p->a = fd[1];
	unit_timeouts(fd[0], 50);
	unit_timeouts(p->a, 5000);
	conn_udp(&p->local, fd[0], fd[0], NULL, "flow");
	if (tiny) {
		REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
		unit_int_option(fd[0], SO_SNDBUF, 1);
	} else
		unit_tcp(fd);
	p->b = fd[1];
	tune_quick(fd[0]);
	conn_framed(&p->tunnel, fd[0], "tunnel", p->frames);
	p->pump.bufs = p->bufs;
	return p;
}

static void
datagrams(bool tiny)
{
	static const size_t lens[] = { 1, 0, 1472, 65507, 0, 0, 9000, 65506 };
	enum { N = sizeof(lens) / sizeof(lens[0]) };
	static uint8_t data[65507], wire[PROTO_FRAME_MAX], got[70000];
	struct pair *p = datagram_pair(tiny);
	struct span s;
	size_t i, off;
	ssize_t n;

	REQUIRE(task_init() == 0);
	unit_fill(data, sizeof(data), 1);
	start(p);
	for (i = 0; i < N; i++) {
		unit_row("%zu bytes", lens[i]);
		CHECK_EQ(send(p->a, data, lens[i], 0), lens[i]);
		CHECK_EQ(recv(p->b, wire, 2, MSG_WAITALL), 2);
		CHECK_EQ(wire[0] << 8 | wire[1], lens[i]);
		for (off = 0; off < lens[i]; off += (size_t)n)
			REQUIRE((n = recv(p->b, got + off, lens[i] - off,
			    0)) > 0);
		CHECK_BYTES(got, data, lens[i]);
	}
	/* Back: cut at every byte at first, then in large portions. */
	for (i = 0; i < N; i++) {
		unit_row("%zu bytes back", lens[i]);
		s = (struct span){ wire, 0, 0, sizeof(wire) };
		REQUIRE(proto_datagram_put(&s, data, lens[i]) == 0);
		for (; s.off < s.end; s.off += (size_t)n)
			REQUIRE((n = send(p->b, wire + s.off,
			    s.off < 20 ? 1 : s.end - s.off, 0)) > 0);
		CHECK_EQ(recv(p->a, got, sizeof(got), 0), lens[i]);
		CHECK_BYTES(got, data, lens[i]);
	}
	/* The peer's end between frames is the end of both. */
	(void)shutdown(p->b, SHUT_WR);
	CHECK_EQ(meets(p->b), 0);
	over(p, 2000, PUMP_DONE, NULL);
	free(p);
}

static void
datagrams_tcp(void)
{
	datagrams(false);
}

static void
datagrams_tiny(void)
{
	datagrams(true);
}

static void
datagrams_idle(void)
{
	struct pair *p = datagram_pair(false);

	REQUIRE(task_init() == 0);
	p->pump.idle_ms = 300;
	start(p);
	CHECK_EQ(meets(p->b), 0);	/* an orderly end, not a reset */
	over(p, 2000, PUMP_DONE, NULL);
	free(p);
}

static void
datagrams_stop(void)
{
	struct pair *p = datagram_pair(false);

	REQUIRE(task_init() == 0);
	start(p);
	unit_sleep(30);
	CHECK_EQ(task_finish(3000), 0);
	CHECK_EQ(meets(p->b), 0);
	CHECK(task_reap() == &p->task);
	CHECK_EQ(p->pump.fate, PUMP_DONE);
	free(p);
}

static void
datagrams_bad(void)
{
	struct pair *p = datagram_pair(false);

	REQUIRE(task_init() == 0);
	start(p);
	CHECK_EQ(write(p->b, "\xff\xff", 2), 2);
	CHECK_EQ(meets(p->b), ECONNRESET);
	over(p, 2000, PUMP_LOST, &p->tunnel);
	CHECK_EQ(p->pump.lost_errno, EPROTO);
	free(p);
}

static void
datagrams_cut(void)
{
	struct pair *p = datagram_pair(false);

	REQUIRE(task_init() == 0);
	start(p);
	CHECK_EQ(write(p->b, "\0\4abc", 5), 5);
	(void)shutdown(p->b, SHUT_WR);
	CHECK_EQ(meets(p->b), ECONNRESET);
	over(p, 2000, PUMP_LOST, &p->tunnel);
	free(p);
}

/* stdin and stdout on one side. */
static struct pair *
stdio_pair(int *in, int *out)
{
	struct pair *p = pair_new();
	int fd[2], i[2], o[2];

	REQUIRE(pipe(i) == 0 && pipe(o) == 0);
	REQUIRE(dup2(i[0], 0) != -1 && dup2(o[1], 1) != -1);
	(void)close(i[0]);
	(void)close(o[1]);
	*in = i[1];
	*out = o[0];
	unit_tcp(fd);
	p->b = fd[1];
	tune_quick(fd[0]);
	conn_tcp(&p->tunnel, fd[0], "tunnel");
	conn_stdio(&p->local, fd[0]);
	return p;
}

static void
stdio_bytes(void)
{
	static uint8_t data[300001];
	struct stream s = { -1, -1, sizeof(data) - 1, 3, 0, 0, false, false };
	int64_t begin;
	struct pair *p;
	pthread_t t;
	size_t have = 0;
	ssize_t n;
	int in, out;

	REQUIRE(task_init() == 0);
	p = stdio_pair(&in, &out);
	start(p);
	s.from = p->b;
	REQUIRE(pthread_create(&t, NULL, feed, &s) == 0);
	/* Whoever reads our stdout sees its end at once, although stdin is
	 * idle: its poll() must not hold on to what stdout was. */
	begin = task_now();
	while ((n = read(out, data + have, sizeof(data) - have)) > 0)
		have += (size_t)n;
	CHECK_EQ(n, 0);
	CHECK_EQ(have, s.n);
	CHECK(unit_within(task_now() - begin, 2000));
	(void)pthread_join(t, NULL);
	CHECK_EQ(write(in, "bye", 3), 3);
	(void)close(in);
	CHECK_EQ(recv(p->b, data, 3, MSG_WAITALL), 3);
	CHECK_EQ(meets(p->b), 0);
	over(p, 2000, PUMP_DONE, NULL);
	free(p);
}

/* The tunnel dies while stdout is stuck and stdin silent: it is the tunnel
 * that was lost, not stdin or stdout. */
static void
stdio_tunnel_lost(bool stuck, bool stdin_ended)
{
	static uint8_t data[65536];
	struct pair *p;
	int in, out;

	REQUIRE(task_init() == 0);
	p = stdio_pair(&in, &out);
	start(p);
	while (stuck && (send(p->b, data, sizeof(data), MSG_DONTWAIT) > 0 ||
	    (unit_sleep(150), send(p->b, data, sizeof(data), MSG_DONTWAIT)) >
	    0))
		continue;
	if (stdin_ended) {
		(void)close(in);
		unit_sleep(100);
	}
	unit_sleep(20);
	unit_reset(p->b);
	over(p, 3000, PUMP_LOST, &p->tunnel);
	free(p);
}

static void
stdio_tunnel_lost_stuck(void)
{
	stdio_tunnel_lost(true, false);
}

/* Only the watchman can see it: the other lane waits in a write that has no
 * time limit. */
static void
stdio_tunnel_lost_unseen(void)
{
	stdio_tunnel_lost(true, true);
}

static void
stdio_tunnel_lost_idle(void)
{
	stdio_tunnel_lost(false, false);
}

/* Two threads meet it at once: whoever is first must be right. */
static void
stdio_tunnel_lost_often(void)
{
	int i;

	for (i = 0; i < 50 && !unit_failed; i++) {
		unit_row("attempt %d", i);
		unit_again(stdio_tunnel_lost_idle);
	}
}

static void
stdio_nobody_reads(void)
{
	struct pair *p;
	int in, out;

	REQUIRE(task_init() == 0);
	p = stdio_pair(&in, &out);
	start(p);
	(void)close(out);
	CHECK_EQ(meets(p->b), ECONNRESET);
	over(p, 3000, PUMP_LOST, &p->local);
	CHECK_EQ(p->pump.lost_errno, EPIPE);
	free(p);
}

/* A stuck stdout, and a stop: patience is one quiet second. */
static void
stdio_stop(void)
{
	static uint8_t data[65536];
	struct pair *p;
	int64_t begin;
	int in, out;

	REQUIRE(task_init() == 0);
	p = stdio_pair(&in, &out);
	start(p);
	CHECK(send(p->b, data, sizeof(data), MSG_DONTWAIT) > 0);
	CHECK(send(p->b, data, sizeof(data), MSG_DONTWAIT) > 0);
	unit_sleep(50);
	begin = task_now();
	CHECK_EQ(task_finish(5000), 0);
	CHECK(task_now() - begin >= 900);
	CHECK(unit_within(task_now() - begin, 3000));
	CHECK(task_reap() == &p->task);
	CHECK_EQ(p->pump.fate, PUMP_STOPPED);
	free(p);
}

#ifndef ADIT_POSIX

/* What is static, hammered. */

static struct pump hammered;
static struct task hammered_task;
static struct conn hammered_local, hammered_tunnel;
static atomic_bool hammering;

static void
hammer_init(void)
{
	int fd[2];

	REQUIRE(task_init() == 0);
	unit_tcp(fd);
	conn_tcp(&hammered_local, fd[0], "local");
	unit_tcp(fd);
	conn_tcp(&hammered_tunnel, fd[0], "tunnel");
	hammered.local = &hammered_local;
	hammered.tunnel = &hammered_tunnel;
	hammered.task = &hammered_task;
	hammered_task.owner = pthread_self();
	(void)pthread_mutex_init(&hammered.mu, NULL);
	(void)pthread_cond_init(&hammered.changed, NULL);
	atomic_store(&hammered.last_ms, (uint32_t)task_now());
	atomic_store(&hammering, true);
}

static void *
move_bytes(void *arg)
{
	(void)arg;
	while (atomic_load(&hammering))
		atomic_store(&hammered.last_ms, (uint32_t)task_now());
	return NULL;
}

/* While bytes move nobody is idle, however the clock's ticks fall. */
static void
never_idle(void)
{
	int64_t until;
	pthread_t t;

	hammer_init();
	hammered.idle_ms = hammered.linger_ms = 7200 * 1000;
	hammered.lane[0].over = true;
	REQUIRE(pthread_create(&t, NULL, move_bytes, NULL) == 0);
	until = task_now() + 1000;
	while (task_now() < until && look_around(&hammered))
		continue;
	CHECK_EQ(hammered.fate, PUMP_RUNNING);
	atomic_store(&hammering, false);
	(void)pthread_join(t, NULL);
}

static void *
signal_main_thread(void *arg)
{
	pthread_t main_thread = *(pthread_t *)arg;

	while (atomic_load(&hammering))
		(void)pthread_kill(main_thread, SIGUSR1);
	return NULL;
}

/* A signal that arrives during a tick does not make the tick an error. */
static void
tick_and_signal(void)
{
	struct lane l = { .pump = &hammered, .from = &hammered_local,
	    .to = &hammered_tunnel };
	pthread_t t, self = pthread_self();
	int64_t until;

	hammer_init();
	REQUIRE(pthread_create(&t, NULL, signal_main_thread, &self) == 0);
	until = task_now() + 1000;
	do
		errno = EAGAIN;
	while (only_a_tick(&l, l.to) && task_now() < until);
	CHECK_EQ(hammered.fate, PUMP_RUNNING);
	CHECK_EQ(hammered.lost_errno, 0);
	atomic_store(&hammering, false);
	(void)pthread_join(t, NULL);
}

static void
reasons(void)
{
	static const struct {
		enum pump_fate fate;
		int err;
		const char *text;
	} rows[] = {
		{ PUMP_DONE, 0, "done" },
		{ PUMP_LOST, ECONNRESET, "reset by local" },
		{ PUMP_LOST, EPIPE, "reset by local" },
		{ PUMP_LOST, EPROTO, "damaged on the way from local" },
		{ PUMP_LOST, ECONNABORTED,
		    "cut off: no end came from local" },
		{ PUMP_LOST, EIO, "local: Input/output error" },
		{ PUMP_IDLE, 0, "idle for 90 s" },
		{ PUMP_LINGERED, 0, "half-closed and idle for 7200 s" },
		{ PUMP_STOPPED, 0, "stopped" },
		{ PUMP_NO_THREAD, 0, "no thread to be had" },
		{ PUMP_CUT, 0, "ended by an order" }
	};
	char text[PUMP_REASON_MAX];
	struct pump p;
	struct conn c;
	size_t i;

	memset(&p, 0, sizeof(p));
	conn_tcp(&c, -1, "local");
	p.lost = &c;
	p.idle_ms = 90000;
	p.linger_ms = 7200000;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		p.fate = rows[i].fate;
		p.lost_errno = rows[i].err;
		pump_reason(&p, text);
		CHECK_STR(text, rows[i].text);
	}
}

#endif

/* Pairs of one room under a limit of so many bytes a second. */
enum { LIMIT = 400 * 1000 };

static struct rate_table limits;
static struct stats counts;

static void
limit(struct pair *p, struct rate *r)
{
	if (limits.per_s == 0)
		rate_init(&limits, LIMIT);
	stats_init(&counts);
	rate_join(&limits, r, "room", task_now());
	p->pump.rate = r;
	p->pump.stats = &counts;
}

static uint64_t
counted(bool to_server)
{
	uint64_t n;

	(void)pthread_mutex_lock(&counts.mu);
	n = to_server ? counts.to_server : counts.to_client;
	(void)pthread_mutex_unlock(&counts.mu);
	return n;
}

/* Both directions together, by read and write and in bulk; all that passed is
 * counted, and some of it before the end. */
static void
limited(void)
{
	enum { BYTES = 500 * 1000 };
	struct pair *p = tcp_pair();
	static uint8_t data[BYTES];
	uint64_t early = 0;
	size_t have[2] = { 0, 0 };
	struct pollfd fds[2];
	int64_t began, ms;
	struct rate r;
	size_t sent[2] = { 0, 0 };
	ssize_t n;
	int i;

	REQUIRE(task_init() == 0);
	limit(p, &r);
	unit_int_option(p->a, SO_SNDBUF, 2 * BYTES);
	unit_int_option(p->b, SO_SNDBUF, 2 * BYTES);
	start(p);
	began = task_now();
	fds[0].fd = p->a;
	fds[1].fd = p->b;
	for (i = 0; i < 2; i++) {
		REQUIRE(fcntl(fds[i].fd, F_SETFL, O_NONBLOCK) == 0);
		fds[i].events = POLLIN | POLLOUT;
	}
	while (have[0] < BYTES || have[1] < BYTES) {
		REQUIRE(poll(fds, 2, 10000) > 0);
		for (i = 0; i < 2; i++) {
			if ((fds[i].revents & POLLOUT) != 0 &&
			    (n = write(fds[i].fd, data + sent[i],
			    BYTES - sent[i])) > 0 &&
			    (sent[i] += (size_t)n) == BYTES)
				fds[i].events = POLLIN;
			if ((fds[i].revents & POLLIN) != 0) {
				n = read(fds[i].fd, data, sizeof(data));
				REQUIRE(n > 0);
				have[i] += (size_t)n;
			}
		}
		if (have[0] < BYTES / 2)
			early = counted(true);
	}
	ms = task_now() - began;
	/* A full bucket more at the start, and a piece of each lane's. */
	CHECK(ms >= 2 * BYTES * 1000 / LIMIT * 80 / 100);
	CHECK(unit_within(ms, 2 * BYTES * 1000 / LIMIT * 120 / 100 + 500));
	CHECK(early > 0);
	REQUIRE(shutdown(p->a, SHUT_WR) == 0 && shutdown(p->b, SHUT_WR) == 0);
	over(p, 2000, PUMP_DONE, NULL);
	CHECK_EQ(counted(true), BYTES);
	CHECK_EQ(counted(false), BYTES);
	rate_leave(&r);
	free(p);
}

/* Deep in debt: what ends a pair ends it now, and it is not idle. */
static void
in_debt(int what)
{
	static const enum pump_fate fates[] = {
		PUMP_LOST, PUMP_LOST, PUMP_STOPPED
	};
	struct pair *p = tcp_pair();
	struct rate r;
	char byte;

	REQUIRE(task_init() == 0);
	limit(p, &r);
	p->pump.idle_ms = 400;
	(void)rate_pass(&r, 100 * LIMIT, task_now());
	start(p);
	REQUIRE(write(p->a, "x", 1) == 1 && recv(p->b, &byte, 1, 0) == 1);
	unit_sleep(1000);
	CHECK_EQ(task_count(), 1);
	if (what == 0)
		unit_reset(p->a);
	else if (what == 1)
		unit_reset(p->b);
	else
		(void)task_finish(0);
	if (what < 2)
		over(p, 3000, fates[what], what == 0 ? &p->local :
		    &p->tunnel);
	else
		CHECK_EQ(p->pump.fate, fates[what]);
	rate_leave(&r);
	free(p);
}

static void
debt_reset_a(void)
{
	in_debt(0);
}

static void
debt_reset_b(void)
{
	in_debt(1);
}

static void
debt_killed(void)
{
	in_debt(2);
}

int
main(void)
{
	unit_case(NAME "bytes both ways", bytes);
	unit_case(NAME "bulk both ways", bulk_bytes);
	unit_case(NAME "bulk both ways under signals", stormy);
	unit_case(NAME "tiny buffers under signals", tiny_buffers);
	unit_case(NAME "half-close, local first", half_close_a);
	unit_case(NAME "half-close, tunnel first", half_close_b);
	unit_case(NAME "local resets, idle", reset_a_idle);
	unit_case(NAME "tunnel resets, idle", reset_b_idle);
	unit_case(NAME "local resets in bulk", reset_a_bulk);
	unit_case(NAME "tunnel resets in bulk", reset_b_bulk);
	unit_case(NAME "local resets, its reader stuck", reset_a_stuck);
	unit_case(NAME "tunnel resets, its reader stuck", reset_b_stuck);
	unit_case(NAME "local resets after its end", reset_a_half);
	unit_case(NAME "tunnel resets after its end", reset_b_half);
	unit_case(NAME "local resets after the other end", reset_a_half_peer);
	unit_case(NAME "tunnel resets after the other end", reset_b_half_peer);
	unit_case(NAME "cut, idle", cut_idle);
	unit_case(NAME "cut, its reader stuck", cut_stuck);
	unit_case(NAME "cut, local at its end", cut_half);
	unit_case(NAME "cut, tunnel at its end", cut_half_peer);
	unit_case(NAME "cut before it runs", cut_before);
	unit_case(NAME "idle", idle);
	unit_case(NAME "linger", lingers);
	unit_case(NAME "a stop, then no more patience", stops);
	unit_case(NAME "killed while stuck both ways", killed_stuck);
	unit_case(NAME "no thread", no_thread);
	unit_case(NAME "bulk is given back", gives_back);
	unit_case(NAME "datagrams", datagrams_tcp);
	unit_case(NAME "datagrams into a tiny buffer", datagrams_tiny);
	unit_case(NAME "datagrams, idle", datagrams_idle);
	unit_case(NAME "datagrams, a stop", datagrams_stop);
	unit_case(NAME "datagrams, a bad frame", datagrams_bad);
	unit_case(NAME "datagrams, an end inside a frame", datagrams_cut);
	unit_case(NAME "a limit, and counting", limited);
	unit_case(NAME "in debt, local resets", debt_reset_a);
	unit_case(NAME "in debt, tunnel resets", debt_reset_b);
	unit_case(NAME "in debt, killed", debt_killed);
	unit_case(NAME "stdin and stdout", stdio_bytes);
	unit_case(NAME "stdio: tunnel lost while stuck",
	    stdio_tunnel_lost_stuck);
	unit_case(NAME "stdio: tunnel lost after stdin's end, while stuck",
	    stdio_tunnel_lost_unseen);
	unit_case(NAME "stdio: tunnel lost while idle",
	    stdio_tunnel_lost_often);
	unit_case(NAME "stdio: nobody reads stdout", stdio_nobody_reads);
	unit_case(NAME "stdio: a stop", stdio_stop);
#ifndef ADIT_POSIX
	unit_case(NAME "not idle while bytes move", never_idle);
	unit_case(NAME "a signal during a tick", tick_and_signal);
	unit_case(NAME "reasons", reasons);
#endif
	return unit_end();
}

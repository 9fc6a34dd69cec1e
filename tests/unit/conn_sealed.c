/* SPDX-License-Identifier: MIT */
/* conn_sealed.c - records on real sockets: streams, flows and pipes, their
 * ends, what passes for one and what does not. */

#include "conn.h"
#include "ctl.h"
#include "task.h"
#include "unit.h"

/* Two ends of one connection: the first one dialled. */
static struct conn a, b;
static struct seal_keys keys[2];
static uint8_t data[300000], got[sizeof(data)];

static struct seal *
make_seal(enum record_use use, bool dialled)
{
	struct seal *s;

	REQUIRE((s = seal_new(use, dialled, &keys[dialled ? 0 : 1])) != NULL);
	return s;
}

/* One record of s's goes to to's buffer, without a socket. */
static void
hand_over(struct seal *s, struct seal *to, enum record_type type,
    const void *body, size_t n)
{
	enum record_type t;
	const uint8_t *p;
	uint8_t *room;
	size_t k, left;

	REQUIRE(seal_put(s, type, body, n) == 0);
	p = seal_pending(s, &k);
	room = seal_room(to, &left);
	REQUIRE(left >= k);
	memcpy(room, p, k);
	seal_came(to, k);
	seal_sent(s, k, task_now());
	REQUIRE(seal_get(to, &t, &room, &k) == CRYPT_RECORD && t == type);
}

/* Both ends, behind their first records. */
static void
make(enum record_use use)
{
	bool link = use == RECORD_PIPE;
	struct seal *s, *t;
	int fd[2], i;

	unit_fill(data, sizeof(data), 1);
	for (i = 0; i < 2; i++) {
		keys[i].suite = BEAR_CHACHA20_POLY1305;
		unit_fill(keys[i].out, CRYPT_KEYS, 10 + (unsigned)i);
		unit_fill(keys[1 - i].in, CRYPT_KEYS, 10 + (unsigned)i);
	}
	unit_tcp(fd);
	s = make_seal(link ? RECORD_LINK : use, true);
	t = make_seal(link ? RECORD_LINK : use, false);
	hand_over(s, t, link ? RECORD_CONTROL : RECORD_OPEN, "\1", 1);
	if (link) {
		hand_over(t, s, RECORD_CONTROL, "\2", 1);
		seal_become_pipe(s);
		seal_become_pipe(t);
	} else
		hand_over(t, s, RECORD_OPENED, NULL, 0);
	conn_sealed(&a, fd[0], "a", s);
	conn_sealed(&b, fd[1], "b", t);
	conn_set_tick(&a, 50);
	conn_set_tick(&b, 50);
	unit_timeouts(fd[0], 50);
	unit_timeouts(fd[1], 50);
}

static void
drop(void)
{
	conn_close(&a, false);
	conn_close(&b, false);
}

/* Read to the end, or until nothing comes; returns how many bytes, and in
 * errno 0 at the end. */
static size_t
read_all(struct conn *c)
{
	size_t n = 0;
	bool empty;
	ssize_t k;

	for (;;) {
		errno = 0;
		k = conn_read(c, got + n, sizeof(got) - n, &empty);
		if (k <= 0)
			return n;
		CHECK(!empty);
		n += (size_t)k;
	}
}

/* Put a record on a's wire that a itself would not send. */
static void
put_raw(struct conn *c, uint8_t type, const void *body, size_t n)
{
	REQUIRE(crypt_seal(&c->seal->out.record.crypt, type, body, n,
	    &c->seal->out.wire) == 0);
	CHECK_EQ(conn_flush(c), 0);
}

static void
stream(void)
{
	static const size_t sizes[] = {
		1, 2, 100, 16383, 16384, 16385, 40000, 100000
	};
	bool empty = true;
	size_t i, n;

	REQUIRE(task_init() == 0);
	make(RECORD_STREAM);
	CHECK(!conn_is_datagram(&a) && !conn_is_pipe(&a));
	CHECK_EQ(conn_raw_in(&a), -1);
	CHECK_EQ(conn_raw_out(&a), -1);
	CHECK_EQ(conn_read(&a, got, 9, &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK(!empty);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unit_row("%zu bytes", sizes[i]);
		CHECK_EQ(conn_write(&a, data, sizes[i]), (ssize_t)sizes[i]);
		while (conn_flush(&a) == -1)
			CHECK_EQ(errno, EAGAIN);
		CHECK_EQ(read_all(&b), sizes[i]);
		CHECK_EQ(errno, EAGAIN);
		CHECK_BYTES(got, data, sizes[i]);
	}
	unit_row("in small reads");
	CHECK_EQ(conn_write(&a, data, 1000), 1000);
	for (n = 0; n < 1000; n += 7) {
		CHECK_EQ(conn_read(&b, got, 7, &empty), n + 7 <= 1000 ? 7 :
		    (ssize_t)(1000 - n));
		CHECK_BYTES(got, data + n, n + 7 <= 1000 ? 7 : 1000 - n);
	}
	unit_row("half-closed");
	CHECK_EQ(conn_write(&a, data, 5), 5);
	CHECK_EQ(conn_end(&a), 0);
	CHECK_EQ(read_all(&b), 5);
	CHECK_EQ(errno, 0);
	CHECK_EQ(conn_read(&b, got, 9, &empty), 0);
	CHECK(!conn_gone(&b));
	CHECK_EQ(conn_write(&b, data, 50000), 50000);
	CHECK_EQ(conn_end(&b), 0);
	CHECK_EQ(read_all(&a), 50000);
	CHECK_EQ(errno, 0);
	CHECK_BYTES(got, data, 50000);
	CHECK_EQ(conn_end(&a), 0);	/* again: nothing more is said */
	conn_close(&b, true);
	CHECK_EQ(recv(a.rfd, got, 1, 0), 0);
	conn_close(&a, true);
	CHECK(a.seal == NULL);
}

/* Buffers that take little, both ways at once. */
static void *
read_slowly(void *arg)
{
	size_t *n = arg;

	while (*n < sizeof(got)) {
		bool empty;
		ssize_t k = conn_read(&b, got + *n, sizeof(got) - *n, &empty);

		if (k == 0)
			break;
		if (k > 0)
			*n += (size_t)k;
		else if (errno != EAGAIN)
			break;
	}
	return NULL;
}

static void
short_writes(void)
{
	size_t sent = 0, n = 0, part;
	pthread_t t;
	int fd[2];
	ssize_t k;

	REQUIRE(task_init() == 0);
	make(RECORD_STREAM);
	/* TCP would wait now and then before it fills so small a window. */
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	REQUIRE(dup2(fd[0], a.wfd) != -1 && dup2(fd[1], b.rfd) != -1);
	(void)close(fd[0]);
	(void)close(fd[1]);
	unit_int_option(a.wfd, SO_SNDBUF, 1);
	unit_timeouts(a.wfd, 1);
	unit_timeouts(b.rfd, 50);
	REQUIRE(pthread_create(&t, NULL, read_slowly, &n) == 0);
	while (sent < sizeof(data)) {
		part = sizeof(data) - sent;
		k = conn_write(&a, data + sent, part < 30011 ? part : 30011);
		if (k > 0)
			sent += (size_t)k;
		else {
			CHECK_EQ(k, -1);
			CHECK_EQ(errno, EAGAIN);
		}
	}
	while (conn_end(&a) == -1)
		CHECK_EQ(errno, EAGAIN);
	(void)pthread_join(t, NULL);
	CHECK_EQ(n, sizeof(data));
	CHECK_BYTES(got, data, sizeof(data));
	drop();
}

static void
flow(void)
{
	static const size_t sizes[] = { 0, 1, 1400, 65507, 0, 2 };
	size_t i;
	bool empty;

	REQUIRE(task_init() == 0);
	make(RECORD_FLOW);
	CHECK(conn_is_datagram(&a) && !conn_is_pipe(&a));
	for (i = 0; i < 6; i++)
		CHECK_EQ(conn_write(&a, data + i, sizes[i]),
		    (ssize_t)sizes[i]);
	CHECK_EQ(conn_write(&a, data, 65508), -1);
	CHECK_EQ(errno, EMSGSIZE);
	CHECK_EQ(conn_flush(&a), 0);
	for (i = 0; i < 6; i++) {
		unit_row("datagram %zu", i);
		CHECK_EQ(conn_read(&b, got, CONN_DATAGRAM_BUF, &empty),
		    (ssize_t)sizes[i]);
		CHECK_EQ(empty, sizes[i] == 0);
		CHECK_BYTES(got, data + i, sizes[i]);
	}
	CHECK_EQ(conn_end(&a), 0);
	CHECK_EQ(conn_read(&b, got, CONN_DATAGRAM_BUF, &empty), 0);
	CHECK(!empty);
	drop();
}

/* A pipe from beginning to end: END, DONE, each way. */
static void
pipe_ends(void)
{
	bool empty;

	REQUIRE(task_init() == 0);
	make(RECORD_PIPE);
	CHECK(conn_is_pipe(&a) && !conn_is_datagram(&a));
	CHECK_EQ(conn_write(&a, data, 10), 10);
	CHECK_EQ(conn_end(&a), 0);
	CHECK_EQ(read_all(&b), 10);
	CHECK_EQ(errno, 0);
	CHECK_EQ(conn_done(&b), 0);
	CHECK_EQ(conn_done(&b), 0);	/* said once */
	CHECK_EQ(conn_write(&b, data, 20), 20);
	CHECK_EQ(read_all(&a), 0);	/* DONE is no data, but a tick ... */
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(read_all(&a), 20);	/* ... which nothing is lost by */
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(conn_await_done(&a), 0);
	CHECK_EQ(conn_end(&b), 0);
	CHECK_EQ(read_all(&a), 0);
	CHECK_EQ(errno, 0);
	CHECK_EQ(conn_read(&a, got, 1, &empty), 0);
	CHECK_EQ(conn_await_done(&b), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(conn_done(&a), 0);
	CHECK_EQ(conn_await_done(&b), 0);
	CHECK(!conn_was_stopped(&a) && !conn_was_stopped(&b));
	drop();
}

/* What is no end, and what comes at the wrong time. */
static void
no_ends(void)
{
	static const struct {
		const char *what;
		enum record_use use;
		int err;
	} rows[] = {
		{ "FIN", RECORD_STREAM, ECONNABORTED },
		{ "FIN", RECORD_PIPE, ECONNABORTED },
		{ "FIN", RECORD_FLOW, ECONNABORTED },
		{ "RST", RECORD_STREAM, ECONNRESET },
		{ "half", RECORD_STREAM, ECONNABORTED },
		{ "FIN after END", RECORD_PIPE, ECONNABORTED },
		{ "DONE before our END", RECORD_PIPE, EPROTO },
		{ "DATA of nothing", RECORD_STREAM, EPROTO },
		{ "DONE on a stream", RECORD_STREAM, EPROTO },
		{ "CONTROL on a stream", RECORD_STREAM, EPROTO },
		{ "KEEPALIVE on a stream", RECORD_STREAM, EPROTO },
		{ "DATA in a flow", RECORD_FLOW, EPROTO },
		{ "DATAGRAM in a pipe", RECORD_PIPE, EPROTO },
		{ "OPEN again", RECORD_STREAM, EPROTO },
		{ "an ASK", RECORD_PIPE, EPROTO },
		{ "another BYE", RECORD_PIPE, ECONNREFUSED },
		{ "nonsense", RECORD_PIPE, EPROTO },
		{ "stopped after END", RECORD_PIPE, ECONNREFUSED },
		{ "a bit", RECORD_STREAM, EPROTO }
	};
	static const struct ctl stop = { .kind = CTL_BYE,
	    .reason = CTL_STOPPING };
	static const struct ctl other = { .kind = CTL_BYE,
	    .reason = CTL_REPLACED };
	static const struct ctl asks = { .kind = CTL_ASK, .number = 1 };
	uint8_t body[RECORD_CONTROL_MAX];
	const char *what;
	size_t i, n;
	bool udp, empty;

	REQUIRE(task_init() == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		what = rows[i].what;
		unit_row("row %zu, %s", i, what);
		make(rows[i].use);
		udp = rows[i].use == RECORD_FLOW;
		CHECK_EQ(conn_write(&a, data, 7), 7);
		CHECK_EQ(conn_read(&b, got, CONN_DATAGRAM_BUF, &empty), 7);
		if (strcmp(what, "FIN") == 0)
			(void)shutdown(a.wfd, SHUT_WR);
		else if (strcmp(what, "RST") == 0)
			unit_reset(dup(a.wfd)), conn_close(&a, false);
		else if (strcmp(what, "half") == 0) {
			REQUIRE(seal_put(a.seal, RECORD_DATA, data, 50) == 0);
			CHECK_EQ(send(a.wfd, seal_pending(a.seal, &n), 60, 0),
			    60);
			(void)shutdown(a.wfd, SHUT_WR);
		} else if (strcmp(what, "FIN after END") == 0) {
			CHECK_EQ(conn_end(&a), 0);
			CHECK_EQ(read_all(&b), 0);
			CHECK_EQ(errno, 0);
			(void)shutdown(a.wfd, SHUT_WR);
			CHECK_EQ(conn_await_done(&b), -1);
			CHECK_EQ(errno, rows[i].err);
			drop();
			continue;
		} else if (strcmp(what, "DONE before our END") == 0)
			put_raw(&a, RECORD_DONE, NULL, 0);
		else if (strcmp(what, "DATA of nothing") == 0)
			put_raw(&a, RECORD_DATA, NULL, 0);
		else if (strncmp(what, "DONE", 4) == 0)
			put_raw(&a, RECORD_DONE, NULL, 0);
		else if (strncmp(what, "CONTROL", 7) == 0)
			put_raw(&a, RECORD_CONTROL, body,
			    ctl_put(&stop, body));
		else if (strncmp(what, "KEEP", 4) == 0)
			put_raw(&a, RECORD_KEEPALIVE, data, 8);
		else if (strcmp(what, "DATA in a flow") == 0)
			put_raw(&a, RECORD_DATA, data, 8);
		else if (strncmp(what, "DATAGRAM", 8) == 0)
			put_raw(&a, RECORD_DATAGRAM, data, 8);
		else if (strcmp(what, "OPEN again") == 0)
			put_raw(&a, RECORD_OPEN, "\1", 1);
		else if (strcmp(what, "an ASK") == 0)
			put_raw(&a, RECORD_CONTROL, body,
			    ctl_put(&asks, body));
		else if (strcmp(what, "another BYE") == 0)
			put_raw(&a, RECORD_CONTROL, body,
			    ctl_put(&other, body));
		else if (strcmp(what, "nonsense") == 0)
			put_raw(&a, RECORD_CONTROL, "\x63", 1);
		else if (strcmp(what, "stopped after END") == 0) {
			CHECK_EQ(conn_end(&a), 0);
			put_raw(&a, RECORD_CONTROL, body,
			    ctl_put(&stop, body));
			CHECK_EQ(read_all(&b), 0);
			CHECK_EQ(errno, 0);
			CHECK_EQ(conn_await_done(&b), -1);
			CHECK_EQ(errno, rows[i].err);
			CHECK(!conn_was_stopped(&b));
			drop();
			continue;
		} else {
			REQUIRE(seal_put(a.seal, RECORD_DATA, data, 50) == 0);
			a.seal->out.wire.buf[a.seal->out.wire.off + 30] ^= 4;
			CHECK_EQ(conn_flush(&a), 0);
		}
		errno = 0;
		CHECK_EQ(conn_read(&b, got, udp ? CONN_DATAGRAM_BUF : 100,
		    &empty), -1);
		CHECK_EQ(errno, rows[i].err);
		/* And so it stays, whatever follows. */
		if (rows[i].err == EPROTO) {
			put_raw(&a, udp ? RECORD_DATAGRAM : RECORD_DATA, data,
			    9);
			CHECK_EQ(conn_read(&b, got, CONN_DATAGRAM_BUF,
			    &empty), -1);
			CHECK_EQ(errno, EPROTO);
		}
		if (strcmp(what, "RST") != 0)
			conn_close(&a, false);
		conn_close(&b, false);
	}
}

/* Data before the damage is delivered, nothing of what is behind it. */
static void
damage(void)
{
	size_t at, n, whole;
	uint8_t wire[400];
	int fd;

	REQUIRE(task_init() == 0);
	for (at = 0; at < 3 * (20 + CRYPT_OVERHEAD); at++) {
		unit_row("byte %zu", at);
		make(RECORD_STREAM);
		for (n = 0; n < 3; n++)
			REQUIRE(seal_put(a.seal, RECORD_DATA, data + 20 * n,
			    20) == 0);
		REQUIRE(seal_put(a.seal, RECORD_END, NULL, 0) == 0);
		memcpy(wire, seal_pending(a.seal, &n), sizeof(wire));
		REQUIRE(n <= sizeof(wire));
		fd = a.wfd;
		wire[at] ^= 0x01;
		CHECK_EQ(send(fd, wire, n, 0), (ssize_t)n);
		(void)shutdown(fd, SHUT_WR);
		whole = at / (20 + CRYPT_OVERHEAD) * 20;
		CHECK_EQ(read_all(&b), whole);
		/* A length that is longer than what comes is cut off. */
		CHECK(errno == EPROTO || (errno == ECONNABORTED &&
		    at % (20 + CRYPT_OVERHEAD) < 2));
		CHECK_BYTES(got, data, whole);
		drop();
	}
}

/* Byte by byte, with ticks in between: the same. */
static void
bytewise(void)
{
	const uint8_t *p;
	size_t n, i, have = 0;
	uint8_t wire[200];
	bool empty;
	ssize_t k = -1;

	REQUIRE(task_init() == 0);
	make(RECORD_PIPE);
	conn_set_tick(&b, 1);
	REQUIRE(seal_put(a.seal, RECORD_DATA, data, 30) == 0);
	REQUIRE(seal_put_keepalive(a.seal, 1) == 0);
	REQUIRE(seal_put(a.seal, RECORD_DATA, data + 30, 30) == 0);
	REQUIRE(seal_put(a.seal, RECORD_END, NULL, 0) == 0);
	p = seal_pending(a.seal, &n);
	REQUIRE(n <= sizeof(wire));
	memcpy(wire, p, n);
	for (i = 0; i < n; i++) {
		CHECK_EQ(send(a.wfd, wire + i, 1, 0), 1);
		do {
			k = conn_read(&b, got + have, 100, &empty);
			if (k > 0)
				have += (size_t)k;
		} while (k > 0);
		CHECK(k == -1 || i == n - 1);
		if (k == -1)
			CHECK_EQ(errno, EAGAIN);
	}
	CHECK_EQ(k, 0);
	CHECK_EQ(have, 60);
	CHECK_BYTES(got, data, 60);
	drop();
}

/* A stop that is said comes before the end, whatever was in its way: a full
 * socket, and a sign of life half sent. */
static void
stopped(void)
{
	size_t n, filled, tries;
	bool empty;
	ssize_t k;
	int i;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 2; i++) {
		unit_row("full %d", i);
		make(RECORD_PIPE);
		filled = n = tries = 0;
		if (i == 1) {
			unit_timeouts(a.wfd, 20);
			unit_int_option(a.wfd, SO_SNDBUF, 1);
			/* There may be room again after it was full. */
			do {
				while (conn_write(&a, data, 1) == 1)
					filled++;
				CHECK_EQ(errno, EAGAIN);
				tries++;
				REQUIRE(seal_put_keepalive(a.seal, 1) == 0);
			} while (conn_flush(&a) == 0);
			CHECK_EQ(errno, EAGAIN);
		}
		CHECK(conn_say_stopped(&a));
		while (conn_end(&a) == -1) {
			CHECK_EQ(errno, EAGAIN);
			k = conn_read(&b, got, sizeof(got), &empty);
			n += k > 0 ? (size_t)k : 0;
		}
		while ((k = conn_read(&b, got, sizeof(got), &empty)) != 0) {
			CHECK(k > 0 || errno == EAGAIN);
			if (k == -1 && errno != EAGAIN)
				break;
			n += k > 0 ? (size_t)k : 0;
		}
		CHECK(n >= filled && n <= filled + tries);
		CHECK(conn_was_stopped(&b));
		CHECK(!conn_was_stopped(&a));
		drop();
	}
	/* Elsewhere it cannot be said; then an end would be a lie. */
	make(RECORD_STREAM);
	CHECK(!conn_say_stopped(&a));
	drop();
	make(RECORD_FLOW);
	CHECK(!conn_say_stopped(&a));
	drop();
}

/* Signs of life: said when due, taken without a word, and their absence
 * noticed, only where they are due and only while we wait. */
static void
life(void)
{
	int64_t began;
	bool empty;
	size_t n;
	int i;

	REQUIRE(task_init() == 0);
	make(RECORD_PIPE);
	conn_keep_alive(&a);
	CHECK_EQ(recv(b.rfd, got, 1, MSG_DONTWAIT), -1);
	a.seal->sent_at = task_now() - 3001;
	conn_keep_alive(&a);
	conn_keep_alive(&a);		/* once */
	CHECK_EQ(conn_read(&b, got, 1, &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK(atomic_load(&b.seal->heard));
	CHECK_EQ(recv(b.rfd, got, 1, MSG_DONTWAIT), -1);
	unit_row("silence");
	b.seal->waited_ms = CONN_DEAD_MS - 120;
	began = task_now();
	for (i = 0; i < 10; i++) {
		CHECK_EQ(conn_read(&b, got, 1, &empty), -1);
		if (errno != EAGAIN)
			break;
	}
	CHECK_EQ(errno, ETIMEDOUT);
	CHECK(task_now() - began >= 100);
	CHECK(unit_within(task_now() - began, 2000));
	unit_row("which one byte ends");
	b.seal->waited_ms = CONN_DEAD_MS - 60;
	CHECK_EQ(conn_write(&a, data, 1), 1);
	CHECK_EQ(conn_read(&b, got, 1, &empty), 1);
	CHECK_EQ(b.seal->waited_ms, 0);
	unit_row("many of them hold nobody up");
	for (i = 0; i < 50; i++)
		REQUIRE(seal_put_keepalive(a.seal, i) == 0);
	CHECK_EQ(conn_flush(&a), 0);
	for (i = 0; i < 50; i++) {
		CHECK_EQ(conn_read(&b, got, 1, &empty), -1);
		CHECK_EQ(errno, EAGAIN);
	}
	drop();
	unit_row("a stream says nothing, and is patient");
	make(RECORD_STREAM);
	a.seal->sent_at = task_now() - 100000;
	conn_keep_alive(&a);
	(void)seal_pending(a.seal, &n);
	CHECK_EQ(n, 0);
	CHECK_EQ(recv(b.rfd, got, 1, MSG_DONTWAIT), -1);
	b.seal->waited_ms = CONN_DEAD_MS;
	CHECK_EQ(conn_read(&b, got, 1, &empty), -1);
	CHECK_EQ(errno, EAGAIN);
	drop();
}

/* At rest the buffers are small again, and nothing is lost. */
static void
rest(void)
{
	bool empty;

	REQUIRE(task_init() == 0);
	make(RECORD_STREAM);
	CHECK_EQ(conn_write(&a, data, 60000), 60000);
	while (conn_flush(&a) == -1)
		CHECK_EQ(errno, EAGAIN);
	unit_row("a record half taken");
	CHECK_EQ(conn_read(&b, got, 1000, &empty), 1000);
	conn_rest_in(&b);
	conn_rest_out(&a);
	CHECK_EQ(a.seal->out.high, 0);
	CHECK_EQ(read_all(&b), 59000);
	CHECK_BYTES(got, data + 1000, 59000);
	conn_rest_in(&b);
	conn_rest_out(&b);
	CHECK_EQ(b.seal->in.high, 0);
	CHECK_EQ(conn_write(&a, data, 60000), 60000);
	CHECK_EQ(read_all(&b), 60000);
	CHECK_BYTES(got, data, 60000);
	drop();
}

int
main(void)
{
	unit_case("conn, sealed: a stream", stream);
	unit_case("conn, sealed: short writes", short_writes);
	unit_case("conn, sealed: a flow", flow);
	unit_case("conn, sealed: a pipe's ends", pipe_ends);
	unit_case("conn, sealed: what is no end", no_ends);
	unit_case("conn, sealed: damage at each byte", damage);
	unit_case("conn, sealed: byte by byte", bytewise);
	unit_case("conn, sealed: stopped", stopped);
	unit_case("conn, sealed: signs of life", life);
	unit_case("conn, sealed: at rest", rest);
	return unit_end();
}

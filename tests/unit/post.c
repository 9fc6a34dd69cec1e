/* SPDX-License-Identifier: MIT */
/* post.c - messages between a server and its relay, over a real socket, plain
 * and sealed.  The other side is played here, byte by byte. */

#include "post.h"
#include "sealed.h"
#include "task.h"
#include "unit.h"

/* Our side, and the other one. */
static struct post p;
static struct seal *other;
static int fd;

static void
make(bool sealed)
{
	struct seal_keys k = { .suite = BEAR_CHACHA20_POLY1305 };
	struct seal *s = NULL;
	int pair[2];

	unit_tcp(pair);
	other = NULL;
	if (sealed) {
		unit_fill(k.in, sizeof(k.in), 1);
		unit_fill(k.out, sizeof(k.out), 2);
		REQUIRE((s = seal_new(RECORD_LINK, false, &k)) != NULL);
		unit_fill(k.in, sizeof(k.in), 2);
		unit_fill(k.out, sizeof(k.out), 1);
		REQUIRE((other = seal_new(RECORD_LINK, true, &k)) != NULL);
	}
	post_init(&p, pair[0], s);
	fd = pair[1];
	unit_timeouts(fd, 3000);
}

static void
drop(bool clean)
{
	if (clean)
		(void)shutdown(fd, SHUT_WR);
	post_close(&p, clean);
	CHECK(p.seal == NULL);
	seal_free(other);
	if (fd != -1)
		(void)close(fd);
}

static void
put(const void *bytes, size_t n)
{
	CHECK_EQ(send(fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* The bytes of a message as they come: into out, where there is room for the
 * longest; returns how many. */
static size_t
wire(const struct meet *m, uint8_t *out)
{
	size_t n;
	const uint8_t *pending;

	if (other == NULL) {
		n = meet_put(m, out + 2);
		out[0] = (uint8_t)(n >> 8);
		out[1] = (uint8_t)n;
		return n + 2;
	}
	n = meet_put(m, out);
	REQUIRE(seal_put(other, RECORD_CONTROL, out, n) == 0);
	pending = seal_pending(other, &n);
	REQUIRE(n <= 2 * MEET_BODY_MAX);
	memcpy(out, pending, n);
	seal_sent(other, n, task_now());
	return n;
}

/* What the other side hears next: false, nothing more. */
static bool
hear(struct meet *m)
{
	struct net_wait w = { task_now() + 2000, -1 };
	uint8_t len[2], body[MEET_BODY_MAX], *sealed;
	enum record_type type;
	size_t n;

	if (other != NULL)
		return sealed_read(other, fd, &w, &type, &sealed, &n) == 0 &&
		    type == RECORD_CONTROL && meet_get(m, sealed, n);
	if (recv(fd, len, 2, MSG_WAITALL) != 2)
		return false;
	n = (size_t)(len[0] << 8 | len[1]);
	return n <= sizeof(body) && recv(fd, body, n, MSG_WAITALL) ==
	    (ssize_t)n && meet_get(m, body, n);
}

static int
next(struct meet *m, int ms)
{
	struct net_wait w = { task_now() + ms, -1 };

	return post_read(&p, m, &w);
}

static struct meet
ping(uint32_t stamp)
{
	struct meet m = { .kind = MEET_M_PING, .stamp = stamp };

	return m;
}

static void
said(void)
{
	/* What PING with this stamp is on the wire. */
	static const uint8_t golden[] = { 0, 5, 6, 1, 2, 3, 4 };
	uint8_t got[sizeof(golden) + 1];
	struct meet m = ping(0x01020304);
	char text[400];
	int64_t began;
	int i;

	REQUIRE(task_init() == 0);
	unit_row("golden");
	make(false);
	post_say(&p, &m);
	CHECK_EQ(recv(fd, got, sizeof(got), 0), sizeof(golden));
	CHECK_BYTES(got, golden, sizeof(golden));
	drop(false);
	for (i = 0; i < 2; i++) {
		unit_row("sealed: %d", i);
		make(i == 1);
		began = task_now();
		CHECK(p.sent_at >= began - 100 && p.sent_at <= began);
		p.sent_at = 0;
		m = ping(7);
		post_say(&p, &m);
		CHECK(p.sent_at >= began);
		m.kind = MEET_M_BYE;
		CHECK(hear(&m));
		CHECK_EQ(m.kind, MEET_M_PING);
		CHECK_EQ(m.stamp, 7);
		post_say_reason(&p, MEET_M_REFUSED, MEET_R_FULL, "so full");
		CHECK(hear(&m));
		CHECK_EQ(m.kind, MEET_M_REFUSED);
		CHECK_EQ(m.reason, MEET_R_FULL);
		CHECK_STR(m.text, "so full");
		/* Too long a sentence is cut. */
		memset(text, 'x', sizeof(text) - 1);
		text[sizeof(text) - 1] = '\0';
		post_say_reason(&p, MEET_M_BYE, MEET_R_BUSY, text);
		CHECK(hear(&m));
		CHECK_EQ(m.kind, MEET_M_BYE);
		CHECK_EQ(strlen(m.text), MEET_SENTENCE_MAX);
		/* One of just the length that fits. */
		text[MEET_SENTENCE_MAX] = '\0';
		post_say_reason(&p, MEET_M_BYE, MEET_R_BUSY, text);
		CHECK(hear(&m));
		CHECK_STR(m.text, text);
		/* What was said last arrives, in order. */
		post_say_reason(&p, MEET_M_BYE, MEET_R_STOPPING, "");
		(void)shutdown(fd, SHUT_WR);
		post_close(&p, true);
		CHECK(hear(&m));
		CHECK_EQ(m.reason, MEET_R_STOPPING);
		CHECK_EQ(recv(fd, got, 1, 0), 0);
		seal_free(other);
		(void)close(fd);
	}
}

/* Three messages in a row, cut at every byte, and byte by byte. */
static void
cut(void)
{
	uint8_t bytes[6 * MEET_BODY_MAX];
	struct meet m, say[3];
	size_t at, n, i;
	int sealed;

	REQUIRE(task_init() == 0);
	memset(say, 0, sizeof(say));
	say[0] = ping(1);
	say[1].kind = MEET_M_CALL;
	unit_fill(say[1].id, MEET_ID, 3);
	say[2].kind = MEET_M_BYE;
	say[2].reason = MEET_R_STOPPING;
	memcpy(say[2].text, "good bye", 9);
	for (sealed = 0; sealed < 2; sealed++) {
		make(sealed == 1);
		for (at = 1, n = 2; at < n; at++) {
			unit_row("sealed: %d, cut at %zu", sealed, at);
			for (i = 0, n = 0; i < 3; i++)
				n += wire(&say[i], bytes + n);
			/* On a pair of its own a cut is sure to be seen. */
			put(bytes, at);
			i = 0;
			while (next(&m, 1) == 0)
				CHECK_EQ(m.kind, say[i++].kind);
			CHECK_EQ(errno, ETIMEDOUT);
			CHECK(i < 3);
			put(bytes + at, n - at);
			while (i < 3 && next(&m, 1000) == 0)
				CHECK_EQ(m.kind, say[i++].kind);
			CHECK_EQ(i, 3);
			CHECK_STR(m.text, "good bye");
			CHECK_EQ(post_next(&p, &m), 0);
		}
		CHECK(n > 30);
		unit_row("sealed: %d, bytewise", sealed);
		for (i = 0, n = 0; i < 3; i++)
			n += wire(&say[i], bytes + n);
		for (at = i = 0; at < n; at++) {
			CHECK_EQ(post_next(&p, &m), 0);
			put(bytes + at, 1);
			if (next(&m, at == n - 1 ? 1000 : 1) == 0)
				CHECK_EQ(m.kind, say[i++].kind);
		}
		CHECK_EQ(i, 3);
		drop(false);
	}
}

/* Very many of the longest, so that whatever boundary there is in a buffer
 * is met; and many in one segment are all there at once. */
static void
many(void)
{
	uint8_t bytes[40 * 7 + MEET_BODY_MAX], one[2 * MEET_BODY_MAX];
	struct meet m, long_one;
	uint32_t sent = 0, got = 0;
	size_t i, n;
	int sealed;

	REQUIRE(task_init() == 0);
	memset(&long_one, 0, sizeof(long_one));
	long_one.kind = MEET_M_BYE;
	long_one.reason = MEET_R_BUSY;
	memset(long_one.text, 'x', MEET_SENTENCE_MAX);
	for (sealed = 0; sealed < 2; sealed++) {
		unit_row("sealed: %d", sealed);
		make(sealed == 1);
		sent = got = 0;
		for (i = 0; i < 200; i++) {
			m = ping(++sent);
			n = wire(i % 3 == 0 ? &long_one : &m, one);
			put(one, n);
		}
		for (i = 0; i < 200; i++) {
			REQUIRE(next(&m, 2000) == 0);
			got++;
			CHECK_EQ(m.kind, i % 3 == 0 ? MEET_M_BYE :
			    MEET_M_PING);
			if (i % 3 != 0)
				CHECK_EQ(m.stamp, got);
			else
				CHECK_EQ(strlen(m.text), MEET_SENTENCE_MAX);
		}
		drop(false);
	}
	unit_row("one segment");
	make(false);
	for (i = 0, n = 0; i < 40; i++) {
		m = ping((uint32_t)i);
		n += wire(&m, bytes + n);
	}
	put(bytes, n);
	REQUIRE(next(&m, 2000) == 0);
	for (i = 1; i < 40; i++) {
		CHECK_EQ(post_next(&p, &m), 1);
		CHECK_EQ(m.stamp, i);
	}
	CHECK_EQ(post_next(&p, &m), 0);
	CHECK_EQ(post_fill(&p), 0);	/* nothing there: no failure */
	drop(false);
}

static void
garbage(void)
{
	static const struct {
		const char *what;
		size_t n;
		uint8_t bytes[8];
		bool after;	/* a good one comes first, in the same flight */
	} rows[] = {
		{ "length 0", 2, { 0, 0 }, false },
		{ "length 0 behind one", 2, { 0, 0 }, true },
		{ "length 321", 2, { 1, 65 }, false },
		{ "length 321 behind one", 2, { 1, 65 }, true },
		{ "length 65535", 2, { 255, 255 }, false },
		{ "kind 0", 3, { 0, 1, 0 }, false },
		{ "kind 9", 3, { 0, 1, 9 }, false },
		{ "short ping", 6, { 0, 4, 6, 1, 2, 3 }, false },
		{ "long ping", 8, { 0, 6, 6, 1, 2, 3, 4, 5 }, true },
		{ "reason 0", 4, { 0, 2, 8, 0 }, false },
		{ "text", 8, "SSH-2.0-", false },
		{ "http", 8, "GET / HT", false }
	};
	uint8_t bytes[2 * MEET_BODY_MAX];
	struct meet m;
	size_t i, n;

	REQUIRE(task_init() == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].what);
		make(false);
		m = ping(5);
		n = rows[i].after ? wire(&m, bytes) : 0;
		memcpy(bytes + n, rows[i].bytes, rows[i].n);
		put(bytes, n + rows[i].n);
		if (rows[i].after) {
			CHECK_EQ(next(&m, 1000), 0);
			CHECK_EQ(m.stamp, 5);
		}
		CHECK_EQ(next(&m, 1000), -1);
		CHECK_EQ(errno, EPROTO);
		/* And so it stays. */
		errno = 0;
		CHECK_EQ(post_next(&p, &m), -1);
		CHECK_EQ(errno, EPROTO);
		drop(false);
	}
	/* The longest there may be is waited for. */
	unit_row("length 320");
	make(false);
	put("\1\100", 2);
	CHECK_EQ(next(&m, 20), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	memset(bytes, 'x', 320);
	put(bytes, 320);
	CHECK_EQ(next(&m, 1000), -1);
	CHECK_EQ(errno, EPROTO);
	drop(false);
}

static void
garbage_sealed(void)
{
	static const char *const rows[] = {
		"a bit", "no message", "data", "empty", "keepalive", "plain"
	};
	uint8_t bytes[2 * MEET_BODY_MAX];
	struct meet m;
	size_t i, n;

	REQUIRE(task_init() == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i]);
		make(true);
		m = ping(5);
		if (i == 0) {
			n = wire(&m, bytes);
			bytes[n - 1] ^= 1;
			put(bytes, n);
		} else if (i < 5) {
			REQUIRE(crypt_seal(&other->out.record.crypt, i == 2 ?
			    RECORD_DATA : i == 4 ? RECORD_KEEPALIVE :
			    RECORD_CONTROL, i == 1 ? "\11" : "12345678",
			    i == 1 ? 1 : i == 3 ? 0 : 8, &other->out.wire) ==
			    0);
			put(other->out.wire.buf + other->out.wire.off,
			    span_used(&other->out.wire));
		} else
			put("\0\5\6\1\2\3\4", 7);
		if (i == 5)	/* may be the beginning of a record */
			(void)shutdown(fd, SHUT_WR);
		CHECK_EQ(next(&m, 1000), -1);
		CHECK(errno == EPROTO || (i == 5 && errno == ECONNRESET));
		drop(false);
	}
}

/* The ways in which waiting ends. */
static void
ends(void)
{
	uint8_t bytes[2 * MEET_BODY_MAX];
	struct net_wait w;
	struct meet m;
	int64_t began;
	size_t n;
	int sealed, watch[2];

	REQUIRE(task_init() == 0);
	for (sealed = 0; sealed < 2; sealed++) {
		unit_row("deadline, sealed: %d", sealed);
		make(sealed == 1);
		began = task_now();
		CHECK_EQ(next(&m, 50), -1);
		CHECK_EQ(errno, ETIMEDOUT);
		CHECK(task_now() - began >= 50);
		CHECK(unit_within(task_now() - began, 2000));
		unit_row("end, sealed: %d", sealed);
		m = ping(1);
		n = wire(&m, bytes);
		put(bytes, n);
		(void)shutdown(fd, SHUT_WR);
		CHECK_EQ(next(&m, 1000), 0);	/* first what came before */
		CHECK_EQ(next(&m, 1000), -1);
		CHECK_EQ(errno, ECONNRESET);
		CHECK_EQ(post_fill(&p), -1);
		CHECK_EQ(errno, ECONNRESET);
		drop(true);
		unit_row("end in a message, sealed: %d", sealed);
		make(sealed == 1);
		m = ping(1);
		n = wire(&m, bytes);
		put(bytes, n - 1);
		(void)shutdown(fd, SHUT_WR);
		CHECK_EQ(next(&m, 1000), -1);
		CHECK_EQ(errno, ECONNRESET);
		drop(true);
		unit_row("reset, sealed: %d", sealed);
		make(sealed == 1);
		unit_reset(fd);
		fd = -1;
		CHECK_EQ(next(&m, 1000), -1);
		CHECK_EQ(errno, ECONNRESET);
		drop(false);
		unit_row("somebody else ends it, sealed: %d", sealed);
		make(sealed == 1);
		net_end_reading(p.fd);
		CHECK_EQ(next(&m, 1000), -1);
		CHECK_EQ(errno, ECONNRESET);
		drop(false);
		unit_row("what was watched, sealed: %d", sealed);
		make(sealed == 1);
		unit_tcp(watch);
		unit_reset(watch[1]);
		w.until = task_now() + 2000;
		w.watch = watch[0];
		CHECK_EQ(post_read(&p, &m, &w), -1);
		CHECK_EQ(errno, ECONNABORTED);
		(void)close(watch[0]);
		/* Not in order: the other side finds a reset. */
		post_close(&p, false);
		(void)recv(fd, bytes, 1, 0);
		seal_free(other);
		(void)close(fd);
	}
}

static void *
stop_soon(void *arg)
{
	(void)arg;
	unit_sleep(30);
	task_stop();
	return NULL;
}

static void
stopped(void)
{
	pthread_t t;
	struct meet m;

	REQUIRE(task_init() == 0);
	make(false);
	REQUIRE(pthread_create(&t, NULL, stop_soon, NULL) == 0);
	CHECK_EQ(next(&m, 5000), -1);
	CHECK_EQ(errno, ECANCELED);
	(void)pthread_join(t, NULL);
	/* What is to be said then still goes out. */
	post_say_reason(&p, MEET_M_BYE, MEET_R_STOPPING, "");
	CHECK(hear(&m));
	CHECK_EQ(m.kind, MEET_M_BYE);
	drop(true);
}

/* A side that takes nothing holds nobody up, and its connection is ended: the
 * thread that reads finds an end. */
static void
not_taken(void)
{
	struct meet m;
	int64_t began;
	size_t n;
	int sealed;

	REQUIRE(task_init() == 0);
	for (sealed = 0; sealed < 2; sealed++) {
		unit_row("sealed: %d", sealed);
		make(sealed == 1);
		unit_int_option(p.fd, SO_SNDBUF, 1);
		unit_int_option(fd, SO_RCVBUF, 1);
		memset(&m, 0, sizeof(m));
		m.kind = MEET_M_BYE;
		m.reason = MEET_R_BUSY;
		memset(m.text, 'x', MEET_SENTENCE_MAX);
		began = task_now();
		for (n = 0; n < 100000 && !net_readable(p.fd); n++)
			post_say(&p, &m);
		CHECK(n > 2 && n < 100000);
		CHECK(unit_within(task_now() - began, 5000));
		CHECK_EQ(next(&m, 1000), -1);
		CHECK_EQ(errno, ECONNRESET);
		/* And nothing said later can hang, or do harm. */
		post_say(&p, &m);
		drop(false);
	}
	unit_row("gone");
	make(false);
	unit_reset(fd);
	fd = -1;
	m = ping(1);
	post_say(&p, &m);
	post_say(&p, &m);
	CHECK_EQ(next(&m, 1000), -1);
	CHECK_EQ(errno, ECONNRESET);
	drop(false);
}

/* Many say something at once, while one reads: all of it arrives whole, and
 * each speaker's in order. */
enum { SPEAKERS = 4, WORDS = 200 };

static void *
speak(void *arg)
{
	unsigned who = *(unsigned *)arg, i;
	struct meet m;

	for (i = 0; i < WORDS; i++) {
		m = ping(who << 16 | i);
		post_say(&p, &m);
		if (i % 50 == 49)
			unit_sleep(1);
	}
	return NULL;
}

static void
speakers(void)
{
	unsigned who[SPEAKERS], came[SPEAKERS] = { 0 }, i;
	uint8_t bytes[2 * MEET_BODY_MAX];
	pthread_t t[SPEAKERS];
	struct meet m;
	int sealed;

	REQUIRE(task_init() == 0);
	for (sealed = 0; sealed < 2; sealed++) {
		unit_row("sealed: %d", sealed);
		make(sealed == 1);
		memset(came, 0, sizeof(came));
		for (i = 0; i < SPEAKERS; i++) {
			who[i] = i;
			REQUIRE(pthread_create(&t[i], NULL, speak, &who[i]) ==
			    0);
		}
		for (i = 0; i < SPEAKERS * WORDS; i++) {
			if (i % 20 == 0) {
				m = ping(i);
				put(bytes, wire(&m, bytes));
				CHECK_EQ(next(&m, 2000), 0);
				CHECK_EQ(m.stamp, i);
			}
			REQUIRE(hear(&m) && m.stamp >> 16 < SPEAKERS);
			CHECK_EQ(m.stamp & 0xffff, came[m.stamp >> 16]++);
		}
		for (i = 0; i < SPEAKERS; i++) {
			(void)pthread_join(t[i], NULL);
			CHECK_EQ(came[i], WORDS);
		}
		drop(false);
	}
}

int
main(void)
{
	unit_case("post: what is said", said);
	unit_case("post: cut anywhere", cut);
	unit_case("post: many", many);
	unit_case("post: garbage", garbage);
	unit_case("post: garbage under seal", garbage_sealed);
	unit_case("post: ends", ends);
	unit_case("post: a stop", stopped);
	unit_case("post: not taken", not_taken);
	unit_case("post: many speakers", speakers);
	return unit_end();
}

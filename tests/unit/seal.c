/* SPDX-License-Identifier: MIT */
/* seal.c - both directions with their buffers: whole, bytewise, full, bad;
 * signs of life; memory given back.
 *
 * It brings its own seal.c, for a malloc() that fails. */

#include <stdlib.h>

static int allocations = 1000;	/* that succeed before one fails */

static void *
unit_malloc(size_t n)
{
	return allocations-- > 0 ? malloc(n) : NULL;
}

static void *
unit_calloc(size_t n, size_t size)
{
	return allocations-- > 0 ? calloc(n, size) : NULL;
}

#define malloc unit_malloc
#define calloc unit_calloc
#include "../../seal.c"
#undef malloc
#undef calloc
#include "unit.h"

static uint8_t data[RECORD_DATA_MAX];

/* Both sides of a connection. */
static struct seal *dialler, *acceptor;

static void
make(enum record_use use)
{
	struct seal_keys k = { .suite = BEAR_CHACHA20_POLY1305 };

	unit_fill(data, sizeof(data), 4);
	unit_fill(k.in, sizeof(k.in), 1);
	unit_fill(k.out, sizeof(k.out), 2);
	REQUIRE((dialler = seal_new(use, true, &k)) != NULL);
	unit_fill(k.in, sizeof(k.in), 2);
	unit_fill(k.out, sizeof(k.out), 1);
	REQUIRE((acceptor = seal_new(use, false, &k)) != NULL);
}

static void
drop(void)
{
	seal_free(dialler);
	seal_free(acceptor);
}

/* Carry at most n bytes from one side to the other; returns how many. */
static size_t
carry(struct seal *from, struct seal *to, size_t n)
{
	const uint8_t *p;
	uint8_t *room;
	size_t have, free_bytes;

	p = seal_pending(from, &have);
	room = seal_room(to, &free_bytes);
	CHECK(free_bytes > 0);
	if (n > have)
		n = have;
	if (n > free_bytes)
		n = free_bytes;
	if (n > 0)
		memcpy(room, p, n);
	seal_sent(from, n, 0);
	seal_came(to, n);
	return n;
}

/* The next record is this one. */
static void
expect(struct seal *s, enum record_type type, const void *body, size_t n)
{
	enum record_type t = 0;
	uint8_t *b = NULL;
	size_t len = SIZE_MAX;

	REQUIRE(seal_get(s, &t, &b, &len) == CRYPT_RECORD);
	CHECK_EQ(t, type);
	CHECK_EQ(len, n);
	if (len == n && n > 0)
		CHECK_BYTES(b, body, n);
}

static enum crypt_verdict
verdict(struct seal *s)
{
	enum record_type t;
	uint8_t *b;
	size_t n;

	return seal_get(s, &t, &b, &n);
}

/* A pair that has exchanged its first records. */
static void
make_link(bool pipe)
{
	make(RECORD_LINK);
	REQUIRE(seal_put(dialler, RECORD_CONTROL, "hello", 5) == 0);
	REQUIRE(seal_put(acceptor, RECORD_CONTROL, "welcome", 7) == 0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	(void)carry(acceptor, dialler, SIZE_MAX);
	expect(acceptor, RECORD_CONTROL, "hello", 5);
	expect(dialler, RECORD_CONTROL, "welcome", 7);
	if (pipe) {
		seal_become_pipe(dialler);
		seal_become_pipe(acceptor);
	}
}

/* A stream's records, carried so many bytes at a time. */
static void
both_ways(void)
{
	static const size_t steps[] = { 1, 2, 7, 100, 4096, SIZE_MAX };
	size_t i;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unit_row("%zu bytes at a time", steps[i]);
		make(RECORD_STREAM);
		CHECK_EQ(seal_put(dialler, RECORD_OPEN, "\1x", 2), 0);
		CHECK_EQ(seal_put(dialler, RECORD_DATA, data, 1), 0);
		CHECK_EQ(seal_put(dialler, RECORD_DATA, data, 1000), 0);
		CHECK_EQ(seal_put(dialler, RECORD_END, NULL, 0), 0);
		CHECK_EQ(seal_put(acceptor, RECORD_OPENED, NULL, 0), 0);
		CHECK_EQ(seal_put(acceptor, RECORD_DATA, data, 500), 0);
		while (carry(dialler, acceptor, steps[i]) > 0)
			continue;
		expect(acceptor, RECORD_OPEN, "\1x", 2);
		expect(acceptor, RECORD_DATA, data, 1);
		expect(acceptor, RECORD_DATA, data, 1000);
		expect(acceptor, RECORD_END, NULL, 0);
		CHECK_EQ(verdict(acceptor), CRYPT_MORE);
		while (carry(acceptor, dialler, steps[i]) > 0)
			continue;
		expect(dialler, RECORD_OPENED, NULL, 0);
		expect(dialler, RECORD_DATA, data, 500);
		CHECK_EQ(verdict(dialler), CRYPT_MORE);
		drop();
	}
}

/* Sixteen full records fit, and the longest datagram; not a byte more; and the
 * other side can take all that there is room for, whatever is in its way. */
static void
full(void)
{
	static uint8_t datagram[CRYPT_BODY_MAX];
	size_t n, room;
	int i;

	make(RECORD_STREAM);
	CHECK_EQ(seal_put(dialler, RECORD_OPEN, "\1", 1), 0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	expect(acceptor, RECORD_OPEN, "\1", 1);
	for (i = 0; i < 16; i++) {
		unit_row("record %d", i);
		CHECK_EQ(seal_put(dialler, RECORD_DATA, data, sizeof(data)),
		    0);
	}
	(void)seal_pending(dialler, &n);
	CHECK_EQ(n, SEAL_BUF);
	CHECK_EQ(seal_put(dialler, RECORD_DATA, data, 1), -1);
	CHECK_EQ(seal_put(dialler, RECORD_END, NULL, 0), -1);
	CHECK_EQ(carry(dialler, acceptor, SIZE_MAX), SEAL_BUF);
	(void)seal_room(acceptor, &room);
	CHECK_EQ(room, 0);	/* until a record is taken */
	for (i = 0; i < 16; i++) {
		expect(acceptor, RECORD_DATA, data, sizeof(data));
		(void)seal_room(acceptor, &room);
		CHECK(room >= (size_t)(i + 1) * sizeof(data));
	}
	CHECK_EQ(verdict(acceptor), CRYPT_MORE);
	CHECK_EQ(seal_put(dialler, RECORD_END, NULL, 0), 0);
	drop();

	make(RECORD_FLOW);
	unit_fill(datagram, sizeof(datagram), 7);
	CHECK_EQ(seal_put(dialler, RECORD_OPEN, "\2", 1), 0);
	CHECK_EQ(seal_put(dialler, RECORD_DATAGRAM, NULL, 0), 0);
	CHECK_EQ(seal_put(dialler, RECORD_DATAGRAM, datagram,
	    sizeof(datagram)), 0);
	while (carry(dialler, acceptor, 1000) > 0)
		continue;
	expect(acceptor, RECORD_OPEN, "\2", 1);
	expect(acceptor, RECORD_DATAGRAM, NULL, 0);
	expect(acceptor, RECORD_DATAGRAM, datagram, sizeof(datagram));
	drop();
}

/* After a bad record there is no other one, however good. */
static void
bad_stays_bad(void)
{
	static const char *const how[] = {
		"a tag", "a length", "a type", "out of place"
	};
	uint8_t *p;
	size_t n, i, k;

	for (i = 0; i < sizeof(how) / sizeof(how[0]); i++) {
		unit_row("%s", how[i]);
		make(RECORD_STREAM);
		CHECK_EQ(seal_put(dialler, RECORD_OPEN, "\1", 1), 0);
		(void)carry(dialler, acceptor, SIZE_MAX);
		expect(acceptor, RECORD_OPEN, "\1", 1);
		if (i == 2)
			REQUIRE(crypt_seal(&dialler->out.record.crypt, 0x42,
			    data, 1, &dialler->out.wire) == 0);
		if (i == 3)
			REQUIRE(crypt_seal(&dialler->out.record.crypt,
			    RECORD_OPENED, data, 0, &dialler->out.wire) == 0);
		for (k = 0; k < 3; k++)
			CHECK_EQ(seal_put(dialler, RECORD_DATA, data, 10), 0);
		p = dialler->out.wire.buf + dialler->out.wire.off;
		if (i == 0)
			p[CRYPT_HEAD + 11 + BEAR_TAG - 1] ^= 1;
		if (i == 1)
			p[0] = p[1] = 0;
		(void)carry(dialler, acceptor, SIZE_MAX);
		for (k = 0; k < 5; k++)
			CHECK_EQ(verdict(acceptor), CRYPT_BAD);
		/* Even if the bytes are put right. */
		n = acceptor->in.wire.off;
		acceptor->in.wire.buf[n] ^= 1;
		CHECK_EQ(verdict(acceptor), CRYPT_BAD);
		drop();
	}
}

static void
no_memory(void)
{
	struct seal_keys k = { .suite = BEAR_CHACHA20_POLY1305 };
	int i;

	unit_fill(k.in, sizeof(k.in), 1);
	unit_fill(k.out, sizeof(k.out), 2);
	for (i = 0; i < 3; i++) {
		unit_row("%d allocations", i);
		allocations = i;
		CHECK(seal_new(RECORD_STREAM, true, &k) == NULL);
	}
	allocations = 3;
	dialler = seal_new(RECORD_STREAM, true, &k);
	CHECK(dialler != NULL);
	seal_free(dialler);
	seal_free(NULL);
}

/* What precedes the records leaves with them. */
static void
plain_first(void)
{
	const uint8_t *p;
	size_t n;

	make(RECORD_STREAM);
	seal_put_plain(dialler, "hello", 5);
	CHECK_EQ(seal_put(dialler, RECORD_OPEN, "\1", 1), 0);
	p = seal_pending(dialler, &n);
	CHECK_EQ(n, 5 + CRYPT_OVERHEAD + 1);
	CHECK_BYTES(p, "hello", 5);
	seal_sent(dialler, 5, 0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	expect(acceptor, RECORD_OPEN, "\1", 1);
	drop();
}

/* A buffer that was used little serves the next connection, empty. */
static void
used_again(void)
{
	static const uint8_t zero[1000 + CRYPT_OVERHEAD];
	const size_t nhigh = sizeof(dialler->in.high);
	uint8_t *little, *much;
	int i, found = 0;
	size_t high;

	make(RECORD_STREAM);
	little = dialler->out.wire.buf;
	much = acceptor->in.wire.buf;
	CHECK_EQ(seal_put(dialler, RECORD_OPEN, "\1", 1), 0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	CHECK_EQ(seal_put(dialler, RECORD_DATA, data, 1000), 0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	for (i = 0; i < 2; i++)
		CHECK_EQ(seal_put(dialler, RECORD_DATA, data, sizeof(data)),
		    0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	CHECK(acceptor->in.high > SPARE_HIGH);
	CHECK(dialler->out.high > SPARE_HIGH);
	seal_shrink(&dialler->out);
	CHECK(dialler->out.wire.buf != little);
	little = dialler->out.wire.buf;
	CHECK_EQ(seal_put(dialler, RECORD_DATA, data, 1000), 0);
	drop();
	for (i = 0; i < SPARE_MAX; i++) {
		CHECK(atomic_load(&spare[i]) != much);
		found += atomic_load(&spare[i]) == little;
	}
	CHECK_EQ(found, 1);
	unit_row("empty, and how much was touched");
	memcpy(&high, little, nhigh);
	CHECK_EQ(high, 1000 + CRYPT_OVERHEAD);
	CHECK_BYTES(little + nhigh, zero, sizeof(zero) - nhigh);
	make(RECORD_STREAM);
	CHECK_BYTES(little, zero, sizeof(zero));
	CHECK(dialler->in.high + dialler->out.high + acceptor->in.high +
	    acceptor->out.high >= high);
	CHECK(dialler->in.wire.buf == little ||
	    dialler->out.wire.buf == little ||
	    acceptor->in.wire.buf == little ||
	    acceptor->out.wire.buf == little);
	drop();
}

/* A half gives back what it has touched, if it is much and all is taken. */
static void
shrinks(void)
{
	uint8_t *was;
	size_t n;

	make(RECORD_STREAM);
	CHECK_EQ(seal_put(dialler, RECORD_OPEN, "\1", 1), 0);
	unit_row("little");
	was = dialler->out.wire.buf;
	(void)carry(dialler, acceptor, SIZE_MAX);
	seal_shrink(&dialler->out);
	CHECK(dialler->out.wire.buf == was);
	unit_row("much, unsent");
	CHECK_EQ(seal_put(dialler, RECORD_DATA, data, sizeof(data)), 0);
	seal_shrink(&dialler->out);
	(void)seal_pending(dialler, &n);
	CHECK_EQ(n, sizeof(data) + CRYPT_OVERHEAD);
	(void)carry(dialler, acceptor, SIZE_MAX);
	unit_row("no memory");
	allocations = 0;
	was = dialler->out.wire.buf;
	seal_shrink(&dialler->out);
	CHECK(dialler->out.wire.buf == was);
	allocations = 1000;
	unit_row("much");
	CHECK(dialler->out.high > SEAL_SMALL);
	seal_shrink(&dialler->out);
	CHECK_EQ(dialler->out.high, 0);
	CHECK_EQ(span_room(&dialler->out.wire), SEAL_BUF);
	unit_row("not taken");
	seal_shrink(&acceptor->in);
	expect(acceptor, RECORD_OPEN, "\1", 1);
	seal_shrink(&acceptor->in);
	expect(acceptor, RECORD_DATA, data, sizeof(data));
	unit_row("taken");
	seal_shrink(&acceptor->in);
	CHECK_EQ(acceptor->in.high, 0);
	/* And on it goes. */
	CHECK_EQ(seal_put(dialler, RECORD_DATA, data, 5000), 0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	expect(acceptor, RECORD_DATA, data, 5000);
	CHECK_EQ(verdict(acceptor), CRYPT_MORE);
	drop();
}

/* When is a KEEPALIVE due?  Three seconds after something was sent, and not
 * before the first record, behind the last ones, or behind others. */
static void
due(void)
{
	size_t n;

	make(RECORD_LINK);
	CHECK(!seal_keepalive_due(dialler, 100000));
	CHECK_EQ(seal_put(dialler, RECORD_CONTROL, "x", 1), 0);
	CHECK(!seal_keepalive_due(dialler, 100000));
	(void)seal_pending(dialler, &n);
	seal_sent(dialler, n - 1, 1000);
	CHECK(!seal_keepalive_due(dialler, 100000));
	seal_sent(dialler, 1, 1000);
	CHECK(!seal_keepalive_due(dialler, 1000));
	CHECK(!seal_keepalive_due(dialler, 3999));
	CHECK(seal_keepalive_due(dialler, 4000));
	CHECK_EQ(seal_put_keepalive(dialler, 4000), 0);
	CHECK(!seal_keepalive_due(dialler, 100000));
	(void)seal_pending(dialler, &n);
	CHECK_EQ(n, CRYPT_OVERHEAD + RECORD_KEEPALIVE_LEN);
	seal_sent(dialler, n, 4000);
	CHECK(!seal_keepalive_due(dialler, 6999));
	CHECK(seal_keepalive_due(dialler, 7000));
	drop();

	make_link(true);
	CHECK(seal_keepalive_due(dialler, 5000));
	CHECK_EQ(seal_put(dialler, RECORD_END, NULL, 0), 0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	CHECK(seal_keepalive_due(dialler, 5000));
	CHECK_EQ(seal_put(dialler, RECORD_DONE, NULL, 0), 0);
	(void)carry(dialler, acceptor, SIZE_MAX);
	CHECK(!seal_keepalive_due(dialler, 5000));
	CHECK(seal_keepalive_due(acceptor, 5000));
	drop();
}

/* One sign of life from one side to the other at these times. */
static void
sign(struct seal *from, int64_t sent, struct seal *to, int64_t came,
    uint32_t echo)
{
	struct ctl_keepalive k;
	enum record_type type;
	uint8_t *body;
	size_t n;

	CHECK_EQ(seal_put_keepalive(from, sent), 0);
	(void)carry(from, to, SIZE_MAX);
	REQUIRE(seal_get(to, &type, &body, &n) == CRYPT_RECORD);
	REQUIRE(type == RECORD_KEEPALIVE && n == RECORD_KEEPALIVE_LEN);
	ctl_keepalive_get(&k, body);
	CHECK_EQ(k.stamp, (uint32_t)sent);
	CHECK_EQ(k.echo, echo);
	seal_take_keepalive(to, body, came);
}

/* The round trip: the clocks of both sides are as they like, and may wrap. */
static void
round_trips(void)
{
	static const int64_t clocks[] = {
		1, 1000000, 0x7fffff00, 0xffffff00, INT64_C(0x1ffffffff),
		INT64_C(0x123456789abc)
	};
	int64_t a, b;
	size_t i, j;

	for (i = 0; i < 6; i++) {
		for (j = 0; j < 6; j++) {
			unit_row("clocks %zu and %zu", i, j);
			a = clocks[i];
			b = clocks[j];
			make_link(false);
			CHECK_EQ(dialler->rtt_ms, UINT32_MAX);
			/* 30 ms there; the acceptor answers 500 ms later; 70
			 * ms back: the time between does not count. */
			sign(dialler, a, acceptor, b + 30, 0);
			CHECK_EQ(acceptor->rtt_ms, UINT32_MAX);
			sign(acceptor, b + 530, dialler, a + 600,
			    (uint32_t)(a + 500));
			CHECK_EQ(dialler->rtt_ms, 100);
			/* The next ones each way. */
			sign(dialler, a + 3600, acceptor, b + 3640,
			    (uint32_t)(b + 530 + 3000));
			CHECK_EQ(acceptor->rtt_ms, 110);
			sign(acceptor, b + 3640, dialler, a + 3640,
			    (uint32_t)(a + 3600));
			CHECK_EQ(dialler->rtt_ms, 40);
			/* What is sent in between is echoed last. */
			sign(dialler, a + 7000, acceptor, b + 7001,
			    (uint32_t)(b + 3640 + 3360));
			sign(dialler, a + 9000, acceptor, b + 9005,
			    (uint32_t)(b + 3640 + 5360));
			sign(acceptor, b + 9100, dialler, a + 9107,
			    (uint32_t)(a + 9095));
			CHECK_EQ(dialler->rtt_ms, 12);
			drop();
		}
	}
}

/* Time waited adds up until bytes come; a long sleep is not theirs. */
static void
waiting(void)
{
	make_link(false);
	CHECK_EQ(seal_waited(dialler, 0), 0);
	CHECK_EQ(seal_waited(dialler, 1000), 1000);
	CHECK_EQ(seal_waited(dialler, 1999), 2999);
	CHECK_EQ(seal_waited(dialler, 2000), 4999);
	CHECK_EQ(seal_waited(dialler, 3600000), 6999);
	CHECK_EQ(seal_waited(dialler, INT64_MAX), 8999);
	/* Part of a record is something: a large one may take its time. */
	CHECK_EQ(seal_put_keepalive(acceptor, 1), 0);
	(void)carry(acceptor, dialler, 10);
	CHECK_EQ(verdict(dialler), CRYPT_MORE);
	CHECK_EQ(seal_waited(dialler, 1), 1);
	CHECK_EQ(seal_waited(dialler, 1), 2);
	(void)carry(acceptor, dialler, SIZE_MAX);
	CHECK_EQ(verdict(dialler), CRYPT_RECORD);
	CHECK_EQ(seal_waited(dialler, 1), 1);
	drop();
}

int
main(void)
{
	unit_case("seal: both ways", both_ways);
	unit_case("seal: full", full);
	unit_case("seal: bad stays bad", bad_stays_bad);
	unit_case("seal: no memory", no_memory);
	unit_case("seal: what precedes the records", plain_first);
	unit_case("seal: gives memory back", shrinks);
	unit_case("seal: buffers used again", used_again);
	unit_case("seal: when to say that we live", due);
	unit_case("seal: round trips", round_trips);
	unit_case("seal: waiting", waiting);
	return unit_end();
}

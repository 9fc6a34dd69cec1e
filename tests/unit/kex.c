/* SPDX-License-Identifier: MIT */
/* kex.c - tests/vectors/handshake.txt, and what an attacker can do to a
 * handshake: change each byte, lower the suites, send back, send again.
 *
 * It brings its own kex.c, with suites that are there when we say so: no AEAD
 * is called in it, so both can be tested anywhere. */

#include "bear.h"
#include "unit.h"

static unsigned suites = BEAR_CHACHA20_POLY1305 | BEAR_AES256_GCM;

static unsigned
unit_suites(void)
{
	return suites;
}

#define bear_suites unit_suites
#include "../../kex.c"
#undef bear_suites

enum { BOTH = BEAR_CHACHA20_POLY1305 | BEAR_AES256_GCM };

/* The fields of tests/vectors/handshake.txt, in order. */
enum field {
	NAME, TOKEN, W, X, Y, FIRST, SECOND, THIRD, HASH, KE, PRK, SID, CLIENT,
	SERVER, HELLO, ANSWER, DIALLER, ACCEPTOR, NFIELDS
};
static const char *const field_names[NFIELDS] = {
	"name", "token", "w", "x", "y", "m1", "m2", "m3", "T", "Ke", "PRK",
	"sid", "client", "server", "h", "r", "dialler", "acceptor"
};

static bool
client_start(struct kex *k, const uint8_t *w, const uint8_t *x)
{
	kex_init(k, KEX_KIND_LINK, "");
	return kex_client_start(k, w, x);
}

static int
server_start(struct kex *k, const uint8_t *w, const uint8_t *x,
    const uint8_t *m1)
{
	kex_init(k, KEX_KIND_LINK, "");
	return kex_server_start(k, w, x, m1);
}

/* A scalar for tests; those of the names used here fit. */
static void
scalar(const char *name, uint8_t x[BEAR_SCALAR])
{
	bear_sha256(name, strlen(name), x);
	REQUIRE(bear_p256_scalar(x));
}

/* All keys of a session, as the file has them. */
static void
check_keys(const struct kex_keys *k, const struct unit_field *v)
{
	uint8_t keys[CRYPT_KEYS], hello[KEX_HELLO];
	struct kex_hello h;

	unit_check_field("PRK", k->prk, BEAR_HASH, &v[PRK]);
	unit_check_field("sid", k->sid, KEX_SID, &v[SID]);
	kex_link_keys(k, KEX_CLIENT, keys);
	unit_check_field("client", keys, sizeof(keys), &v[CLIENT]);
	kex_link_keys(k, KEX_SERVER, keys);
	unit_check_field("server", keys, sizeof(keys), &v[SERVER]);

	REQUIRE(v[HELLO].n == KEX_HELLO && v[ANSWER].n == KEX_ANSWER);
	CHECK_EQ(kex_kind(v[HELLO].b), KEX_KIND_STREAM);
	CHECK(kex_hello_get(&h, unit_guard(v[HELLO].b, KEX_HELLO)));
	CHECK_EQ(h.role, KEX_CLIENT);
	unit_check_field("sid in h", h.sid, KEX_SID, &v[SID]);
	kex_hello_put(&h, hello);
	unit_check_field("h", hello, sizeof(hello), &v[HELLO]);
	kex_dialler_keys(k, v[HELLO].b, keys);
	unit_check_field("dialler", keys, sizeof(keys), &v[DIALLER]);
	kex_acceptor_keys(k, v[HELLO].b, v[ANSWER].b, keys);
	unit_check_field("acceptor", keys, sizeof(keys), &v[ACCEPTOR]);
}

static void
check_vector(const struct unit_field *v)
{
	uint8_t w[BEAR_SCALAR], t[BEAR_HASH];
	struct kex client, server;
	struct unit_field both;
	struct token token;

	memset(&token, 0, sizeof(token));
	memcpy(token.bytes, v[TOKEN].b, v[TOKEN].n);
	token.len = v[TOKEN].n;
	REQUIRE(kdf_token(&token, KDF_TOKEN, w) == 0);
	unit_check_field("w", w, sizeof(w), &v[W]);

	REQUIRE(v[FIRST].n == KEX_M1 && v[SECOND].n == KEX_M2);
	suites = v[FIRST].b[M1_SUITES];
	CHECK(client_start(&client, w, v[X].b));
	unit_check_field("m1", client.m1, KEX_M1, &v[FIRST]);
	suites = v[SECOND].b[M2_SUITE] | BEAR_CHACHA20_POLY1305;
	CHECK_EQ(server_start(&server, w, v[Y].b,
	    unit_guard(client.m1, KEX_M1)), 1);
	unit_check_field("m2", server.m2, KEX_M2, &v[SECOND]);
	suites = v[FIRST].b[M1_SUITES];
	CHECK(kex_client_finish(&client, unit_guard(server.m2, KEX_M2)));
	unit_check_field("m3", client.m3, KEX_M3, &v[THIRD]);
	CHECK(kex_server_finish(&server, unit_guard(client.m3, KEX_M3)));
	CHECK_EQ(client.keys.suite, v[SECOND].b[M2_SUITE]);
	CHECK_EQ(server.keys.suite, v[SECOND].b[M2_SUITE]);
	check_keys(&client.keys, v);
	check_keys(&server.keys, v);

	/* The way there, as the specification has it. */
	memcpy(both.b, v[FIRST].b, KEX_M1);
	memcpy(both.b + KEX_M1, v[SECOND].b, KEX_M2 - BEAR_HASH);
	bear_sha256(both.b, KEX_M1 + KEX_M2 - BEAR_HASH, t);
	unit_check_field("T", t, sizeof(t), &v[HASH]);
	kdf_extract(v[HASH].b, v[HASH].n, v[KE].b, v[KE].n, t);
	unit_check_field("PRK of Ke", t, sizeof(t), &v[PRK]);
}

static void
vectors(void)
{
	static struct unit_field v[NFIELDS];

	CHECK_EQ(unit_read_vectors("tests/vectors/handshake.txt", field_names,
	    NFIELDS, v, check_vector), 4);
}

/* A pair in the middle of a handshake: both shares are there. */
struct pair {
	uint8_t w[BEAR_SCALAR], x[BEAR_SCALAR], y[BEAR_SCALAR];
	struct kex client, server;
};

/* Bring a pair so far that m3 is made; all is well. */
static void
meet(struct pair *p, const char *w, const char *x, const char *y)
{
	scalar(w, p->w);
	scalar(x, p->x);
	scalar(y, p->y);
	REQUIRE(client_start(&p->client, p->w, p->x));
	REQUIRE(server_start(&p->server, p->w, p->y, p->client.m1) == 1);
	REQUIRE(kex_client_finish(&p->client, p->server.m2));
}

static bool
same_keys(const struct kex_keys *a, const struct kex_keys *b)
{
	return memcmp(a->prk, b->prk, BEAR_HASH) == 0 &&
	    memcmp(a->sid, b->sid, KEX_SID) == 0 && a->suite == b->suite;
}

/* What each side has, and what is chosen; 0: the server refuses. */
static void
agreement(void)
{
	static const struct {
		unsigned client, server;
		int suite;
	} rows[] = {
		{ 1, 1, 1 }, { 3, 1, 1 }, { 1, 3, 1 }, { 3, 3, 2 }
	};
	struct pair p;
	size_t i;

	scalar("w", p.w);
	scalar("x", p.x);
	scalar("y", p.y);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("client %u, server %u", rows[i].client,
		    rows[i].server);
		suites = rows[i].client;
		CHECK(client_start(&p.client, p.w, p.x));
		CHECK_EQ(p.client.role, KEX_CLIENT);
		CHECK_BYTES(p.client.m1, "\xad\x17\1\1", KEX_HEAD);
		CHECK_EQ(p.client.m1[M1_SUITES], rows[i].client);
		suites = rows[i].server;
		CHECK_EQ(server_start(&p.server, p.w, p.y, p.client.m1),
		    1);
		CHECK_EQ(p.server.role, KEX_SERVER);
		CHECK_EQ(p.server.m2[0], KEX_GO_ON);
		CHECK_EQ(p.server.m2[M2_SUITE], rows[i].suite);
		suites = rows[i].client;
		CHECK(kex_client_finish(&p.client, p.server.m2));
		CHECK(kex_server_finish(&p.server, p.client.m3));
		CHECK(same_keys(&p.client.keys, &p.server.keys));
		CHECK_EQ(p.client.keys.suite, rows[i].suite);
	}
}

/* A client as the future may have it offers what we do not know, and one that
 * breaks the rules does not offer what all must. */
static void
offers(void)
{
	struct pair p;
	unsigned offer;
	int rc;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	for (offer = 0; offer < 256; offer++) {
		unit_row("offers %02x", offer);
		p.client.m1[M1_SUITES] = (uint8_t)offer;
		suites = offer % 7 == 0 ? BEAR_CHACHA20_POLY1305 : BOTH;
		rc = server_start(&p.server, p.w, p.y, p.client.m1);
		CHECK_EQ(rc, (offer & 1) != 0 ? 1 : -1);
		if (rc != 1)
			continue;
		CHECK_EQ(p.server.m2[M2_SUITE], (offer & suites & 2) != 0 ?
		    BEAR_AES256_GCM : BEAR_CHACHA20_POLY1305);
		if (offer % 16 != 5)
			continue;	/* milliseconds each */
		CHECK(kex_client_finish(&p.client, p.server.m2));
		CHECK(kex_server_finish(&p.server, p.client.m3));
	}
}

/* Neither side takes what the other one with another token computes. */
static void
wrong_token(void)
{
	static const uint8_t one[BEAR_SCALAR] = { [BEAR_SCALAR - 1] = 1 };
	uint8_t other[BEAR_SCALAR];
	struct kex server;
	struct pair p;
	int i;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	for (i = 0; i < 3; i++) {
		unit_row("token %d", i);
		if (i == 0)
			scalar("another w", other);
		else
			memcpy(other, i == 1 ? one : p.w, sizeof(other));
		if (i == 2)
			other[BEAR_SCALAR - 1] ^= 1;
		CHECK_EQ(server_start(&server, other, p.y, p.client.m1),
		    1);
		CHECK(!kex_client_finish(&p.client, server.m2));
		/* And if it said it all the same: */
		CHECK(!kex_server_finish(&server, p.client.m3));
		CHECK(!same_keys(&p.client.keys, &server.keys));
	}
}

/* How a handshake goes if the attacker changes one byte of one message.
 * Returns true if anybody is fooled: a client that took m2, or a server that
 * took m3, while not all three are what the other side sent. */
static bool
fooled(const struct pair *p, int message, size_t at, uint8_t mask)
{
	struct kex client = p->client, server = p->server;
	uint8_t m1[KEX_M1], m2[KEX_M2], m3[KEX_M3];

	memcpy(m1, client.m1, sizeof(m1));
	if (message == 1) {
		m1[at] ^= mask;
		if (server_start(&server, p->w, p->y, m1) != 1)
			return false;
	}
	memcpy(m2, server.m2, sizeof(m2));
	if (message == 2)
		m2[at] ^= mask;
	if (message != 3) {
		memset(client.m3, 0, sizeof(client.m3));
		if (kex_client_finish(&client, m2))
			return true;
	}
	/* The client ends here.  Would the server see it by itself, if the
	 * client went on? */
	memcpy(m3, client.m3, sizeof(m3));
	if (message == 3)
		m3[at] ^= mask;
	/* cB is the one thing that only the client can check. */
	if (message == 2 && at >= M2_CONFIRM)
		return false;
	return kex_server_finish(&server, m3);
}

static void
each_byte(void)
{
	static const size_t lens[] = { 0, KEX_M1, KEX_M2, KEX_M3 };
	struct pair p;
	int message;
	size_t i;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	CHECK(kex_server_finish(&p.server, p.client.m3));
	for (message = 1; message <= 3; message++) {
		for (i = 0; i < lens[message]; i++) {
			unit_row("byte %zu of m%d", i, message);
			CHECK(!fooled(&p, message, i,
			    (uint8_t)(1u << i % 8)));
			CHECK(!fooled(&p, message, i, 0x80));
			if (message == 3)
				CHECK(!fooled(&p, message, i, 0xff));
		}
	}
}

/* Each bit of the bytes that stand in the clear: heads, status, suites. */
static void
each_bit(void)
{
	struct pair p;
	size_t i;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	for (i = 0; i < 8; i++) {
		unit_row("bit %zu", i);
		CHECK(!fooled(&p, 1, M1_SUITES, (uint8_t)(1u << i)));
		CHECK(!fooled(&p, 2, 0, (uint8_t)(1u << i)));
		CHECK(!fooled(&p, 2, M2_SUITE, (uint8_t)(1u << i)));
	}
}

/* Both have AES; the attacker takes it out of the offer, or out of the
 * choice, or out of both. */
static void
downgrade(void)
{
	uint8_t m1[KEX_M1], m2[KEX_M2];
	struct pair p;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	CHECK_EQ(p.client.keys.suite, BEAR_AES256_GCM);

	unit_row("the offer");
	memcpy(m1, p.client.m1, sizeof(m1));
	m1[M1_SUITES] = BEAR_CHACHA20_POLY1305;
	CHECK_EQ(server_start(&p.server, p.w, p.y, m1), 1);
	CHECK_EQ(p.server.m2[M2_SUITE], BEAR_CHACHA20_POLY1305);
	CHECK(!kex_client_finish(&p.client, p.server.m2));
	CHECK(!kex_server_finish(&p.server, p.client.m3));

	unit_row("the offer, and the choice put right");
	memcpy(m2, p.server.m2, sizeof(m2));
	m2[M2_SUITE] = BEAR_AES256_GCM;
	CHECK(!kex_client_finish(&p.client, m2));
	CHECK(!kex_server_finish(&p.server, p.client.m3));

	unit_row("the choice");
	CHECK_EQ(server_start(&p.server, p.w, p.y, p.client.m1), 1);
	memcpy(m2, p.server.m2, sizeof(m2));
	m2[M2_SUITE] = BEAR_CHACHA20_POLY1305;
	CHECK(!kex_client_finish(&p.client, m2));
	CHECK(!kex_server_finish(&p.server, p.client.m3));

	unit_row("one that we do not have");
	suites = BEAR_CHACHA20_POLY1305;
	REQUIRE(client_start(&p.client, p.w, p.x));
	REQUIRE(server_start(&p.server, p.w, p.y, p.client.m1) == 1);
	memcpy(m2, p.server.m2, sizeof(m2));
	m2[M2_SUITE] = BEAR_AES256_GCM;
	CHECK(!kex_client_finish(&p.client, m2));
	m2[M2_SUITE] = 0;
	CHECK(!kex_client_finish(&p.client, m2));
	m2[M2_SUITE] = BOTH;
	CHECK(!kex_client_finish(&p.client, m2));
	CHECK(kex_client_finish(&p.client, p.server.m2));

	unit_row("one that we do not have, with the right confirmation");
	suites = BOTH;
	REQUIRE(client_start(&p.client, p.w, p.x));
	REQUIRE(server_start(&p.server, p.w, p.y, p.client.m1) == 1);
	CHECK_EQ(p.server.m2[M2_SUITE], BEAR_AES256_GCM);
	suites = BEAR_CHACHA20_POLY1305;
	CHECK(!kex_client_finish(&p.client, p.server.m2));
}

static void
heads(void)
{
	static const struct {
		uint8_t head[KEX_HEAD];
		enum kex_kind kind;
	} rows[] = {
		{ { 0xad, 0x17, 1, 1 }, KEX_KIND_LINK },
		{ { 0xad, 0x17, 1, 2 }, KEX_KIND_STREAM },
		{ { 0xad, 0x17, 1, 0 }, KEX_KIND_BAD },
		{ { 0xad, 0x17, 1, 3 }, KEX_KIND_BAD },
		{ { 0xad, 0x17, 1, 0xff }, KEX_KIND_BAD },
		{ { 0xad, 0x17, 0, 1 }, KEX_KIND_VERSION },
		{ { 0xad, 0x17, 2, 1 }, KEX_KIND_VERSION },
		{ { 0xad, 0x17, 2, 2 }, KEX_KIND_VERSION },
		{ { 0xad, 0x17, 0xff, 0xff }, KEX_KIND_VERSION },
		{ { 0xad, 0x16, 1, 1 }, KEX_KIND_BAD },
		{ { 0xac, 0x17, 1, 1 }, KEX_KIND_BAD },
		{ { 0x17, 0xad, 1, 1 }, KEX_KIND_BAD },
		{ { 0, 0, 0, 0 }, KEX_KIND_BAD },
		{ { 0, 0, 2, 1 }, KEX_KIND_BAD }
	};
	struct pair p;
	size_t i;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		CHECK_EQ(kex_kind(unit_guard(rows[i].head, KEX_HEAD)),
		    rows[i].kind);
		/* A server that is asked all the same. */
		memcpy(p.client.m1, rows[i].head, KEX_HEAD);
		CHECK_EQ(server_start(&p.server, p.w, p.y, p.client.m1),
		    rows[i].kind == KEX_KIND_LINK ? 1 : -1);
	}
}

/* What a side sent comes back to it, or goes to another of its kind. */
static void
reflection(void)
{
	uint8_t m1[KEX_M1], m2[KEX_M2];
	struct kex other;
	struct pair p;

	suites = BOTH;
	meet(&p, "w", "x", "y");

	unit_row("pA as pB, with each confirmation there is");
	m2[0] = KEX_GO_ON;
	m2[M2_SUITE] = BEAR_AES256_GCM;
	memcpy(m2 + M2_SHARE, p.client.m1 + M1_SHARE, BEAR_POINT);
	memcpy(m2 + M2_CONFIRM, p.server.m2 + M2_CONFIRM, BEAR_HASH);
	CHECK(!kex_client_finish(&p.client, m2));
	memcpy(m2 + M2_CONFIRM, p.client.m3, BEAR_HASH);
	CHECK(!kex_client_finish(&p.client, m2));

	unit_row("cA as cB");
	CHECK(kex_client_finish(&p.client, p.server.m2));
	memcpy(m2, p.server.m2, sizeof(m2));
	memcpy(m2 + M2_CONFIRM, p.client.m3, BEAR_HASH);
	CHECK(!kex_client_finish(&p.client, m2));

	unit_row("cB as cA");
	CHECK(!kex_server_finish(&p.server, p.server.m2 + M2_CONFIRM));

	unit_row("pB as pA, to the same server");
	memcpy(m1, p.client.m1, sizeof(m1));
	memcpy(m1 + M1_SHARE, p.server.m2 + M2_SHARE, BEAR_POINT);
	CHECK_EQ(server_start(&other, p.w, p.y, m1), 1);
	CHECK(!kex_server_finish(&other, other.m2 + M2_CONFIRM));
	CHECK(!kex_server_finish(&other, p.server.m2 + M2_CONFIRM));
	CHECK(!kex_server_finish(&other, p.client.m3));

	unit_row("two clients");
	scalar("another x", p.x);
	CHECK(client_start(&other, p.w, p.x));
	memcpy(m2 + M2_SHARE, other.m1 + M1_SHARE, BEAR_POINT);
	CHECK(!kex_client_finish(&p.client, m2));
	memcpy(m2 + M2_SHARE, p.client.m1 + M1_SHARE, BEAR_POINT);
	memcpy(m2 + M2_CONFIRM, p.client.m3, BEAR_HASH);
	CHECK(!kex_client_finish(&other, m2));
}

/* A recorded handshake does not fit another run of either side. */
static void
replay(void)
{
	struct kex server, client;
	struct pair p;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	unit_row("m1 and m3 to another run of the server");
	scalar("another y", p.y);
	CHECK_EQ(server_start(&server, p.w, p.y, p.client.m1), 1);
	CHECK(!kex_server_finish(&server, p.client.m3));
	CHECK(!same_keys(&server.keys, &p.client.keys));
	CHECK(memcmp(server.keys.sid, p.client.keys.sid, KEX_SID) != 0);

	unit_row("m2 to another run of the client");
	scalar("another x", p.x);
	CHECK(client_start(&client, p.w, p.x));
	CHECK(!kex_client_finish(&client, p.server.m2));
	CHECK(!same_keys(&client.keys, &p.server.keys));

	unit_row("its confirmation, behind a share that fits");
	CHECK_EQ(server_start(&server, p.w, p.y, client.m1), 1);
	memcpy(server.m2 + M2_CONFIRM, p.server.m2 + M2_CONFIRM, BEAR_HASH);
	CHECK(!kex_client_finish(&client, server.m2));
}

/* Shares that are none, and those that lead to infinity: refused by both, the
 * server's answer being none at all. */
static void
no_points(void)
{
	static const uint8_t first[] = { 0x00, 0x02, 0x03, 0x05, 0x06, 0x07 };
	static const uint8_t one[BEAR_SCALAR] = { [BEAR_SCALAR - 1] = 1 };
	uint8_t bad[12][BEAR_POINT], minus[BEAR_SCALAR], m1[KEX_M1];
	uint8_t m2[KEX_M2];
	const uint8_t *order = bear_p256_order();
	size_t i, n = 0;
	uint32_t d, borrow = 0;
	struct pair p;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	for (i = 0; i < sizeof(first); i++, n++) {
		memcpy(bad[n], bear_p256_generator(), BEAR_POINT);
		bad[n][0] = first[i];
	}
	memset(bad[n], 0, BEAR_POINT);		/* nothing at all */
	n++;
	memset(bad[n], 0, BEAR_POINT);		/* 0, 0 */
	bad[n++][0] = 0x04;
	memset(bad[n], 0xff, BEAR_POINT);	/* beyond p */
	bad[n++][0] = 0x04;
	memcpy(bad[n], bear_p256_generator(), BEAR_POINT);
	bad[n++][BEAR_POINT - 1] ^= 1;		/* off the curve */
	for (i = 0; i < n; i++) {
		unit_row("point %zu", i);
		memcpy(m1, p.client.m1, sizeof(m1));
		memcpy(m1 + M1_SHARE, bad[i], BEAR_POINT);
		CHECK_EQ(server_start(&p.server, p.w, p.y,
		    unit_guard(m1, sizeof(m1))), -1);
		memcpy(m2, p.server.m2, sizeof(m2));
		m2[0] = KEX_GO_ON;
		m2[M2_SUITE] = BEAR_AES256_GCM;
		memcpy(m2 + M2_SHARE, bad[i], BEAR_POINT);
		CHECK(!kex_client_finish(&p.client,
		    unit_guard(m2, sizeof(m2))));
	}
	/* pA - x * G is w * M: the server's K is infinity then.  pB - y * G
	 * the same for the client. */
	for (i = BEAR_SCALAR; i-- > 0;) {
		d = (uint32_t)order[i] - p.x[i] - borrow;
		minus[i] = (uint8_t)(d & 0xff);
		borrow = d >> 31;
	}
	unit_row("infinity, the server's");
	memcpy(m1, p.client.m1, sizeof(m1));
	REQUIRE(bear_p256_muladd(m1 + M1_SHARE, one, bear_p256_generator(),
	    minus));
	CHECK_EQ(server_start(&p.server, p.w, p.y, m1), -1);
	unit_row("infinity, the client's");
	REQUIRE(server_start(&p.server, p.w, p.x, p.client.m1) == 1);
	memcpy(m2, p.server.m2, sizeof(m2));
	REQUIRE(bear_p256_muladd(m2 + M2_SHARE, one, bear_p256_generator(),
	    minus));
	CHECK(!kex_client_finish(&p.client, m2));
}

/* 0 < x < order; if not, there is nothing to send. */
static void
scalars(void)
{
	uint8_t x[BEAR_SCALAR];
	const uint8_t *order = bear_p256_order();
	struct kex client;
	struct pair p;
	int i;

	suites = BOTH;
	meet(&p, "w", "x", "y");
	for (i = 0; i < 5; i++) {
		unit_row("scalar %d", i);
		memcpy(x, order, sizeof(x));
		if (i == 0)
			memset(x, 0, sizeof(x));
		else if (i == 2)
			x[BEAR_SCALAR - 1]++;
		else if (i == 3)
			memset(x, 0xff, sizeof(x));
		else if (i == 4)
			x[BEAR_SCALAR - 1]--;
		CHECK_EQ(client_start(&client, p.w, x), i == 4);
		CHECK_EQ(server_start(&p.server, p.w, x, p.client.m1),
		    i == 4);
	}
}

static void
hellos(void)
{
	static const uint8_t should[KEX_HELLO] = {
		0xad, 0x17, 0x01, 0x02, 0x02,
		0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17,
		0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f,
		0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08,
		0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27,
		0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f
	};
	struct kex_hello h = { .role = KEX_SERVER,
	    .number = UINT64_C(0x0102030405060708) }, is;
	uint8_t bytes[KEX_HELLO + 1];
	unsigned i;

	for (i = 0; i < KEX_SID; i++) {
		h.sid[i] = (uint8_t)(0x10 + i);
		h.rd[i] = (uint8_t)(0x20 + i);
	}
	bytes[KEX_HELLO] = 0xa5;
	kex_hello_put(&h, bytes);
	CHECK_BYTES(bytes, should, KEX_HELLO);
	CHECK_EQ(bytes[KEX_HELLO], 0xa5);
	for (i = 0; i < 256; i++) {
		unit_row("role %u", i);
		bytes[KEX_HEAD] = (uint8_t)i;
		memset(&is, 0, sizeof(is));
		CHECK_EQ(kex_hello_get(&is, unit_guard(bytes, KEX_HELLO)),
		    i == KEX_CLIENT || i == KEX_SERVER);
		CHECK_BYTES(is.sid, h.sid, KEX_SID);
		CHECK_BYTES(is.rd, h.rd, KEX_RANDOM);
		CHECK(is.number == h.number);
	}
}

enum { SEEN_MAX = 128 };
static uint8_t seen[SEEN_MAX][CRYPT_KEYS];
static size_t nseen;

/* Keys that nobody else has, neither whole nor the key alone. */
static void
unseen(const uint8_t keys[CRYPT_KEYS])
{
	size_t i;

	for (i = 0; i < nseen; i++)
		CHECK(memcmp(seen[i], keys, BEAR_KEY) != 0);
	REQUIRE(nseen < SEEN_MAX);
	memcpy(seen[nseen++], keys, CRYPT_KEYS);
}

/* Whatever goes into a key makes it another. */
static void
keys_differ(void)
{
	uint8_t keys[CRYPT_KEYS], hello[KEX_HELLO], answer[KEX_ANSWER];
	struct kex_keys k, other;
	size_t i;

	unit_fill(k.prk, sizeof(k.prk), 1);
	unit_fill(k.sid, sizeof(k.sid), 2);
	unit_fill(hello, sizeof(hello), 3);
	unit_fill(answer, sizeof(answer), 4);
	k.suite = BEAR_AES256_GCM;
	kex_link_keys(&k, KEX_CLIENT, keys);
	unseen(keys);
	kex_link_keys(&k, KEX_SERVER, keys);
	unseen(keys);
	kex_dialler_keys(&k, hello, keys);
	unseen(keys);
	kex_acceptor_keys(&k, hello, answer, keys);
	unseen(keys);
	for (i = 0; i < KEX_HELLO; i++) {
		unit_row("byte %zu of h", i);
		hello[i] ^= 1;
		kex_dialler_keys(&k, unit_guard(hello, KEX_HELLO), keys);
		unseen(keys);
		kex_acceptor_keys(&k, hello, answer, keys);
		if (i % 2 == 0)
			unseen(keys);
		else
			CHECK(memcmp(keys, seen[3], CRYPT_KEYS) != 0);
		hello[i] ^= 1;
	}
	for (i = 0; i < KEX_ANSWER; i++) {
		unit_row("byte %zu of r", i);
		answer[i] ^= 1;
		kex_acceptor_keys(&k, hello, unit_guard(answer, KEX_ANSWER),
		    keys);
		unseen(keys);
		answer[i] ^= 1;
	}
	unit_row("the suite");
	other = k;
	other.suite = BEAR_CHACHA20_POLY1305;
	kex_link_keys(&other, KEX_CLIENT, keys);
	unseen(keys);
	kex_dialler_keys(&other, hello, keys);
	unseen(keys);
	kex_acceptor_keys(&other, hello, answer, keys);
	unseen(keys);
	unit_row("PRK");
	other = k;
	other.prk[BEAR_HASH - 1] ^= 0x80;
	kex_link_keys(&other, KEX_CLIENT, keys);
	unseen(keys);
	kex_dialler_keys(&other, hello, keys);
	unseen(keys);
	kex_acceptor_keys(&other, hello, answer, keys);
	unseen(keys);
	/* All is as it was: the first four are those again. */
	kex_acceptor_keys(&k, hello, answer, keys);
	CHECK_BYTES(keys, seen[3], CRYPT_KEYS);
	kex_dialler_keys(&k, hello, keys);
	CHECK_BYTES(keys, seen[2], CRYPT_KEYS);
}

int
main(void)
{
	unit_case("kex: vectors", vectors);
	unit_case("kex: both sides agree", agreement);
	unit_case("kex: every offer", offers);
	unit_case("kex: wrong token", wrong_token);
	unit_case("kex: each byte of each message", each_byte);
	unit_case("kex: each bit in the clear", each_bit);
	unit_case("kex: downgrade", downgrade);
	unit_case("kex: heads", heads);
	unit_case("kex: reflection", reflection);
	unit_case("kex: replay", replay);
	unit_case("kex: no points", no_points);
	unit_case("kex: range of scalars", scalars);
	unit_case("kex: hellos", hellos);
	unit_case("kex: keys differ in whatever goes in", keys_differ);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* kex.c - handshakes that somebody without the token takes part in.
 *
 * A client and a server have made a genuine link and stream, once.  The input
 * says which of their messages is changed, and how: one byte for the message,
 * then edits of it, with a zero byte (or the input's end) behind them, then
 * edits of the next one.  What was not written by who has the keys is never
 * accepted, and gives other keys, or none. */

#include "fuzz.h"
#include "kdf.h"
#include "kex.h"
#include "record.h"

enum {
	NUMBER = 2,
	OPEN_LEN = 9,
	OPEN_WIRE = OPEN_LEN + CRYPT_OVERHEAD,
	OPENED_WIRE = CRYPT_OVERHEAD,
	NPOINTS = 12,
	LIMBS = 8
};

/* What was genuine. */
static uint8_t w[BEAR_SCALAR], x[BEAR_SCALAR], y[BEAR_SCALAR];
static struct kex client_began, client, server;
static uint8_t hello[KEX_HELLO], answer[KEX_ANSWER];
static uint8_t open_wire[OPEN_WIRE], opened_wire[OPENED_WIRE];

/* Shares to try: some of the curve, some not. */
static uint8_t points[NPOINTS][BEAR_POINT];
enum { W_TIMES_M = 0, W_TIMES_N = 1 };

/* All of the above, for edits to take parts of. */
static const struct { const uint8_t *p; size_t n; } pool[] = {
	{ client.m1, KEX_M1 }, { server.m2, KEX_M2 }, { client.m3, KEX_M3 },
	{ hello, KEX_HELLO }, { answer, KEX_ANSWER },
	{ open_wire, OPEN_WIRE }, { opened_wire, OPENED_WIRE },
	{ w, BEAR_SCALAR }
};
_Static_assert(sizeof(pool) / sizeof(pool[0]) == 8, "three bits of an edit");

/* The curve, the slow way: 256 bits in 8 limbs, the lowest first ----------- */

static const uint8_t PRIME[BEAR_SCALAR] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};
/* SP 800-186, 3.2.1.3. */
static const uint8_t COEFFICIENT_B[BEAR_SCALAR] = {
	0x5a, 0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7,
	0xb3, 0xeb, 0xbd, 0x55, 0x76, 0x98, 0x86, 0xbc,
	0x65, 0x1d, 0x06, 0xb0, 0xcc, 0x53, 0xb0, 0xf6,
	0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b
};
/* The one with x = 0. */
static const uint8_t ROOT_OF_B[BEAR_SCALAR] = {
	0x66, 0x48, 0x5c, 0x78, 0x0e, 0x2f, 0x83, 0xd7,
	0x24, 0x33, 0xbd, 0x5d, 0x84, 0xa0, 0x6b, 0xb6,
	0x54, 0x1c, 0x2a, 0xf3, 0x1d, 0xae, 0x87, 0x17,
	0x28, 0xbf, 0x85, 0x6a, 0x17, 0x4f, 0x93, 0xf4
};

static void
load(uint32_t a[LIMBS], const uint8_t bytes[BEAR_SCALAR])
{
	int i;

	for (i = 0; i < LIMBS; i++, bytes += 4)
		a[LIMBS - 1 - i] = (uint32_t)bytes[0] << 24 |
		    (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		    bytes[3];
}

/* a = a + b, for a and b less than p. */
static void
add(uint32_t a[LIMBS], const uint32_t b[LIMBS])
{
	uint32_t p[LIMBS], less[LIMBS];
	uint64_t sum, carry = 0, borrow = 0;
	int i;

	load(p, PRIME);
	for (i = 0; i < LIMBS; i++) {
		sum = carry + a[i] + b[i];
		a[i] = (uint32_t)(sum & UINT32_MAX);
		carry = sum >> 32;
	}
	for (i = 0; i < LIMBS; i++) {
		sum = (uint64_t)a[i] - p[i] - borrow;
		less[i] = (uint32_t)(sum & UINT32_MAX);
		borrow = sum >> 63;
	}
	if (carry != 0 || borrow == 0)
		memcpy(a, less, sizeof(less));
}

static void
multiply(uint32_t out[LIMBS], const uint32_t a[LIMBS], const uint32_t b[LIMBS])
{
	uint32_t sum[LIMBS] = { 0 };
	int i;

	for (i = 255; i >= 0; i--) {
		add(sum, sum);
		if ((b[i / 32] >> i % 32 & 1) != 0)
			add(sum, a);
	}
	memcpy(out, sum, sizeof(sum));
}

/* Is it a point: 04, x and y less than p, y^2 + 3x = x^3 + b? */
static int
is_point(const uint8_t a[BEAR_POINT])
{
	uint32_t px[LIMBS], py[LIMBS], left[LIMBS], right[LIMBS], b[LIMBS];

	if (a[0] != 4 || memcmp(a + 1, PRIME, 32) >= 0 ||
	    memcmp(a + 33, PRIME, 32) >= 0)
		return 0;
	load(px, a + 1);
	load(py, a + 33);
	load(b, COEFFICIENT_B);
	multiply(left, py, py);
	add(left, px);
	add(left, px);
	add(left, px);
	multiply(right, px, px);
	multiply(right, right, px);
	add(right, b);
	return memcmp(left, right, sizeof(left)) == 0;
}

/* Is it 1 to n - 1? */
static int
is_scalar(const uint8_t s[BEAR_SCALAR])
{
	static const uint8_t zero[BEAR_SCALAR];

	return memcmp(s, zero, sizeof(zero)) != 0 &&
	    memcmp(s, bear_p256_order(), BEAR_SCALAR) < 0;
}

static int
is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n > 0 && b[n - 1] == 0)
		n--;
	return n == 0;
}

/* What is genuine ---------------------------------------------------------- */

/* Edits -------------------------------------------------------------------- */

/* Change the n bytes at p, whose share, if there is one, is at `share`. */
static void
edit(struct fuzz_in *in, uint8_t *p, size_t n, size_t share)
{
	uint8_t op, scalar[BEAR_SCALAR] = { 0 };
	size_t at, len, from;
	const uint8_t *src;

	while ((op = fuzz_u8(in)) != 0) {
		if ((op & 7) == 1) {
			at = fuzz_u16(in) % (8 * n);
			p[at / 8] ^= (uint8_t)(1 << at % 8);
			continue;
		}
		if (((op & 7) == 2 || (op & 7) == 3) && share == 0)
			continue;
		if ((op & 7) == 2) {
			memcpy(p + share, points[fuzz_u8(in) % NPOINTS],
			    BEAR_POINT);
			continue;
		}
		if ((op & 7) == 3) {		/* a point of their own */
			scalar[31] = 1;
			scalar[op >> 3 & 31] ^= fuzz_u8(in);
			memcpy(p + share, bear_p256_generator(), BEAR_POINT);
			(void)bear_p256_mul(p + share, scalar);
			continue;
		}
		at = fuzz_u8(in) % n;
		if ((op & 7) == 4) {		/* part of another message */
			from = fuzz_u8(in) % pool[op >> 3 & 7].n;
			src = pool[op >> 3 & 7].p + from;
			len = pool[op >> 3 & 7].n - from;
		} else {
			len = op >> 3;
			src = fuzz_take(in, &len);
		}
		if (len > n - at)
			len = n - at;
		if (len > 0)
			memcpy(p + at, src, len);
	}
}

/* What is genuine ---------------------------------------------------------- */

static void
make_points(void)
{
	static const uint8_t one[BEAR_SCALAR] = { [31] = 1 };
	uint8_t minus_one[BEAR_SCALAR];
	struct spake2 s;
	int i;

	memcpy(minus_one, bear_p256_order(), BEAR_SCALAR);
	minus_one[31]--;
	/* w * M is the share for 1, less the generator; and with N. */
	MUST(spake2_start(&s, SPAKE2_A, w, one));
	memcpy(points[W_TIMES_M], s.share, BEAR_POINT);
	MUST(spake2_start(&s, SPAKE2_B, w, one));
	memcpy(points[W_TIMES_N], s.share, BEAR_POINT);
	for (i = 0; i < 2; i++)
		MUST(bear_p256_muladd(points[i], one, bear_p256_generator(),
		    minus_one));
	memcpy(points[2], bear_p256_generator(), BEAR_POINT);
	memcpy(points[3], client.m1 + 5, BEAR_POINT);
	memcpy(points[4], server.m2 + 2, BEAR_POINT);
	for (i = 5; i < 7; i++) {
		memcpy(points[i], points[i - 2], BEAR_POINT);
		MUST(bear_p256_mul(points[i], minus_one));
	}
	/* One with x = 0, and once more with p, which is the same. */
	points[7][0] = points[8][0] = 4;
	memcpy(points[7] + 33, ROOT_OF_B, BEAR_SCALAR);
	memcpy(points[8] + 33, ROOT_OF_B, BEAR_SCALAR);
	memcpy(points[8] + 1, PRIME, BEAR_SCALAR);
	/* Nothing at all; y too large; and none of the curve. */
	memcpy(points[10], points[7], BEAR_POINT);
	memcpy(points[10] + 33, PRIME, BEAR_SCALAR);
	memcpy(points[11], points[3], 33);
	memcpy(points[11] + 33, points[4] + 33, BEAR_SCALAR);
	for (i = 0; i < NPOINTS; i++)
		MUST(is_point(points[i]) == (i < 8));
}

static void
make_stream(void)
{
	struct kex_hello h = { KEX_CLIENT, { 0 }, NUMBER, { 0 } };
	struct record_half dialler, acceptor;
	struct span out = { open_wire, 0, 0, OPEN_WIRE };
	uint8_t keys[CRYPT_KEYS], body[OPEN_LEN] = { 1, 'h', ':', '1' };

	memcpy(h.sid, client.keys.sid, KEX_SID);
	memset(h.rd, 0x77, sizeof(h.rd));
	kex_hello_put(&h, hello);
	kex_dialler_keys(&client.keys, hello, keys);
	record_init(&dialler, RECORD_STREAM, true, client.keys.suite, keys);
	MUST(record_put(&dialler, RECORD_OPEN, body, OPEN_LEN, &out) == 0);
	MUST(out.end == OPEN_WIRE);
	answer[0] = KEX_GO_ON;
	memset(answer + 1, 0x99, KEX_RANDOM);
	kex_acceptor_keys(&client.keys, hello, answer, keys);
	record_init(&acceptor, RECORD_STREAM, false, client.keys.suite, keys);
	out.buf = opened_wire;
	out.end = 0;
	out.cap = OPENED_WIRE;
	MUST(record_put(&acceptor, RECORD_OPENED, NULL, 0, &out) == 0);
	MUST(out.end == OPENED_WIRE);
}

static void
make_genuine(void)
{
	int i;

	for (i = 0; i < BEAR_SCALAR; i++) {
		w[i] = (uint8_t)(17 * i + 3);
		x[i] = (uint8_t)(29 * i + 5);
		y[i] = (uint8_t)(43 * i + 7);
	}
	kex_init(&client, KEX_KIND_LINK, "");
	kex_init(&server, KEX_KIND_LINK, "");
	MUST(kex_client_start(&client, w, x));
	client_began = client;
	MUST(kex_server_start(&server, w, y, client.m1) == 1);
	MUST(kex_client_finish(&client, server.m2));
	MUST(kex_server_finish(&server, client.m3));
	make_points();
	make_stream();
}

/* Checks ------------------------------------------------------------------- */

static int
same_keys(const struct kex_keys *a, const struct kex_keys *b)
{
	return memcmp(a->prk, b->prk, sizeof(a->prk)) == 0 &&
	    memcmp(a->sid, b->sid, sizeof(a->sid)) == 0 &&
	    a->suite == b->suite;
}

/* Expand(prk, label || more, n) of RFC 5869, for n of two hashes at most. */
static void
expand(const uint8_t *prk, const char *label, const uint8_t *more,
    size_t nmore, uint8_t *out, size_t n)
{
	uint8_t text[BEAR_HASH + 64], two[2 * BEAR_HASH];
	size_t len = strlen(label);

	MUST(len + nmore + 1 <= 64 && n <= sizeof(two));
	memcpy(text + BEAR_HASH, label, len);
	memcpy(text + BEAR_HASH + len, more, nmore);
	len += nmore + 1;
	text[BEAR_HASH + len - 1] = 1;
	bear_hmac(prk, BEAR_HASH, text + BEAR_HASH, len, two);
	memcpy(text, two, BEAR_HASH);
	text[BEAR_HASH + len - 1] = 2;
	bear_hmac(prk, BEAR_HASH, text, BEAR_HASH + len, two + BEAR_HASH);
	memcpy(out, two, n);
}

/* Nothing of these keys may be of use to who has the others. */
static void
other_keys(const struct kex_keys *a, const struct kex_keys *b)
{
	MUST(memcmp(a->prk, b->prk, sizeof(a->prk)) != 0);
	MUST(memcmp(a->sid, b->sid, sizeof(a->sid)) != 0);
}

/* Does a server take this for the beginning of a link? */
static int
is_m1(const uint8_t m1[KEX_M1])
{
	return memcmp(m1, "\xad\x17\x01\x01", 4) == 0 && (m1[4] & 1) != 0 &&
	    is_point(m1 + 5) &&
	    memcmp(m1 + 5, points[W_TIMES_M], BEAR_POINT) != 0;
}

static void
check_server(struct fuzz_in *in)
{
	uint8_t m1[KEX_M1], m3[KEX_M3];
	int same, same3, rc;
	struct kex k, c;

	memcpy(m1, client.m1, KEX_M1);
	edit(in, m1, KEX_M1, 5);
	memcpy(m3, client.m3, KEX_M3);
	edit(in, m3, KEX_M3, 0);
	same = memcmp(m1, client.m1, KEX_M1) == 0;
	same3 = memcmp(m3, client.m3, KEX_M3) == 0;
	memset(&k, 0, sizeof(k));
	kex_init(&k, KEX_KIND_LINK, "");
	rc = kex_server_start(&k, w, y, m1);
	MUST(rc == (is_m1(m1) ? 1 : -1));
	if (rc == -1) {
		MUST(is_zero(k.keys.prk, BEAR_HASH));
		MUST(is_zero(k.keys.sid, KEX_SID));
		MUST(is_zero(k.m2 + KEX_M2 - BEAR_HASH, BEAR_HASH));
		return;
	}
	MUST(k.m2[0] == KEX_GO_ON && k.m2[1] == (uint8_t)k.keys.suite);
	MUST(k.m2[1] == ((m1[4] & bear_suites() & 2) != 0 ? 2 : 1));
	MUST(memcmp(k.m2 + 2, points[4], BEAR_POINT) == 0);
	MUST(kex_server_finish(&k, m3) == (same && same3));
	/* What it says itself, sent back. */
	MUST(!kex_server_finish(&k, k.m2 + KEX_M2 - BEAR_HASH));
	if (same) {
		MUST(same_keys(&k.keys, &server.keys));
		MUST(memcmp(k.m2, server.m2, KEX_M2) == 0);
		return;
	}
	/* Neither does the client whose words were changed believe it. */
	other_keys(&k.keys, &client.keys);
	c = client_began;
	MUST(!kex_client_finish(&c, k.m2));
	other_keys(&k.keys, &c.keys);
}

static void
check_client(struct fuzz_in *in)
{
	uint8_t m2[KEX_M2];
	struct kex c = client_began;
	int valid;

	memcpy(m2, server.m2, KEX_M2);
	edit(in, m2, KEX_M2, 2);
	valid = m2[0] == 0x20 && (m2[1] == 1 || m2[1] == 2) &&
	    (m2[1] & bear_suites()) != 0 && is_point(m2 + 2) &&
	    memcmp(m2 + 2, points[W_TIMES_N], BEAR_POINT) != 0;
	if (kex_client_finish(&c, m2)) {
		MUST(memcmp(m2, server.m2, KEX_M2) == 0);
		MUST(same_keys(&c.keys, &server.keys));
		MUST(memcmp(c.m3, client.m3, KEX_M3) == 0);
		return;
	}
	MUST(memcmp(m2, server.m2, KEX_M2) != 0);
	if (!valid) {
		MUST(is_zero(c.keys.prk, BEAR_HASH));
		MUST(is_zero(c.keys.sid, KEX_SID));
		MUST(is_zero(c.m3, KEX_M3));
	} else if (memcmp(m2, server.m2, KEX_M2 - BEAR_HASH) != 0) {
		other_keys(&c.keys, &client.keys);
		MUST(memcmp(c.m3, client.m3, KEX_M3) != 0);
		MUST(!kex_server_finish(&server, c.m3));
	}
}

static void
read_scalar(struct fuzz_in *in, const uint8_t *dflt, uint8_t s[BEAR_SCALAR])
{
	uint8_t how = fuzz_u8(in);
	const uint8_t *p;
	size_t n = how >> 3;

	if ((how & 7) < 3)
		memcpy(s, dflt, BEAR_SCALAR);
	else if ((how & 7) < 5)
		memcpy(s, bear_p256_order(), BEAR_SCALAR);
	else
		memset(s, (how & 7) == 5 ? 0xff : 0, BEAR_SCALAR);
	if ((how & 7) == 0)
		return;
	/* Its end is the input's. */
	s[31] = (uint8_t)(s[31] + (how & 1 ? fuzz_u8(in) : 0));
	if ((how & 7) != 4 && n > 0) {
		p = fuzz_take(in, &n);
		if (n > 0)
			memcpy(s + BEAR_SCALAR - n, p, n);
	}
}

/* Whoever the two are: they agree if their w is the same, and else not. */
static void
check_both(struct fuzz_in *in)
{
	uint8_t keys[4][CRYPT_KEYS], w1[BEAR_SCALAR], w2[BEAR_SCALAR];
	uint8_t want[CRYPT_KEYS], label[2];
	uint8_t x1[BEAR_SCALAR], y1[BEAR_SCALAR];
	struct kex c, s;
	int same, rc, i;

	read_scalar(in, w, w1);
	read_scalar(in, w, w2);
	read_scalar(in, x, x1);
	read_scalar(in, y, y1);
	if (!is_scalar(w1))
		memcpy(w1, w, sizeof(w1));
	if (!is_scalar(w2))
		memcpy(w2, w, sizeof(w2));
	same = memcmp(w1, w2, sizeof(w1)) == 0;
	memset(&c, 0, sizeof(c));
	memset(&s, 0, sizeof(s));
	kex_init(&c, KEX_KIND_LINK, "");
	kex_init(&s, KEX_KIND_LINK, "");
	MUST(kex_client_start(&c, w1, x1) == is_scalar(x1));
	if (!is_scalar(x1))
		return;
	rc = kex_server_start(&s, w2, y1, c.m1);
	MUST(rc == is_scalar(y1));
	if (rc == 0)
		return;
	MUST(kex_client_finish(&c, s.m2) == same);
	MUST(kex_server_finish(&s, c.m3) == same);
	if (!same) {
		other_keys(&c.keys, &s.keys);
		return;
	}
	MUST(same_keys(&c.keys, &s.keys));
	kex_link_keys(&c.keys, KEX_CLIENT, keys[0]);
	kex_link_keys(&s.keys, KEX_CLIENT, keys[1]);
	kex_link_keys(&c.keys, KEX_SERVER, keys[2]);
	kex_link_keys(&s.keys, KEX_SERVER, keys[3]);
	MUST(memcmp(keys[0], keys[1], CRYPT_KEYS) == 0);
	MUST(memcmp(keys[2], keys[3], CRYPT_KEYS) == 0);
	/* PROTOCOL.md 3.2. */
	expand(c.keys.prk, "sid", label, 0, want, KEX_SID);
	MUST(memcmp(c.keys.sid, want, KEX_SID) == 0);
	label[0] = (uint8_t)c.keys.suite;
	for (i = 1; i <= 2; i++) {
		label[1] = (uint8_t)i;
		expand(c.keys.prk, "link", label, 2, want, CRYPT_KEYS);
		MUST(memcmp(keys[2 * i - 2], want, CRYPT_KEYS) == 0);
	}
	MUST(memcmp(keys[0], keys[2], BEAR_KEY) != 0);
	MUST(memcmp(keys[0] + BEAR_KEY, keys[2] + BEAR_KEY, BEAR_NONCE) != 0);
}

/* Is there a record in these n bytes? */
static int
opens(const uint8_t keys[CRYPT_KEYS], int dialler, const uint8_t *wire,
    size_t n)
{
	struct span in = { fuzz_copy(wire, n), 0, n, n };
	enum crypt_verdict v;
	enum record_type type;
	struct record_half h;
	uint8_t *body;
	size_t len;

	record_init(&h, RECORD_STREAM, dialler, server.keys.suite, keys);
	v = record_get(&h, &in, &type, &body, &len);
	if (v == CRYPT_RECORD)
		MUST(type == (dialler ? RECORD_OPEN : RECORD_OPENED) &&
		    in.off == n && len == (dialler ? OPEN_LEN : 0));
	free(in.buf);
	return v == CRYPT_RECORD;
}

/* PROTOCOL.md 3.4. */
static void
check_stream_keys(const uint8_t keys[CRYPT_KEYS], const char *label,
    const uint8_t h[KEX_HELLO], const uint8_t r[KEX_ANSWER], size_t n)
{
	uint8_t text[KEX_HELLO + KEX_ANSWER], more[1 + BEAR_HASH];
	uint8_t want[CRYPT_KEYS];

	memcpy(text, h, KEX_HELLO);
	memcpy(text + KEX_HELLO, r, n);
	more[0] = (uint8_t)client.keys.suite;
	bear_sha256(text, KEX_HELLO + n, more + 1);
	expand(client.keys.prk, label, more, sizeof(more), want, CRYPT_KEYS);
	MUST(memcmp(keys, want, CRYPT_KEYS) == 0);
}

static void
check_stream(struct fuzz_in *in)
{
	uint8_t h[KEX_HELLO], r[KEX_ANSWER], first[OPEN_WIRE];
	uint8_t second[OPENED_WIRE], again[KEX_HELLO], keys[CRYPT_KEYS];
	struct kex_hello got;
	uint64_t number = 0;
	int same, i;
	bool taken;

	memcpy(h, hello, sizeof(h));
	edit(in, h, sizeof(h), 0);
	memcpy(first, open_wire, sizeof(first));
	edit(in, first, sizeof(first), 0);
	memcpy(r, answer, sizeof(r));
	edit(in, r, sizeof(r), 0);
	memcpy(second, opened_wire, sizeof(second));
	edit(in, second, sizeof(second), 0);
	same = memcmp(h, hello, sizeof(h)) == 0;

	taken = kex_hello_get(&got, h);
	MUST(taken == (h[4] == 1 || h[4] == 2));
	for (i = 21; i < 29; i++)
		number = number << 8 | h[i];
	MUST((unsigned)got.role == h[4] && got.number == number);
	MUST(memcmp(got.sid, h + 5, 16) == 0);
	MUST(memcmp(got.rd, h + 29, 16) == 0);
	if (taken) {
		kex_hello_put(&got, again);
		MUST(memcmp(again, "\xad\x17\x01\x02", 4) == 0);
		MUST(memcmp(again + 4, h + 4, sizeof(h) - 4) == 0);
	}
	kex_dialler_keys(&server.keys, h, keys);
	check_stream_keys(keys, "stream d", h, r, 0);
	MUST(opens(keys, 1, first, sizeof(first)) == (same &&
	    memcmp(first, open_wire, sizeof(first)) == 0));
	kex_acceptor_keys(&client.keys, h, r, keys);
	check_stream_keys(keys, "stream a", h, r, KEX_ANSWER);
	MUST(opens(keys, 0, second, sizeof(second)) == (same &&
	    memcmp(r, answer, sizeof(r)) == 0 &&
	    memcmp(second, opened_wire, sizeof(second)) == 0));
}

static void
check_kind(struct fuzz_in *in)
{
	uint8_t head[KEX_HEAD] = { 0xad, 0x17, 1, 1 };
	enum kex_kind want;

	edit(in, head, sizeof(head), 0);
	if (head[0] != 0xad || head[1] != 0x17)
		want = KEX_KIND_BAD;
	else if (head[2] != 1)
		want = KEX_KIND_VERSION;
	else if (head[3] == 1 || head[3] == 2 || head[3] == 6)
		want = (enum kex_kind)head[3];
	else
		want = KEX_KIND_BAD;
	MUST(kex_kind(head) == want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	if (size < 1)
		return 0;
	if (server.role == 0)
		make_genuine();
	switch (fuzz_u8(&in) % 8) {
	case 0:
	case 5:
		check_server(&in);
		break;
	case 1:
	case 6:
		check_client(&in);
		break;
	case 2:
		check_both(&in);
		break;
	case 3:
	case 7:
		check_stream(&in);
		break;
	default:
		check_kind(&in);
		break;
	}
	return 0;
}

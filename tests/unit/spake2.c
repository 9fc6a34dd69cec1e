/* SPDX-License-Identifier: MIT */
/* spake2.c - the vectors of RFC 9382, both sides against each other, and
 * every kind of share that is refused.
 *
 * It brings its own spake2.c and bear.c, for what is static there. */

#include "../../bear.c"
#include "../../spake2.c"
#include "unit.h"

enum { BYTES_MAX = 512 };

/* The fields of tests/vectors/spake2.txt, in order. */
enum field {
	ID_A, ID_B, W, X, Y, SHARE_A, SHARE_B, K, TT, HASH, KE, KA, KC_A, KC_B,
	C_A, C_B, NFIELDS
};
static const char *const field_names[NFIELDS] = {
	"A", "B", "w", "x", "y", "pA", "pB", "K", "TT", "hash", "Ke", "Ka",
	"KcA", "KcB", "cA", "cB"
};

static const uint8_t two[BEAR_SCALAR] = { [BEAR_SCALAR - 1] = 2 };
static const struct spake2_names names = {
	"adit connect", "adit listen", 12, 11
};

/* What one side sends, computes, and expects. */
static void
side(const struct unit_field *v, enum spake2_side which)
{
	struct spake2_names ids = { v[ID_A].b, v[ID_B].b, v[ID_A].n,
	    v[ID_B].n };
	bool is_a = which == SPAKE2_A;
	const struct unit_field *theirs = &v[is_a ? SHARE_B : SHARE_A];
	uint8_t k[BEAR_POINT];
	struct spake2_result r;
	struct spake2 s;

	CHECK(spake2_start(&s, which, v[W].b, v[is_a ? X : Y].b));
	unit_check_field("share", s.share, BEAR_POINT,
	    &v[is_a ? SHARE_A : SHARE_B]);
	CHECK(shared_point(&s, theirs->b, k));
	unit_check_field("K", k, BEAR_POINT, &v[K]);
	CHECK(spake2_finish(&s, unit_guard(theirs->b, theirs->n), &ids, "", 0,
	    &r));
	unit_check_field("Ke", r.ke, SPAKE2_KEY, &v[KE]);
	unit_check_field("mine", r.mine, BEAR_HASH, &v[is_a ? C_A : C_B]);
	unit_check_field("theirs", r.theirs, BEAR_HASH, &v[is_a ? C_B : C_A]);
}

/* The way from TT to the confirmations, step by step. */
static void
schedule(const struct unit_field *v)
{
	uint8_t out[BEAR_HASH], prk[BEAR_HASH];

	bear_sha256(v[TT].b, v[TT].n, out);
	unit_check_field("hash", out, BEAR_HASH, &v[HASH]);
	unit_check_field("Ke", out, SPAKE2_KEY, &v[KE]);
	unit_check_field("Ka", out + SPAKE2_KEY, SPAKE2_KEY, &v[KA]);
	kdf_extract("", 0, v[KA].b, v[KA].n, prk);
	kdf_expand(prk, "ConfirmationKeys", 16, out, sizeof(out));
	unit_check_field("KcA", out, SPAKE2_KEY, &v[KC_A]);
	unit_check_field("KcB", out + SPAKE2_KEY, SPAKE2_KEY, &v[KC_B]);
	bear_hmac(v[KC_A].b, v[KC_A].n, v[TT].b, v[TT].n, out);
	unit_check_field("cA", out, BEAR_HASH, &v[C_A]);
	bear_hmac(v[KC_B].b, v[KC_B].n, v[TT].b, v[TT].n, out);
	unit_check_field("cB", out, BEAR_HASH, &v[C_B]);
}

static void
check_vector(const struct unit_field *v)
{
	side(v, SPAKE2_A);
	side(v, SPAKE2_B);
	schedule(v);
}

static void
vectors(void)
{
	static struct unit_field v[NFIELDS];

	CHECK_EQ(unit_read_vectors("tests/vectors/spake2.txt", field_names,
	    NFIELDS, v, check_vector), 4);
}

/* A scalar for tests; those of w, x and y fit (of 2^32 one would not). */
static void
scalar(const char *name, uint8_t x[BEAR_SCALAR])
{
	bear_sha256(name, strlen(name), x);
	REQUIRE(bear_p256_scalar(x));
}

/* The RFC has no vector with AAD.  This one is from Python, by way of the
 * curve's equations in their simplest form. */
static void
with_aad(void)
{
	uint8_t aad[SPAKE2_AAD_MAX], w[BEAR_SCALAR], x[BEAR_SCALAR];
	struct spake2_result ra, rb;
	struct spake2 a, b;
	uint8_t i;

	for (i = 0; i < sizeof(aad); i++)
		aad[i] = i;
	scalar("w", w);
	scalar("x", x);
	CHECK(spake2_start(&a, SPAKE2_A, w, x));
	scalar("y", x);
	CHECK(spake2_start(&b, SPAKE2_B, w, x));
	CHECK(spake2_finish(&a, b.share, &names, aad, sizeof(aad), &ra));
	CHECK(spake2_finish(&b, a.share, &names, aad, sizeof(aad), &rb));
	unit_check_hex(ra.ke, SPAKE2_KEY, "52ddbedc0a97919e8ce37be066bdf09f");
	unit_check_hex(ra.mine, BEAR_HASH,
	    "1f46dda746c896c3c58533ea20752fd46dabfca975c06036bc6da04feaf5bd17");
	unit_check_hex(ra.theirs, BEAR_HASH,
	    "5a74c7b1552f9f57d59e88822d0a6ee80d11699605d85afd425042ea3431dd70");
	CHECK_BYTES(rb.ke, ra.ke, SPAKE2_KEY);
	CHECK_BYTES(rb.mine, ra.theirs, BEAR_HASH);
	CHECK_BYTES(rb.theirs, ra.mine, BEAR_HASH);
	/* Other AAD, or none: the confirmations do not fit. */
	CHECK(spake2_finish(&b, a.share, &names, aad, sizeof(aad) - 1, &rb));
	CHECK(memcmp(rb.mine, ra.theirs, BEAR_HASH) != 0);
	CHECK(memcmp(rb.theirs, ra.mine, BEAR_HASH) != 0);
	CHECK(spake2_finish(&b, a.share, &names, NULL, 0, &rb));
	CHECK(memcmp(rb.mine, ra.theirs, BEAR_HASH) != 0);
}

/* Run both sides; do they agree on everything? */
static bool
agree(const uint8_t wa[BEAR_SCALAR], const uint8_t wb[BEAR_SCALAR],
    const uint8_t x[BEAR_SCALAR], const uint8_t y[BEAR_SCALAR],
    const struct spake2_names *na, const struct spake2_names *nb)
{
	struct spake2_result ra, rb;
	struct spake2 a, b;

	CHECK(spake2_start(&a, SPAKE2_A, wa, x));
	CHECK(spake2_start(&b, SPAKE2_B, wb, y));
	CHECK(spake2_finish(&a, b.share, na, "aad", 3, &ra));
	CHECK(spake2_finish(&b, a.share, nb, "aad", 3, &rb));
	if (memcmp(ra.ke, rb.ke, SPAKE2_KEY) != 0) {
		/* Then nothing else fits. */
		CHECK(memcmp(ra.mine, rb.theirs, BEAR_HASH) != 0);
		CHECK(memcmp(ra.theirs, rb.mine, BEAR_HASH) != 0);
		return false;
	}
	CHECK_BYTES(ra.mine, rb.theirs, BEAR_HASH);
	CHECK_BYTES(ra.theirs, rb.mine, BEAR_HASH);
	CHECK(memcmp(ra.mine, ra.theirs, BEAR_HASH) != 0);
	return true;
}

/* The ends of the range, and scalars that are the same. */
static void
agreement(void)
{
	static const uint8_t one[BEAR_SCALAR] = { [BEAR_SCALAR - 1] = 1 };
	uint8_t w[BEAR_SCALAR], x[BEAR_SCALAR], y[BEAR_SCALAR];
	uint8_t most[BEAR_SCALAR], other[BEAR_SCALAR];
	struct spake2_names ids = names;

	negate(one, most);
	scalar("w", w);
	scalar("x", x);
	scalar("y", y);
	CHECK(agree(w, w, x, y, &names, &names));
	CHECK(agree(one, one, one, one, &names, &names));
	CHECK(agree(most, most, most, most, &names, &names));
	CHECK(agree(w, w, one, most, &names, &names));
	CHECK(agree(w, w, x, x, &names, &names));
	CHECK(agree(w, w, w, w, &names, &names));

	unit_row("another w");
	memcpy(other, w, sizeof(other));
	other[BEAR_SCALAR - 1] ^= 1;
	CHECK(!agree(w, other, x, y, &names, &names));
	unit_row("another name");
	ids.a = "adit connecu";
	CHECK(!agree(w, w, x, y, &names, &ids));
	unit_row("a name cut elsewhere");
	ids.a = "adit connecta";
	ids.na = 13;
	ids.b = "dit listen";
	ids.nb = 10;
	CHECK(!agree(w, w, x, y, &names, &ids));
}

/* 0 < x < order, at the edges and one byte at a time. */
static void
scalars(void)
{
	uint8_t w[BEAR_SCALAR], x[BEAR_SCALAR];
	const uint8_t *order = bear_p256_order();
	struct spake2 s;
	size_t i;

	scalar("w", w);
	memset(x, 0, sizeof(x));
	CHECK(!bear_p256_scalar(x));
	CHECK(!spake2_start(&s, SPAKE2_A, w, x));
	memset(x, 0xff, sizeof(x));
	CHECK(!bear_p256_scalar(x));
	CHECK(!spake2_start(&s, SPAKE2_B, w, x));
	memcpy(x, order, sizeof(x));
	CHECK(!bear_p256_scalar(x));
	CHECK(!spake2_start(&s, SPAKE2_A, w, x));
	x[BEAR_SCALAR - 1]--;
	CHECK(bear_p256_scalar(x));
	CHECK(spake2_start(&s, SPAKE2_A, w, x));
	for (i = 0; i < BEAR_SCALAR; i++) {
		unit_row("byte %zu", i);
		memset(x, 0, sizeof(x));
		x[i] = 1;
		CHECK(bear_p256_scalar(x));
		memcpy(x, order, sizeof(x));
		if (x[i] < 0xff) {
			x[i]++;
			CHECK(!bear_p256_scalar(x));
			memcpy(x, order, sizeof(x));
		}
		if (x[i] > 0) {
			x[i]--;
			CHECK(bear_p256_scalar(x));
		}
	}
}

/* Does each side take this share?  If the two do not say the same, that is a
 * failure as well. */
static bool
taken(const uint8_t share[BEAR_POINT])
{
	uint8_t w[BEAR_SCALAR], x[BEAR_SCALAR];
	struct spake2_result r;
	struct spake2 s;
	bool a, b;

	scalar("w", w);
	scalar("x", x);
	CHECK(spake2_start(&s, SPAKE2_A, w, x));
	a = spake2_finish(&s, share, &names, "", 0, &r);
	CHECK(spake2_start(&s, SPAKE2_B, w, x));
	b = spake2_finish(&s, share, &names, "", 0, &r);
	CHECK_EQ(a, b);
	return a;
}

/* Refused as a share, and by each function that takes a point. */
static void
refused(const char *what, const uint8_t point[BEAR_POINT])
{
	static const uint8_t one[BEAR_SCALAR] = { [BEAR_SCALAR - 1] = 1 };
	uint8_t a[BEAR_POINT];

	unit_row("%s", what);
	CHECK(!taken(point));
	memcpy(a, point, sizeof(a));
	CHECK(!bear_p256_mul(a, one));
	memcpy(a, point, sizeof(a));
	CHECK(!bear_p256_muladd(a, one, bear_p256_generator(), two));
	memcpy(a, bear_p256_generator(), sizeof(a));
	CHECK(!bear_p256_muladd(a, one, point, two));
}

static void
no_points(void)
{
	uint8_t a[BEAR_POINT], good[BEAR_POINT];
	unsigned first;

	memcpy(good, point_n, sizeof(good));
	scalar("x", a);
	REQUIRE(bear_p256_mul(good, a));
	CHECK(taken(good));

	memset(a, 0, sizeof(a));
	refused("zeros", a);
	a[0] = 0x04;
	refused("04 and zeros", a);
	memset(a, 0xff, sizeof(a));
	refused("ff", a);
	a[0] = 0x04;
	refused("04 and ff", a);
	memcpy(a, good, sizeof(a));
	a[BEAR_POINT - 1] ^= 1;
	refused("off the curve, y", a);
	memcpy(a, good, sizeof(a));
	a[BEAR_SCALAR] ^= 1;
	refused("off the curve, x", a);
	/* 02 and 03: compressed; 06 and 07: hybrid (X9.62 4.3.6). */
	for (first = 0; first < 256; first++) {
		memcpy(a, good, sizeof(a));
		a[0] = (uint8_t)first;
		unit_row("first byte %02x", first);
		CHECK_EQ(taken(a), first == 0x04);
		CHECK_EQ(plausible(a), first == 0x04);
	}
	memset(a + 1 + BEAR_SCALAR, 0, BEAR_SCALAR);
	a[0] = 0x02;
	refused("02, x, and zeros", a);
	/* The same x with y's sign bit set right. */
	memcpy(a, good, sizeof(a));
	a[0] = (uint8_t)(0x06 | (good[BEAR_POINT - 1] & 1));
	refused("hybrid", a);
}

/* Coordinates that are right modulo p, but not below it.  BearSSL 0.6 sees
 * them; later versions leave that to us. */
static void
remainders(void)
{
	/* The points (0, y) and (x, 5). */
	static const char *const rows[2] = {
		"04"
		"00000000000000000000000000000000"
		"00000000000000000000000000000000"
		"66485c780e2f83d72433bd5d84a06bb6"
		"541c2af31dae871728bf856a174f93f4",
		"04"
		"d7325d7646cd60d80a92738ceb345f84"
		"4cffaf35841022cab176f692de8de1d7"
		"00000000000000000000000000000000"
		"00000000000000000000000000000005"
	};
	uint8_t a[BYTES_MAX], *low;
	size_t i;

	for (i = 0; i < 2; i++) {
		REQUIRE(unit_hex(rows[i], a, sizeof(a)) == BEAR_POINT);
		unit_row("row %zu", i);
		CHECK(taken(a));
		CHECK_EQ(plausible(a), 1);
		/* p is the highest of these. */
		low = a + 1 + i * BEAR_SCALAR;
		memcpy(low, field, BEAR_SCALAR);
		low[BEAR_SCALAR - 1]--;
		CHECK_EQ(plausible(a), 1);
		low[BEAR_SCALAR - 1]++;
		CHECK_EQ(plausible(a), 0);
		if (i == 1) {		/* p + 5 = ...000104 */
			memset(low + 20, 0, 12);
			low[19] = 1;
			low[BEAR_SCALAR - 1] = 4;
		}
		refused(i == 0 ? "x + p" : "y + p", a);
		CHECK_EQ(plausible(a), 0);
	}
}

/* The other side's share is w * N, without a part of its own: nothing would
 * be left for K.  And -w * N, where the sum is of two points that are the
 * same, which is another formula. */
static void
edges(void)
{
	static const enum spake2_side sides[] = { SPAKE2_A, SPAKE2_B };
	uint8_t w[BEAR_SCALAR], x[BEAR_SCALAR], minus[BEAR_SCALAR];
	uint8_t share[BEAR_POINT], k[BEAR_POINT], should[BEAR_POINT];
	struct spake2_result r;
	struct spake2 s;
	const uint8_t *base;
	size_t i;

	scalar("w", w);
	scalar("x", x);
	negate(w, minus);
	for (i = 0; i < 2; i++) {
		base = sides[i] == SPAKE2_A ? point_n : point_m;
		unit_row("side %zu", i);
		CHECK(spake2_start(&s, sides[i], w, x));
		memcpy(share, base, BEAR_POINT);
		CHECK(bear_p256_mul(share, w));
		CHECK(!shared_point(&s, share, k));
		CHECK(!spake2_finish(&s, share, &names, "", 0, &r));

		memcpy(share, base, BEAR_POINT);
		CHECK(bear_p256_mul(share, minus));
		CHECK(shared_point(&s, share, k));
		memcpy(should, share, BEAR_POINT);
		CHECK(bear_p256_mul(should, two));
		CHECK(bear_p256_mul(should, x));
		CHECK_BYTES(k, should, BEAR_POINT);
		CHECK(spake2_finish(&s, share, &names, "", 0, &r));
	}
	/* Our own share, sent back: a point like any other, and of no use,
	 * because the names are not the same both ways. */
	unit_row("reflection");
	CHECK(spake2_start(&s, SPAKE2_A, w, x));
	CHECK(spake2_finish(&s, s.share, &names, "", 0, &r));
	CHECK(memcmp(r.mine, r.theirs, BEAR_HASH) != 0);
}

/* M and N as RFC 9382 section 6 has them, and the curve's constants. */
static void
constants(void)
{
	static const uint8_t one[BEAR_SCALAR] = { [BEAR_SCALAR - 1] = 1 };
	uint8_t a[BEAR_POINT], b[BEAR_POINT];

	CHECK(bear_here());
	unit_check_hex(point_m + 1, BEAR_SCALAR,
	    "886e2f97ace46e55ba9dd7242579f2993b64e16ef3dcab95afd497333d8fa12f");
	CHECK_EQ(point_m[BEAR_POINT - 1] & 1, 0);	/* 02 */
	unit_check_hex(point_n + 1, BEAR_SCALAR,
	    "d8bbd6c639c62937b04d997f38c3770719c629d7014d49a24b4f98baa1292b49");
	CHECK_EQ(point_n[BEAR_POINT - 1] & 1, 1);	/* 03 */
	memcpy(a, point_m, sizeof(a));
	CHECK(bear_p256_mul(a, one));
	CHECK_BYTES(a, point_m, sizeof(a));
	memcpy(a, point_n, sizeof(a));
	CHECK(bear_p256_mul(a, one));
	CHECK_BYTES(a, point_n, sizeof(a));
	unit_check_hex(bear_p256_order(), BEAR_SCALAR,
	    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
	unit_check_hex(bear_p256_generator(), BEAR_POINT,
	    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c2"
	    "964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51"
	    "f5");
	/* G + G = 2 * G, and 2 * G + (order - 2) * G is infinity. */
	memcpy(a, bear_p256_generator(), sizeof(a));
	CHECK(bear_p256_muladd(a, one, bear_p256_generator(), one));
	memcpy(b, bear_p256_generator(), sizeof(b));
	CHECK(bear_p256_mul(b, two));
	CHECK_BYTES(a, b, sizeof(a));
	negate(two, b);
	CHECK(!bear_p256_muladd(a, one, bear_p256_generator(), b));
}

int
main(void)
{
	unit_case("spake2: constants", constants);
	unit_case("spake2: RFC 9382 vectors", vectors);
	unit_case("spake2: a vector with aad", with_aad);
	unit_case("spake2: both sides agree", agreement);
	unit_case("spake2: range of scalars", scalars);
	unit_case("spake2: no points", no_points);
	unit_case("spake2: coordinates not below p", remainders);
	unit_case("spake2: infinity, doubling, reflection", edges);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* secret.c - compare and forget. */

#include "secret.h"
#include "unit.h"

static void
set(struct token *t, const char *s, size_t n)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->bytes, s, n);
	t->len = n;
}

static void
equal(void)
{
	static const struct {
		const char *a;
		size_t an;
		const char *b;
		size_t bn;
		bool same;
	} rows[] = {
		{ "a", 1, "a", 1, true },
		{ "a", 1, "b", 1, false },
		{ "a", 1, "a\0", 2, false },	/* only the length differs */
		{ "a\0", 2, "a", 1, false },
		{ "a\0", 2, "a\0", 2, true },
		{ "\0", 1, "\0\0", 2, false },
		{ "secret", 6, "secret", 6, true },
		{ "secret", 6, "Secret", 6, false },
		{ "secret", 6, "secreT", 6, false },
		{ "secret", 6, "secre", 5, false },
		{ "\x80", 1, "\0", 1, false }
	};
	struct token a, b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		set(&a, rows[i].a, rows[i].an);
		set(&b, rows[i].b, rows[i].bn);
		CHECK_EQ(secret_equal(&a, &b), rows[i].same);
		CHECK_EQ(secret_equal(&b, &a), rows[i].same);
	}
}

/* Every single bit counts, of bytes and of the length. */
static void
every_bit(void)
{
	struct token a, b;
	size_t i;

	memset(&a, 0, sizeof(a));
	unit_fill(a.bytes, TOKEN_MAX, 7);
	a.len = TOKEN_MAX;
	b = a;
	CHECK(secret_equal(&a, &b));
	for (i = 0; i < (size_t)TOKEN_MAX * 8; i++) {
		b.bytes[i / 8] = (uint8_t)(b.bytes[i / 8] ^ 1u << i % 8);
		unit_row("bit %zu", i);
		CHECK(!secret_equal(&a, &b));
		b.bytes[i / 8] = a.bytes[i / 8];
	}
	for (i = 0; i < TOKEN_MAX; i++) {
		b.len = i;
		unit_row("length %zu", i);
		CHECK(!secret_equal(&a, &b));
	}
}

/* The same n bytes, at every length and with every bit; what stands around
 * them does not count. */
static void
same(void)
{
	uint8_t a[80], b[80];
	size_t n, i;

	for (n = 0; n <= 64; n++) {
		unit_row("%zu bytes", n);
		unit_fill(a, sizeof(a), 1);
		unit_fill(b, sizeof(b), 2);
		memcpy(b + 8, a + 8, n);
		CHECK(secret_same(a + 8, b + 8, n));
		CHECK(secret_same(a + 8, a + 8, n));
		CHECK(secret_same(unit_guard(a + 8, n), b + 8, n));
		for (i = 0; i < 8 * n; i++) {
			unit_row("%zu bytes, bit %zu", n, i);
			b[8 + i / 8] ^= (uint8_t)(1u << i % 8);
			CHECK(!secret_same(a + 8, b + 8, n));
			CHECK(!secret_same(b + 8, a + 8, n));
			b[8 + i / 8] ^= (uint8_t)(1u << i % 8);
		}
	}
	/* Differences that would cancel each other out. */
	memset(a, 0, 32);
	memset(b, 0, 32);
	b[3] = b[17] = 0x80;
	CHECK(!secret_same(a, b, 32));
	memset(b, 0xff, 32);
	CHECK(!secret_same(a, b, 32));
}

static void
wipe(void)
{
	uint8_t p[64];
	size_t i, n;

	for (n = 0; n <= 32; n++) {
		memset(p, 0xa5, sizeof(p));
		secret_wipe(p + 16, n);
		for (i = 0; i < sizeof(p); i++) {
			unit_row("%zu bytes, byte %zu", n, i);
			CHECK_EQ(p[i], i >= 16 && i < 16 + n ? 0 : 0xa5);
		}
	}
}

int
main(void)
{
	unit_case("secret: equal or not", equal);
	unit_case("secret: every bit and every length", every_bit);
	unit_case("secret: the same bytes", same);
	unit_case("secret: wipes exactly", wipe);
	return unit_end();
}

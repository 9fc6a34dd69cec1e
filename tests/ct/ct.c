/* SPDX-License-Identifier: MIT */
/* ct.c - does the time that a computation takes depend on a secret?
 *
 * To valgrind's memcheck a secret is memory that was never written.  Computing
 * with it is allowed; a branch, or an address, that depends on it is reported.
 * What the protocol shows to everybody is declared written again: shares,
 * sealed records, and whether something was accepted.
 *
 * Runs one case, whose name is its argument; without one it lists them.  The
 * cases whose names begin with "leak" must be reported, or nothing here means
 * anything.  tests/ct/run is who knows. */

#include <stdio.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "bear.h"
#include "kdf.h"
#include "secret.h"
#include "spake2.h"

enum { BODY = 1000, TEXT = 300 };

static volatile unsigned sink;
static unsigned failures;

static void
hide(void *p, size_t n)
{
	(void)VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

static void
publish(void *p, size_t n)
{
	(void)VALGRIND_MAKE_MEM_DEFINED(p, n);
}

static bool
published(bool b)
{
	publish(&b, sizeof(b));
	return b;
}

/* What was computed is right, too: it was not left out. */
static void
check(bool ok, const char *what)
{
	if (ok)
		return;
	printf("wrong: %s\n", what);
	failures++;
}

/* crypt.c with a verdict that everybody sees: a record that is refused ends
 * the connection. */
static bool
open_published(const struct bear_aead *a, const uint8_t nonce[BEAR_NONCE],
    const void *aad, size_t naad, void *p, size_t n,
    const uint8_t tag[BEAR_TAG])
{
	return published(bear_aead_open(a, nonce, aad, naad, p, n, tag));
}

#define bear_aead_open open_published
#include "../../crypt.c"
#undef bear_aead_open

/* Bytes that look random, and are secret. */
static void
draw(void *p, size_t n, const char *name)
{
	uint8_t prk[BEAR_HASH];

	kdf_extract("ct", 2, name, strlen(name), prk);
	kdf_expand(prk, "", 0, p, n);
	hide(p, n);
}

static void
leak_branch(void)
{
	uint8_t x;

	draw(&x, 1, "x");
	if ((x & 1) != 0)
		sink++;
}

static void
leak_look_up(void)
{
	static volatile uint8_t table[256];
	uint8_t x;

	draw(&x, 1, "x");
	sink = table[x];
}

/* What this test is to find when somebody writes it. */
static void
leak_memcmp(void)
{
	uint8_t x[BEAR_HASH], y[BEAR_HASH] = { 0 };

	draw(x, sizeof(x), "x");
	if (memcmp(x, y, sizeof(x)) == 0)
		sink++;
}

static void
equal(void)
{
	static struct token a, b;

	draw(a.bytes, TOKEN_MAX, "token");
	memcpy(b.bytes, a.bytes, TOKEN_MAX);
	a.len = b.len = TOKEN_MAX;
	hide(&a.len, sizeof(a.len));
	hide(&b.len, sizeof(b.len));
	check(published(secret_equal(&a, &b)), "equal tokens");
	b.bytes[TOKEN_MAX / 2] ^= 1;
	check(!published(secret_equal(&a, &b)), "tokens that differ");
	check(published(secret_same(&a, &a, TOKEN_MAX)), "same bytes");
	check(!published(secret_same(&a, &b, TOKEN_MAX)), "other bytes");
}

static void
hkdf(void)
{
	uint8_t key[BEAR_KEY], salt[BEAR_HASH], prk[BEAR_HASH], out[100];

	draw(key, sizeof(key), "key");
	draw(salt, sizeof(salt), "salt");
	kdf_extract(salt, sizeof(salt), key, sizeof(key), prk);
	kdf_expand(prk, "info", 4, out, sizeof(out));
	kdf_expand(out, salt, sizeof(salt), out, BEAR_HASH);
}

static void
scalar(void)
{
	uint8_t x[BEAR_SCALAR];

	draw(x, sizeof(x), "x");
	check(published(bear_p256_scalar(x)), "a scalar");
	memset(x, 0, sizeof(x));
	hide(x, sizeof(x));
	check(!published(bear_p256_scalar(x)), "zero");
	memset(x, 0xff, sizeof(x));
	hide(x, sizeof(x));
	check(!published(bear_p256_scalar(x)), "a scalar out of range");
}

static void
begin(struct spake2 *s, enum spake2_side side, const char *name)
{
	uint8_t w[BEAR_SCALAR], x[BEAR_SCALAR];

	draw(w, sizeof(w), "w");
	draw(x, sizeof(x), name);
	check(published(spake2_start(s, side, w, x)), "start");
	publish(s->share, sizeof(s->share));
}

/* A whole exchange, and what both sides make of a share that is none. */
static void
exchange(void)
{
	static const struct spake2_names names = { "A", "B", 1, 1 };
	uint8_t bad[BEAR_POINT];
	struct spake2_result ra, rb;
	struct spake2 a, b;

	begin(&a, SPAKE2_A, "x");
	begin(&b, SPAKE2_B, "y");
	check(published(spake2_finish(&a, b.share, &names, "aad", 3, &ra)),
	    "B's share");
	check(published(spake2_finish(&b, a.share, &names, "aad", 3, &rb)),
	    "A's share");
	publish(&ra, sizeof(ra));
	publish(&rb, sizeof(rb));
	check(memcmp(ra.ke, rb.ke, sizeof(ra.ke)) == 0 &&
	    memcmp(ra.mine, rb.theirs, BEAR_HASH) == 0 &&
	    memcmp(ra.theirs, rb.mine, BEAR_HASH) == 0, "agreement");

	memcpy(bad, a.share, sizeof(bad));
	bad[BEAR_POINT - 1] ^= 1;
	check(!published(spake2_finish(&b, bad, &names, "aad", 3, &rb)),
	    "a share off the curve");
	memset(bad, 0xff, sizeof(bad));
	bad[0] = 0x04;
	check(!published(spake2_finish(&b, bad, &names, "aad", 3, &rb)),
	    "coordinates not below p");
	memset(bad, 0, sizeof(bad));
	check(!published(spake2_finish(&a, bad, &names, "aad", 3, &ra)),
	    "zeros");
}

/* The other side's share is w * M: infinity, and a secret is in it. */
static void
infinity(void)
{
	static const struct spake2_names names = { "A", "B", 1, 1 };
	static const uint8_t one[BEAR_SCALAR] = { [BEAR_SCALAR - 1] = 1 };
	uint8_t share[BEAR_POINT], minus[BEAR_SCALAR];
	struct spake2_result r;
	struct spake2 a, b;
	uint32_t d, borrow = 0;
	size_t i;

	/* (w * M + G) - G */
	draw(share, BEAR_SCALAR, "w");
	memcpy(minus, share, BEAR_SCALAR);
	check(published(spake2_start(&a, SPAKE2_A, minus, one)), "start");
	begin(&b, SPAKE2_B, "y");
	for (i = BEAR_SCALAR; i-- > 0;) {
		d = (uint32_t)bear_p256_order()[i] - one[i] - borrow;
		minus[i] = (uint8_t)d;
		borrow = d >> 31;
	}
	memcpy(share, a.share, sizeof(share));
	check(published(bear_p256_muladd(share, one, bear_p256_generator(),
	    minus)), "w * M");
	publish(share, sizeof(share));
	check(!published(spake2_finish(&b, share, &names, "", 0, &r)),
	    "infinity");
}

/* Some records, across a change of keys, and one that is refused. */
static void
records(enum bear_suite suite)
{
	static uint8_t space[4 * (CRYPT_OVERHEAD + BODY)], body[BODY];
	static const size_t lens[] = { 0, 1, 17, BODY };
	struct span s = { space, 0, 0, sizeof(space) };
	uint8_t keys[CRYPT_KEYS], type, *p;
	struct crypt a, b;
	size_t i, n;

	draw(keys, sizeof(keys), "keys");
	draw(body, sizeof(body), "body");
	crypt_init(&a, suite, keys);
	crypt_init(&b, suite, keys);
	a.count = b.count = CRYPT_REKEY - 2;
	for (i = 0; i < 4; i++) {
		type = (uint8_t)i;
		hide(&type, 1);
		check(crypt_seal(&a, type, body, lens[i], &s) == 0, "seal");
	}
	publish(space, s.end);
	for (i = 0; i < 4; i++) {
		check(crypt_open(&b, &s, &type, &p, &n) == CRYPT_RECORD,
		    "open");
		check(n == lens[i], "length");
		publish(&type, 1);
		publish(p, n);
		publish(body, n);
		check(type == i && memcmp(p, body, n) == 0, "body");
		hide(body, n);
	}
	s.off = s.end = 0;
	check(crypt_seal(&a, 1, body, TEXT, &s) == 0, "seal");
	publish(space, s.end);
	space[5] ^= 1;
	check(crypt_open(&b, &s, &type, &p, &n) == CRYPT_BAD, "refuse");
}

static void
chacha20(void)
{
	records(BEAR_CHACHA20_POLY1305);
}

static void
aes(void)
{
	if ((bear_suites() & BEAR_AES256_GCM) != 0)
		records(BEAR_AES256_GCM);
	else
		printf("skipped: no AES here\n");
}

static const struct {
	const char *name;
	void (*fn)(void);
} cases[] = {
	{ "leak-branch", leak_branch },
	{ "leak-look-up", leak_look_up },
	{ "leak-memcmp", leak_memcmp },
	{ "secret", equal },
	{ "hkdf", hkdf },
	{ "scalar", scalar },
	{ "spake2", exchange },
	{ "spake2-infinity", infinity },
	{ "crypt-chacha20", chacha20 },
	{ "crypt-aes", aes }
};

int
main(int argc, char **argv)
{
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc < 2) {
			printf("%s\n", cases[i].name);
		} else if (strcmp(argv[1], cases[i].name) == 0) {
			if (!RUNNING_ON_VALGRIND)
				return 2;
			cases[i].fn();
			return failures > 0 ? 1 : 0;
		}
	}
	return argc < 2 ? 0 : 2;
}

/* SPDX-License-Identifier: MIT */
/* bear.c - what is used of BearSSL.
 *
 * It works with release 0.6 and what came after it, and behaves alike with
 * all: points are checked here as well, because later versions take
 * coordinates that are no remainders.  Nothing here branches on a key, a
 * scalar, a point or a message, and verdicts are computed, not decided:
 * callers may hand in secret points. */

#include <bearssl.h>

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "bear.h"
#include "secret.h"

/* Not br_ec_get_default(), which brings other curves into a static binary
 * and another implementation with each version.  This one was checked for
 * constant time (tests/ct), and all versions have it. */
#define CURVE (&br_ec_p256_m31)

/* What the processor has instructions for: asked once, or by two threads
 * that get the same answer.  Asking is CPUID, which takes a virtual machine
 * 10 us: longer than a record. */
static atomic_uint suites_here;		/* 0: not asked yet */
static _Atomic(const br_block_ctr_class *) aes_ctr;
static _Atomic(br_ghash) ghash;

_Static_assert(sizeof(br_aes_x86ni_ctr_keys) <=
    sizeof(((struct bear_aead *)0)->schedule), "an AES key fits");
_Static_assert(BEAR_KEY <= sizeof(((struct bear_aead *)0)->schedule),
    "a ChaCha20 key fits");
_Static_assert(BEAR_HASH == br_sha256_SIZE, "SHA-256");

/* 2^256 - 2^224 + 2^192 + 2^96 - 1 (SP 800-186, 3.2.1.3). */
static const uint8_t field[BEAR_SCALAR] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
};

bool
bear_here(void)
{
	return true;
}

unsigned
bear_suites(void)
{
	unsigned suites = atomic_load(&suites_here);

	if (suites != 0)
		return suites;
	/* Both exist in every build of BearSSL, and give NULL where the
	 * instructions are missing. */
	atomic_store(&aes_ctr, br_aes_x86ni_ctr_get_vtable());
	atomic_store(&ghash, br_ghash_pclmul_get());
	suites = BEAR_CHACHA20_POLY1305;
	if (atomic_load(&aes_ctr) != NULL && atomic_load(&ghash) != NULL)
		suites |= BEAR_AES256_GCM;
	atomic_store(&suites_here, suites);
	return suites;
}

void
bear_sha256(const void *p, size_t n, uint8_t out[BEAR_HASH])
{
	br_sha256_context c;

	br_sha256_init(&c);
	br_sha256_update(&c, p, n);
	br_sha256_out(&c, out);
	secret_wipe(&c, sizeof(c));
}

void
bear_hmac(const void *key, size_t nkey, const void *p, size_t n,
    uint8_t out[BEAR_HASH])
{
	br_hmac_key_context k;
	br_hmac_context c;

	br_hmac_key_init(&k, &br_sha256_vtable, key, nkey);
	br_hmac_init(&c, &k, BEAR_HASH);
	br_hmac_update(&c, p, n);
	(void)br_hmac_out(&c, out);
	secret_wipe(&k, sizeof(k));
	secret_wipe(&c, sizeof(c));
}

const uint8_t *
bear_p256_order(void)
{
	size_t len;

	return CURVE->order(BR_EC_secp256r1, &len);
}

const uint8_t *
bear_p256_generator(void)
{
	size_t len;

	return CURVE->generator(BR_EC_secp256r1, &len);
}

/* 1 if a < b, else 0. */
static uint32_t
below(const uint8_t a[BEAR_SCALAR], const uint8_t b[BEAR_SCALAR])
{
	uint32_t borrow = 0;
	size_t i;

	for (i = BEAR_SCALAR; i-- > 0;)
		borrow = ((uint32_t)a[i] - b[i] - borrow) >> 31;
	return borrow;
}

bool
bear_p256_scalar(const uint8_t x[BEAR_SCALAR])
{
	static const uint8_t zero[BEAR_SCALAR];

	return below(zero, x) & below(x, bear_p256_order());
}

/* 1 if this looks like a point; whether it is on the curve, BearSSL sees. */
static uint32_t
plausible(const uint8_t a[BEAR_POINT])
{
	uint32_t four = ((uint32_t)(a[0] ^ 0x04) - 1) >> 31;

	return four & below(a + 1, field) & below(a + 1 + BEAR_SCALAR, field);
}

bool
bear_p256_point(const uint8_t a[BEAR_POINT])
{
	static const uint8_t one[] = { 1 };
	uint8_t copy[BEAR_POINT];

	if (plausible(a) == 0)
		return false;
	/* BearSSL checks the curve's equation first; what it then does with
	 * so short a scalar is little. */
	memcpy(copy, a, sizeof(copy));
	return CURVE->mul(copy, BEAR_POINT, one, sizeof(one),
	    BR_EC_secp256r1) == 1;
}

bool
bear_p256_mul(uint8_t a[BEAR_POINT], const uint8_t x[BEAR_SCALAR])
{
	uint32_t ok = plausible(a);

	ok &= CURVE->mul(a, BEAR_POINT, x, BEAR_SCALAR, BR_EC_secp256r1);
	return ok;
}

bool
bear_p256_muladd(uint8_t a[BEAR_POINT], const uint8_t x[BEAR_SCALAR],
    const uint8_t b[BEAR_POINT], const uint8_t y[BEAR_SCALAR])
{
	uint32_t ok = plausible(a) & plausible(b);

	/* b is never NULL, which means the generator as well, but by way of
	 * a table whose look-up clang compiles to branches on y. */
	ok &= CURVE->muladd(a, b, BEAR_POINT, x, BEAR_SCALAR, y, BEAR_SCALAR,
	    BR_EC_secp256r1);
	return ok;
}

void
bear_aead_init(struct bear_aead *a, enum bear_suite suite,
    const uint8_t key[BEAR_KEY])
{
	br_aes_x86ni_ctr_keys k;
	unsigned suites = bear_suites();

	assert((suites & suite) != 0);
	(void)suites;
	memset(a, 0, sizeof(*a));
	a->suite = suite;
	if (suite == BEAR_CHACHA20_POLY1305) {
		memcpy(a->schedule, key, BEAR_KEY);
		return;
	}
	/* By the table, not by name: elsewhere than on x86 the library has
	 * no such functions to link with. */
	memset(&k, 0, sizeof(k));
	atomic_load(&aes_ctr)->init(&k.vtable, key, BEAR_KEY);
	memcpy(a->schedule, &k, sizeof(k));
	secret_wipe(&k, sizeof(k));
}

/* Encrypt or decrypt in place; the tag is that of the ciphertext. */
static void
run(const struct bear_aead *a, int encrypt, const uint8_t nonce[BEAR_NONCE],
    const void *aad, size_t naad, void *p, size_t n, uint8_t tag[BEAR_TAG])
{
	br_poly1305_run poly1305;
	br_aes_x86ni_ctr_keys k;
	br_gcm_context gcm;

	if (a->suite == BEAR_CHACHA20_POLY1305) {
		poly1305 = br_poly1305_ctmulq_get();	/* 64-bit machines */
		if (poly1305 == NULL)
			poly1305 = br_poly1305_ctmul_run;
		poly1305(a->schedule, nonce, p, n, aad, naad, tag,
		    br_chacha20_ct_run, encrypt);
		return;
	}
	/* A copy, because the context points to its key, and a struct
	 * bear_aead may be anywhere. */
	memcpy(&k, a->schedule, sizeof(k));
	br_gcm_init(&gcm, &k.vtable, atomic_load(&ghash));
	br_gcm_reset(&gcm, nonce, BEAR_NONCE);
	br_gcm_aad_inject(&gcm, aad, naad);
	br_gcm_flip(&gcm);
	br_gcm_run(&gcm, encrypt, p, n);
	br_gcm_get_tag(&gcm, tag);
	secret_wipe(&gcm, sizeof(gcm));
	secret_wipe(&k, sizeof(k));
}

void
bear_aead_seal(const struct bear_aead *a, const uint8_t nonce[BEAR_NONCE],
    const void *aad, size_t naad, void *p, size_t n, uint8_t tag[BEAR_TAG])
{
	run(a, 1, nonce, aad, naad, p, n, tag);
}

bool
bear_aead_open(const struct bear_aead *a, const uint8_t nonce[BEAR_NONCE],
    const void *aad, size_t naad, void *p, size_t n,
    const uint8_t tag[BEAR_TAG])
{
	uint8_t is[BEAR_TAG];
	bool same;

	run(a, 0, nonce, aad, naad, p, n, is);
	same = secret_same(is, tag, BEAR_TAG);
	secret_wipe(is, sizeof(is));	/* it would forge this very record */
	return same;
}

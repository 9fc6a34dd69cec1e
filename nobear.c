/* SPDX-License-Identifier: MIT */
/* nobear.c - bear.h in a build without BearSSL: there is no encryption.
 *
 * bear_here() says so, and nobody calls the rest. */

#include <assert.h>
#include <string.h>

#include "bear.h"

static const uint8_t none[BEAR_POINT];

bool
bear_here(void)
{
	return false;
}

unsigned
bear_suites(void)
{
	return 0;
}

void
bear_sha256(const void *p, size_t n, uint8_t out[BEAR_HASH])
{
	(void)p;
	(void)n;
	assert(false);
	memset(out, 0, BEAR_HASH);
}

void
bear_hmac(const void *key, size_t nkey, const void *p, size_t n,
    uint8_t out[BEAR_HASH])
{
	(void)key;
	(void)nkey;
	(void)p;
	(void)n;
	assert(false);
	memset(out, 0, BEAR_HASH);
}

const uint8_t *
bear_p256_order(void)
{
	assert(false);
	return none;
}

const uint8_t *
bear_p256_generator(void)
{
	assert(false);
	return none;
}

bool
bear_p256_scalar(const uint8_t x[BEAR_SCALAR])
{
	(void)x;
	assert(false);
	return false;
}

bool
bear_p256_point(const uint8_t a[BEAR_POINT])
{
	(void)a;
	assert(false);
	return false;
}

bool
bear_p256_mul(uint8_t a[BEAR_POINT], const uint8_t x[BEAR_SCALAR])
{
	(void)a;
	(void)x;
	assert(false);
	return false;
}

bool
bear_p256_muladd(uint8_t a[BEAR_POINT], const uint8_t x[BEAR_SCALAR],
    const uint8_t b[BEAR_POINT], const uint8_t y[BEAR_SCALAR])
{
	(void)a;
	(void)x;
	(void)b;
	(void)y;
	assert(false);
	return false;
}

void
bear_aead_init(struct bear_aead *a, enum bear_suite suite,
    const uint8_t key[BEAR_KEY])
{
	(void)key;
	assert(false);
	memset(a, 0, sizeof(*a));
	a->suite = suite;
}

void
bear_aead_seal(const struct bear_aead *a, const uint8_t nonce[BEAR_NONCE],
    const void *aad, size_t naad, void *p, size_t n, uint8_t tag[BEAR_TAG])
{
	(void)a;
	(void)nonce;
	(void)aad;
	(void)naad;
	assert(false);
	/* Never a message as it was. */
	memset(p, 0, n);
	memset(tag, 0, BEAR_TAG);
}

bool
bear_aead_open(const struct bear_aead *a, const uint8_t nonce[BEAR_NONCE],
    const void *aad, size_t naad, void *p, size_t n,
    const uint8_t tag[BEAR_TAG])
{
	(void)a;
	(void)nonce;
	(void)aad;
	(void)naad;
	(void)p;
	(void)n;
	(void)tag;
	assert(false);
	return false;
}

/* SPDX-License-Identifier: MIT */
#ifndef BEAR_H
#define BEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All that is used of BearSSL, and the only place that knows its names:
 * bear.c, or nobear.c in a build without it.  Pure functions over bytes, in
 * constant time with respect to keys, scalars and messages. */

enum {
	BEAR_HASH = 32,			/* SHA-256 */
	BEAR_SCALAR = 32,
	BEAR_POINT = 65,		/* 04, x, y: SEC 1, uncompressed */
	BEAR_KEY = 32,
	BEAR_NONCE = 12,
	BEAR_TAG = 16
};

enum bear_suite {			/* a set of bits on the wire */
	BEAR_CHACHA20_POLY1305 = 1,	/* RFC 8439 */
	BEAR_AES256_GCM = 2		/* NIST SP 800-38D */
};

/* Is there encryption in this build?  If not, nothing below may be called. */
bool bear_here(void);

/* The suites that this machine computes well: always ChaCha20, and AES only
 * if the processor has it and carry-less multiplication. */
unsigned bear_suites(void);

/* SHA-256 (FIPS 180-4) of n bytes; HMAC-SHA-256 (RFC 2104). */
void bear_sha256(const void *p, size_t n, uint8_t out[BEAR_HASH]);
void bear_hmac(const void *key, size_t nkey, const void *p, size_t n,
    uint8_t out[BEAR_HASH]);

/* The order of P-256 and its generator, constants. */
const uint8_t *bear_p256_order(void);		/* BEAR_SCALAR bytes */
const uint8_t *bear_p256_generator(void);	/* BEAR_POINT bytes */

/* Does 0 < x < order hold? */
bool bear_p256_scalar(const uint8_t x[BEAR_SCALAR]);

/* Is a, which is public, a point of the curve?  Costs a tenth of the
 * functions below. */
bool bear_p256_point(const uint8_t a[BEAR_POINT]);

/* a = x * a, and a = x * a + y * b, for scalars 0 < x, y < order.  Returns
 * false, and a is of no use, if a or b is no point of the curve (wrong first
 * byte, coordinate >= p, off the curve) or the result is infinity. */
bool bear_p256_mul(uint8_t a[BEAR_POINT], const uint8_t x[BEAR_SCALAR]);
bool bear_p256_muladd(uint8_t a[BEAR_POINT], const uint8_t x[BEAR_SCALAR],
    const uint8_t b[BEAR_POINT], const uint8_t y[BEAR_SCALAR]);

/* A key, expanded; may be copied; the owner wipes it. */
struct bear_aead {
	uint32_t schedule[66];
	enum bear_suite suite;
};

/* Expand a key. */
void bear_aead_init(struct bear_aead *a, enum bear_suite suite,
    const uint8_t key[BEAR_KEY]);

/* Encrypt n bytes in place and compute the tag. */
void bear_aead_seal(const struct bear_aead *a,
    const uint8_t nonce[BEAR_NONCE], const void *aad, size_t naad, void *p,
    size_t n, uint8_t tag[BEAR_TAG]);

/* Decrypt n bytes in place.  Returns false, and the bytes are of no use, if
 * the tag is wrong. */
bool bear_aead_open(const struct bear_aead *a,
    const uint8_t nonce[BEAR_NONCE], const void *aad, size_t naad, void *p,
    size_t n, const uint8_t tag[BEAR_TAG]);

#endif

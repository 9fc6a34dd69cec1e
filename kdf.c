/* SPDX-License-Identifier: MIT */
/* kdf.c - keys out of secrets: HKDF, and scrypt for what people chose.
 *
 * scrypt's look-ups depend on the token, so that somebody on the same machine
 * may learn of it from the caches (RFC 7914 section 8); it runs once, when
 * the program starts.  All else is in constant time. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "kdf.h"

enum {
	BLOCK_WORDS = 16,		/* Salsa20: 64 bytes, RFC 7914 3 */
	BLOCK_BYTES = 4 * BLOCK_WORDS,
	SCRYPT_R = 8,			/* RFC 7914 2 */
	ROW_WORDS = 2 * SCRYPT_R * BLOCK_WORDS,
	ROW_BYTES = 4 * ROW_WORDS,
	SALT_MAX = 1024
};

_Static_assert(SALT_MAX >= ROW_BYTES, "scrypt's result is a salt itself");

void
kdf_extract(const void *salt, size_t nsalt, const void *ikm, size_t nikm,
    uint8_t prk[BEAR_HASH])
{
	/* No salt is one of zeros (RFC 5869 2.2), and to HMAC that is the
	 * same as an empty one. */
	bear_hmac(salt, nsalt, ikm, nikm, prk);
}

void
kdf_expand(const uint8_t prk[BEAR_HASH], const void *info, size_t ninfo,
    uint8_t *out, size_t n)
{
	uint8_t text[BEAR_HASH + KDF_INFO_MAX + 1], t[BEAR_HASH];
	struct wr w = { text, 0, sizeof(text), false };
	uint8_t i = 0;
	size_t k;

	assert(ninfo <= KDF_INFO_MAX && n <= 255 * (size_t)BEAR_HASH);
	/* T(i) = HMAC(PRK, T(i - 1) || info || i), RFC 5869 2.3. */
	for (; n > 0; n -= k, out += k) {
		wr_bytes(&w, info, ninfo);
		wr_u8(&w, ++i);
		bear_hmac(prk, BEAR_HASH, text, w.n, t);
		k = n < sizeof(t) ? n : sizeof(t);
		memcpy(out, t, k);
		w.n = 0;
		wr_bytes(&w, t, sizeof(t));
	}
	assert(!w.bad);
	secret_wipe(text, sizeof(text));
	secret_wipe(t, sizeof(t));
}

static void
pbkdf2(const void *pw, size_t npw, const void *salt, size_t nsalt,
    uint8_t *out, size_t n)
{
	uint8_t text[SALT_MAX + 4], t[BEAR_HASH];
	struct wr w = { text, 0, sizeof(text), false };
	uint32_t i = 0;
	size_t k;

	assert(nsalt <= SALT_MAX);
	wr_bytes(&w, salt, nsalt);
	/* T(i) = HMAC(password, salt || i), RFC 8018 5.2 with c = 1. */
	for (; n > 0; n -= k, out += k) {
		w.n = nsalt;
		wr_u32(&w, ++i);
		bear_hmac(pw, npw, text, w.n, t);
		k = n < sizeof(t) ? n : sizeof(t);
		memcpy(out, t, k);
	}
	assert(!w.bad);
	secret_wipe(text, sizeof(text));
	secret_wipe(t, sizeof(t));
}

static uint32_t
rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static void
quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*b ^= rotate(*a + *d, 7);
	*c ^= rotate(*b + *a, 9);
	*d ^= rotate(*c + *b, 13);
	*a ^= rotate(*d + *c, 18);
}

/* Salsa20/8, RFC 7914 3: x becomes Salsa20/8(x). */
static void
salsa(uint32_t x[BLOCK_WORDS])
{
	uint32_t z[BLOCK_WORDS];
	int i;

	memcpy(z, x, sizeof(z));
	for (i = 0; i < 8; i += 2) {
		quarter(z + 0, z + 4, z + 8, z + 12);
		quarter(z + 5, z + 9, z + 13, z + 1);
		quarter(z + 10, z + 14, z + 2, z + 6);
		quarter(z + 15, z + 3, z + 7, z + 11);
		quarter(z + 0, z + 1, z + 2, z + 3);
		quarter(z + 5, z + 6, z + 7, z + 4);
		quarter(z + 10, z + 11, z + 8, z + 9);
		quarter(z + 15, z + 12, z + 13, z + 14);
	}
	for (i = 0; i < BLOCK_WORDS; i++)
		x[i] += z[i];
}

static void
xor(uint32_t *x, const uint32_t *y, size_t nwords)
{
	size_t i;

	for (i = 0; i < nwords; i++)
		x[i] ^= y[i];
}

/* scryptBlockMix, RFC 7914 4: 2 * r blocks, in and out are not the same. */
static void
block_mix(const uint32_t *in, uint32_t *out, size_t r)
{
	uint32_t x[BLOCK_WORDS];
	size_t i;

	memcpy(x, in + (2 * r - 1) * BLOCK_WORDS, sizeof(x));
	for (i = 0; i < 2 * r; i++) {
		xor(x, in + i * BLOCK_WORDS, BLOCK_WORDS);
		salsa(x);
		/* First those with even numbers, then the odd ones. */
		memcpy(out + (i / 2 + i % 2 * r) * BLOCK_WORDS, x, sizeof(x));
	}
}

/* scryptROMix, RFC 7914 5: x is mixed with the help of v, n rows of 32 * r
 * words; n is a power of two, r <= SCRYPT_R. */
static void
rom_mix(uint32_t *x, uint32_t *v, size_t n, size_t r)
{
	size_t words = 2 * r * BLOCK_WORDS, i, j;
	uint32_t y[ROW_WORDS];

	assert(r <= SCRYPT_R && (n & (n - 1)) == 0);
	memcpy(v, x, 4 * words);
	for (i = 1; i < n; i++)
		block_mix(v + (i - 1) * words, v + i * words, r);
	block_mix(v + (n - 1) * words, x, r);
	for (i = 0; i < n; i++) {
		/* Integerify: the last block, little-endian, modulo n. */
		j = x[words - BLOCK_WORDS] & (n - 1);
		xor(x, v + j * words, words);
		block_mix(x, y, r);
		memcpy(x, y, 4 * words);
	}
	secret_wipe(y, sizeof(y));
}

/* Mix 128 * r bytes, which are words in little-endian order. */
static void
mix_bytes(uint8_t *b, uint32_t *v, size_t n, size_t r)
{
	uint32_t x[ROW_WORDS];
	size_t i, words = 2 * r * BLOCK_WORDS;

	for (i = 0; i < words; i++)
		x[i] = (uint32_t)b[4 * i] | (uint32_t)b[4 * i + 1] << 8 |
		    (uint32_t)b[4 * i + 2] << 16 |
		    (uint32_t)b[4 * i + 3] << 24;
	rom_mix(x, v, n, r);
	for (i = 0; i < 4 * words; i++)
		b[i] = (uint8_t)(x[i / 4] >> i % 4 * 8 & 0xff);
	secret_wipe(x, sizeof(x));
}

static int
scrypt(const void *pw, size_t npw, const void *salt, size_t nsalt,
    unsigned log_n, uint8_t *out, size_t n)
{
	uint8_t b[ROW_BYTES];
	uint32_t *v;
	size_t nv;

	assert(log_n >= 1 && log_n <= 20);
	nv = (size_t)ROW_BYTES << log_n;
	if ((v = malloc(nv)) == NULL)
		return -1;
	pbkdf2(pw, npw, salt, nsalt, b, sizeof(b));
	mix_bytes(b, v, (size_t)1 << log_n, SCRYPT_R);
	pbkdf2(pw, npw, b, sizeof(b), out, n);
	secret_wipe(v, nv);
	secret_wipe(b, sizeof(b));
	free(v);
	return 0;
}

int
kdf_token(const struct token *t, const char *salt, uint8_t w[BEAR_SCALAR])
{
	uint8_t prk[BEAR_HASH], info[2] = { 'w', 0 };

	if (scrypt(t->bytes, t->len, salt, strlen(salt),
	    KDF_SCRYPT_LOG_N, prk, sizeof(prk)) == -1)
		return -1;
	/* Out of range once in 2^32 tokens; 256 times in a row never. */
	for (;;) {
		kdf_expand(prk, info, sizeof(info), w, BEAR_SCALAR);
		if (bear_p256_scalar(w))
			break;
		info[1]++;
		assert(info[1] != 0);
	}
	secret_wipe(prk, sizeof(prk));
	return 0;
}

/* SPDX-License-Identifier: MIT */
#ifndef KDF_H
#define KDF_H

#include <stddef.h>
#include <stdint.h>

#include "bear.h"
#include "secret.h"

enum {
	KDF_SCRYPT_LOG_N = 14,		/* 16 MiB; PROTOCOL.md, the token */
	KDF_INFO_MAX = 96		/* bytes of info to kdf_expand() */
};

/* HKDF-SHA-256 (RFC 5869): extract; expand to n <= 255 * 32 bytes with at
 * most KDF_INFO_MAX bytes of info. */
void kdf_extract(const void *salt, size_t nsalt, const void *ikm, size_t nikm,
    uint8_t prk[BEAR_HASH]);
void kdf_expand(const uint8_t prk[BEAR_HASH], const void *info, size_t ninfo,
    uint8_t *out, size_t n);

/* The salts of tokens, and of relays' secrets. */
#define KDF_TOKEN "adit/1 w"
#define KDF_MEMBER "adit/1 member"

/* A secret's SPAKE2 scalar, 0 < w < order of P-256: scrypt with this salt
 * gives 32 bytes of PRK; w is the first of Expand(PRK, "w" || i,
 * 32), i = one byte 0, 1, ..., that is in range.  Returns 0 or -1 (ENOMEM). */
int kdf_token(const struct token *t, const char *salt,
    uint8_t w[BEAR_SCALAR]);

#endif

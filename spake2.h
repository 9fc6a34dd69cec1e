/* SPDX-License-Identifier: MIT */
#ifndef SPAKE2_H
#define SPAKE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bear.h"

/* SPAKE2-P256-SHA256-HKDF-HMAC (RFC 9382): two sides that know the same w
 * get the same key; one that does not learns nothing but that, one guess a
 * run.  No I/O, no randomness of its own. */

enum {
	SPAKE2_KEY = 16,		/* Ke */
	SPAKE2_IDS_MAX = 128,		/* both identities together */
	SPAKE2_AAD_MAX = 64
};

enum spake2_side { SPAKE2_A, SPAKE2_B };

struct spake2 {
	enum spake2_side side;
	uint8_t w[BEAR_SCALAR], x[BEAR_SCALAR];
	uint8_t share[BEAR_POINT];	/* to be sent */
};

/* Both sides' names, as they stand in the transcript TT. */
struct spake2_names {
	const void *a, *b;
	size_t na, nb;
};

struct spake2_result {
	uint8_t ke[SPAKE2_KEY];
	uint8_t mine[BEAR_HASH];	/* the confirmation to send */
	uint8_t theirs[BEAR_HASH];	/* the one to expect */
};

/* Begin with w (0 < w < order) and the secret random x.  Returns false if
 * 0 < x < order does not hold: draw again. */
bool spake2_start(struct spake2 *s, enum spake2_side side,
    const uint8_t w[BEAR_SCALAR], const uint8_t x[BEAR_SCALAR]);

/* Take the other side's share.  aad goes into the confirmation keys (RFC
 * 9382 section 4).  Returns false, and nothing is to be used, if the share is
 * no valid point or leads to infinity. */
bool spake2_finish(const struct spake2 *s, const uint8_t share[BEAR_POINT],
    const struct spake2_names *names, const void *aad, size_t naad,
    struct spake2_result *r);

#endif

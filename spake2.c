/* SPDX-License-Identifier: MIT */
/* spake2.c - SPAKE2 over P-256 (RFC 9382).
 *
 * Nothing branches on w, on x, or on what is computed of them: false steps
 * are remembered, and the way is walked to its end. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "kdf.h"
#include "secret.h"
#include "spake2.h"

static const char label[] = "ConfirmationKeys";	/* RFC 9382 4 */

enum {
	LABEL_LEN = sizeof(label) - 1,
	/* Two names, three points and w, and the length of each. */
	TT_MAX = SPAKE2_IDS_MAX + 3 * BEAR_POINT + BEAR_SCALAR + 6 * 8
};

_Static_assert(LABEL_LEN + SPAKE2_AAD_MAX <= KDF_INFO_MAX, "aad fits");
_Static_assert(2 * SPAKE2_KEY == BEAR_HASH, "Ke and Ka, KcA and KcB");

/* M and N for P-256 (RFC 9382 6), with their second coordinates.  Nobody
 * knows their logarithms. */
static const uint8_t point_m[BEAR_POINT] = {
	0x04,
	0x88, 0x6e, 0x2f, 0x97, 0xac, 0xe4, 0x6e, 0x55,
	0xba, 0x9d, 0xd7, 0x24, 0x25, 0x79, 0xf2, 0x99,
	0x3b, 0x64, 0xe1, 0x6e, 0xf3, 0xdc, 0xab, 0x95,
	0xaf, 0xd4, 0x97, 0x33, 0x3d, 0x8f, 0xa1, 0x2f,
	0x5f, 0xf3, 0x55, 0x16, 0x3e, 0x43, 0xce, 0x22,
	0x4e, 0x0b, 0x0e, 0x65, 0xff, 0x02, 0xac, 0x8e,
	0x5c, 0x7b, 0xe0, 0x94, 0x19, 0xc7, 0x85, 0xe0,
	0xca, 0x54, 0x7d, 0x55, 0xa1, 0x2e, 0x2d, 0x20
};
static const uint8_t point_n[BEAR_POINT] = {
	0x04,
	0xd8, 0xbb, 0xd6, 0xc6, 0x39, 0xc6, 0x29, 0x37,
	0xb0, 0x4d, 0x99, 0x7f, 0x38, 0xc3, 0x77, 0x07,
	0x19, 0xc6, 0x29, 0xd7, 0x01, 0x4d, 0x49, 0xa2,
	0x4b, 0x4f, 0x98, 0xba, 0xa1, 0x29, 0x2b, 0x49,
	0x07, 0xd6, 0x0a, 0xa6, 0xbf, 0xad, 0xe4, 0x50,
	0x08, 0xa6, 0x36, 0x33, 0x7f, 0x51, 0x68, 0xc6,
	0x4d, 0x9b, 0xd3, 0x60, 0x34, 0x80, 0x8c, 0xd5,
	0x64, 0x49, 0x0b, 0x1e, 0x65, 0x6e, 0xdb, 0xe7
};

bool
spake2_start(struct spake2 *s, enum spake2_side side,
    const uint8_t w[BEAR_SCALAR], const uint8_t x[BEAR_SCALAR])
{
	bool ok = bear_p256_scalar(x);

	s->side = side;
	memcpy(s->w, w, sizeof(s->w));
	memcpy(s->x, x, sizeof(s->x));
	/* pA = w * M + x * P, pB = w * N + y * P (RFC 9382 3.3). */
	memcpy(s->share, side == SPAKE2_A ? point_m : point_n, BEAR_POINT);
	ok &= bear_p256_muladd(s->share, w, bear_p256_generator(), x);
	return ok;
}

/* out = order - w, which times a point is -w times it. */
static void
negate(const uint8_t w[BEAR_SCALAR], uint8_t out[BEAR_SCALAR])
{
	const uint8_t *order = bear_p256_order();
	uint32_t d, borrow = 0;
	size_t i;

	for (i = BEAR_SCALAR; i-- > 0;) {
		d = (uint32_t)order[i] - w[i] - borrow;
		out[i] = (uint8_t)(d & 0xff);
		borrow = d >> 31;
	}
}

/* k = x * (share - w * N), or with M on the other side.  The cofactor of
 * P-256 is 1. */
static bool
shared_point(const struct spake2 *s, const uint8_t share[BEAR_POINT],
    uint8_t k[BEAR_POINT])
{
	static const uint8_t one[BEAR_SCALAR] = { [BEAR_SCALAR - 1] = 1 };
	uint8_t minus_w[BEAR_SCALAR];
	bool ok;

	negate(s->w, minus_w);
	memcpy(k, share, BEAR_POINT);
	ok = bear_p256_muladd(k, one, s->side == SPAKE2_A ? point_n : point_m,
	    minus_w);
	ok &= bear_p256_mul(k, s->x);
	secret_wipe(minus_w, sizeof(minus_w));
	return ok;
}

/* One item of TT: its length, which is little-endian here, and its bytes. */
static void
put(struct wr *tt, const void *p, size_t n)
{
	size_t i, left = n;

	for (i = 0; i < 8; i++, left >>= 8)
		wr_u8(tt, (uint8_t)(left & 0xff));
	wr_bytes(tt, p, n);
}

bool
spake2_finish(const struct spake2 *s, const uint8_t share[BEAR_POINT],
    const struct spake2_names *names, const void *aad, size_t naad,
    struct spake2_result *r)
{
	bool is_a = s->side == SPAKE2_A, ok;
	uint8_t text[TT_MAX], k[BEAR_POINT], keys[BEAR_HASH], prk[BEAR_HASH];
	uint8_t info[LABEL_LEN + SPAKE2_AAD_MAX];
	struct wr tt = { text, 0, sizeof(text), false };
	struct wr w = { info, 0, sizeof(info), false };

	ok = shared_point(s, share, k);
	/* RFC 9382 3.3. */
	put(&tt, names->a, names->na);
	put(&tt, names->b, names->nb);
	put(&tt, is_a ? s->share : share, BEAR_POINT);
	put(&tt, is_a ? share : s->share, BEAR_POINT);
	put(&tt, k, BEAR_POINT);
	put(&tt, s->w, BEAR_SCALAR);
	wr_bytes(&w, label, LABEL_LEN);
	wr_bytes(&w, aad, naad);
	assert(!tt.bad && !w.bad);

	/* Ke || Ka = Hash(TT); KcA || KcB = KDF(Ka, nil, label || AAD); cA =
	 * MAC(KcA, TT), cB = MAC(KcB, TT) (RFC 9382 4). */
	bear_sha256(text, tt.n, keys);
	memcpy(r->ke, keys, SPAKE2_KEY);
	kdf_extract("", 0, keys + SPAKE2_KEY, SPAKE2_KEY, prk);
	kdf_expand(prk, info, w.n, keys, sizeof(keys));
	bear_hmac(keys, SPAKE2_KEY, text, tt.n, is_a ? r->mine : r->theirs);
	bear_hmac(keys + SPAKE2_KEY, SPAKE2_KEY, text, tt.n,
	    is_a ? r->theirs : r->mine);

	secret_wipe(text, sizeof(text));
	secret_wipe(k, sizeof(k));
	secret_wipe(keys, sizeof(keys));
	secret_wipe(prk, sizeof(prk));
	return ok;
}

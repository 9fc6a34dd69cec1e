/* SPDX-License-Identifier: MIT */
/* crypt.c - sealed records: one direction's bytes in, records out, and back.
 *
 * What a record means is not known here, and neither is where keys come
 * from. */

#include <string.h>

#include "buf.h"
#include "crypt.h"
#include "kdf.h"
#include "secret.h"

static void
set_keys(struct crypt *c, enum bear_suite suite,
    const uint8_t keys[CRYPT_KEYS])
{
	memcpy(c->key, keys, BEAR_KEY);
	memcpy(c->iv, keys + BEAR_KEY, BEAR_NONCE);
	bear_aead_init(&c->aead, suite, c->key);
}

void
crypt_init(struct crypt *c, enum bear_suite suite,
    const uint8_t keys[CRYPT_KEYS])
{
	c->count = 0;
	set_keys(c, suite, keys);
}

/* The nonce of this record: iv xor its number.
 *
 * No pair of key and nonce comes twice.  Under one key each record has a
 * number of its own: count only grows, and is not set back by a new key.  It
 * does not wrap either: 2^64 records take 500 years at a billion a second.  A
 * new key follows from the old one by HKDF, so that it is another, as any
 * two random keys of 256 bits are; and crypt_init() is given keys that no
 * other connection or direction has. */
static void
set_nonce(const struct crypt *c, uint8_t nonce[BEAR_NONCE])
{
	struct wr w = { nonce, 0, BEAR_NONCE, false };
	size_t i;

	wr_u32(&w, 0);
	wr_u64(&w, c->count);
	for (i = 0; i < BEAR_NONCE; i++)
		nonce[i] ^= c->iv[i];
}

/* One record is done.  After each 2^20 the keys are replaced; the old ones
 * cannot be found from the new ones. */
static void
step(struct crypt *c)
{
	static const char label[] = "adit rekey";
	uint8_t prk[BEAR_HASH], keys[CRYPT_KEYS];

	c->count++;
	if (c->count % CRYPT_REKEY != 0)
		return;
	kdf_extract("", 0, c->key, sizeof(c->key), prk);
	kdf_expand(prk, label, sizeof(label) - 1, keys, sizeof(keys));
	set_keys(c, c->aead.suite, keys);
	secret_wipe(prk, sizeof(prk));
	secret_wipe(keys, sizeof(keys));
}

int
crypt_seal(struct crypt *c, uint8_t type, const void *body, size_t n,
    struct span *out)
{
	uint8_t *record = out->buf + out->end, nonce[BEAR_NONCE];
	struct wr w = { record, 0, span_room(out), false };

	if (n > CRYPT_BODY_MAX || span_room(out) < CRYPT_OVERHEAD + n)
		return -1;
	wr_u16(&w, (uint16_t)(1 + n + BEAR_TAG));
	wr_u8(&w, type);
	wr_bytes(&w, body, n);
	set_nonce(c, nonce);
	bear_aead_seal(&c->aead, nonce, record, CRYPT_HEAD,
	    record + CRYPT_HEAD, 1 + n, record + w.n);
	out->end += w.n + BEAR_TAG;
	step(c);
	return 0;
}

enum crypt_verdict
crypt_open(struct crypt *c, struct span *in, uint8_t *type, uint8_t **body,
    size_t *n)
{
	uint8_t *record = in->buf + in->off, nonce[BEAR_NONCE];
	struct rd r = { record, span_used(in), false };
	size_t len = rd_u16(&r);

	/* A length that cannot be right is known before its bytes come. */
	if (!r.bad && (len < CRYPT_LEN_MIN || len > CRYPT_LEN_MAX))
		return CRYPT_BAD;
	(void)rd_bytes(&r, len);
	if (r.bad)
		return CRYPT_MORE;
	len -= BEAR_TAG;
	set_nonce(c, nonce);
	if (!bear_aead_open(&c->aead, nonce, record, CRYPT_HEAD,
	    record + CRYPT_HEAD, len, record + CRYPT_HEAD + len))
		return CRYPT_BAD;
	*type = record[CRYPT_HEAD];
	*body = record + CRYPT_HEAD + 1;
	*n = len - 1;
	in->off += CRYPT_HEAD + len + BEAR_TAG;
	step(c);
	return CRYPT_RECORD;
}

/* SPDX-License-Identifier: MIT */
#ifndef CRYPT_H
#define CRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bear.h"
#include "buf.h"

/* Sealed records (PROTOCOL.md): u16 length of what follows, then AEAD(type,
 * body).  One struct crypt is one direction of one connection. */

enum {
	CRYPT_HEAD = 2,			/* the u16 */
	CRYPT_KEYS = BEAR_KEY + BEAR_NONCE,	/* what a direction needs */
	CRYPT_OVERHEAD = CRYPT_HEAD + 1 + BEAR_TAG,
	CRYPT_BODY_MAX = 65507,		/* a datagram: see PROTO_DATAGRAM_MAX */
	CRYPT_LEN_MIN = 1 + BEAR_TAG,
	CRYPT_LEN_MAX = 1 + CRYPT_BODY_MAX + BEAR_TAG,
	CRYPT_RECORD_MAX = CRYPT_HEAD + CRYPT_LEN_MAX,
	CRYPT_REKEY = 1 << 20		/* records under one key */
};

struct crypt {
	struct bear_aead aead;
	uint8_t key[BEAR_KEY], iv[BEAR_NONCE];
	uint64_t count;			/* records sealed or opened */
};

enum crypt_verdict {
	CRYPT_MORE,	/* no whole record yet */
	CRYPT_RECORD,	/* one record, opened */
	CRYPT_BAD	/* a length out of range, or a tag that is wrong */
};

/* keys: key, then iv.  The caller wipes *c. */
void crypt_init(struct crypt *c, enum bear_suite suite,
    const uint8_t keys[CRYPT_KEYS]);

/* Append one record with n <= CRYPT_BODY_MAX bytes of body to out.  Returns
 * 0, or -1 if it does not fit: nothing has changed. */
int crypt_seal(struct crypt *c, uint8_t type, const void *body, size_t n,
    struct span *out);

/* Open the record at the beginning of in, in place, and step over it: *type
 * and *n bytes of body at *body, borrowed from in until it is next written or
 * packed. */
enum crypt_verdict crypt_open(struct crypt *c, struct span *in,
    uint8_t *type, uint8_t **body, size_t *n);

#endif

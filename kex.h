/* SPDX-License-Identifier: MIT */
#ifndef KEX_H
#define KEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bear.h"
#include "crypt.h"
#include "spake2.h"

/* The sealed handshake and the keys that come of it (PROTOCOL.md 3.2, 3.4),
 * over bytes: no I/O, no randomness of its own. */

enum {
	KEX_HEAD = 4,				/* ad17, version, kind */
	KEX_M1 = KEX_HEAD + 1 + BEAR_POINT,
	KEX_M2 = 1 + 1 + BEAR_POINT + BEAR_HASH,
	KEX_M3 = BEAR_HASH,
	KEX_SID = 16, KEX_RANDOM = 16,
	KEX_ROOM_MAX = 32,
	KEX_HELLO = KEX_HEAD + 1 + KEX_SID + 8 + KEX_RANDOM,
	KEX_ANSWER = 1 + KEX_RANDOM
};

enum kex_status {
	KEX_GO_ON = 0x20, KEX_VERSION, KEX_CROWDED, KEX_NO_SESSION,
	KEX_WRONG_TOKEN = 0x25, KEX_NOT_SEALED = 0x00
};

enum kex_role { KEX_CLIENT = 1, KEX_SERVER = 2 };

enum kex_kind {
	KEX_KIND_LINK = 1, KEX_KIND_STREAM = 2,
	KEX_KIND_MEMBER = 6,		/* a server at a relay: 10.5 */
	KEX_KIND_BAD = -1,		/* unknown: silence */
	KEX_KIND_VERSION = -2		/* another version: say so */
};

/* What follows `ad17 version kind`. */
enum kex_kind kex_kind(const uint8_t head[KEX_HEAD]);

/* What a session's keys come from; its owner wipes it. */
struct kex_keys {
	uint8_t prk[BEAR_HASH];
	uint8_t sid[KEX_SID];
	enum bear_suite suite;
};

/* One handshake on its way; its owner wipes it. */
struct kex {
	enum kex_kind kind;
	const char *room;
	enum kex_role role;
	struct spake2 spake2;
	uint8_t m1[KEX_M1], m2[KEX_M2], m3[KEX_M3];
	uint8_t expect[BEAR_HASH];	/* the peer's confirmation */
	struct kex_keys keys;
};

/* A link's handshake, in this room ("": none), which is borrowed; or a
 * member's.  Before all else. */
void kex_init(struct kex *k, enum kex_kind kind, const char *room);

/* Client: make m1 of w and a secret random x.  Returns false if x is out of
 * range: draw again. */
bool kex_client_start(struct kex *k, const uint8_t w[BEAR_SCALAR],
    const uint8_t x[BEAR_SCALAR]);

/* Client: take m2, whose status is KEX_GO_ON; makes m3 and the keys.  Returns
 * false if it is no valid message of somebody who knows w (a wrong token, or
 * something that changed on the way: the two cannot be told apart). */
bool kex_client_finish(struct kex *k, const uint8_t m2[KEX_M2]);

/* Server: take a whole m1, make m2 and the keys, which are not to be used
 * before kex_server_finish().  Returns 1; 0 if x is out of range: draw again;
 * -1 if m1 is not valid. */
int kex_server_start(struct kex *k, const uint8_t w[BEAR_SCALAR],
    const uint8_t x[BEAR_SCALAR], const uint8_t m1[KEX_M1]);

/* Server: take m3.  Returns false if the peer does not know w. */
bool kex_server_finish(struct kex *k, const uint8_t m3[KEX_M3]);

/* The keys of a link's direction: sender is who sends in it. */
void kex_link_keys(const struct kex_keys *k, enum kex_role sender,
    uint8_t keys[CRYPT_KEYS]);

/* A stream's hello. */
struct kex_hello {
	enum kex_role role;		/* the dialler's */
	uint8_t sid[KEX_SID];
	uint64_t number;
	uint8_t rd[KEX_RANDOM];
};

/* Write one; read one: returns false if the role is none.  The head has been
 * looked at before. */
void kex_hello_put(const struct kex_hello *h, uint8_t out[KEX_HELLO]);
bool kex_hello_get(struct kex_hello *h, const uint8_t in[KEX_HELLO]);

/* The keys of a stream's directions.  r is the whole answer. */
void kex_dialler_keys(const struct kex_keys *k, const uint8_t h[KEX_HELLO],
    uint8_t keys[CRYPT_KEYS]);
void kex_acceptor_keys(const struct kex_keys *k, const uint8_t h[KEX_HELLO],
    const uint8_t r[KEX_ANSWER], uint8_t keys[CRYPT_KEYS]);

#endif

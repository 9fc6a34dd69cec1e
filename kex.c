/* SPDX-License-Identifier: MIT */
/* kex.c - who knows the token, and the keys that come of it.
 *
 * Three things are bound together here, so that changing any of them on the
 * way ends in a wrong confirmation: all bytes of m1 and m2 (version, suites
 * offered, suite chosen, both shares) by T, which goes into the confirmation
 * keys and into PRK; the roles, by the names in SPAKE2's transcript and in
 * each key's label; and the connection, by fresh randomness of both sides. */

#include <assert.h>
#include <string.h>

#include "buf.h"
#include "kdf.h"
#include "kex.h"
#include "secret.h"

enum {
	MAGIC = 0xad17,
	VERSION = 1,
	M1_SUITES = KEX_HEAD,		/* offsets */
	M1_SHARE,
	M2_SUITE = 1,
	M2_SHARE,
	M2_CONFIRM = M2_SHARE + BEAR_POINT
};

_Static_assert(M1_SHARE + (int)BEAR_POINT == (int)KEX_M1, "m1");
_Static_assert(M2_CONFIRM + (int)BEAR_HASH == (int)KEX_M2, "m2");

void
kex_init(struct kex *k, enum kex_kind kind, const char *room)
{
	memset(k, 0, sizeof(*k));
	k->kind = kind;
	k->room = room;
}

static void
put_head(struct wr *w, enum kex_kind kind)
{
	wr_u16(w, MAGIC);
	wr_u8(w, VERSION);
	wr_u8(w, (uint8_t)kind);
}

enum kex_kind
kex_kind(const uint8_t head[KEX_HEAD])
{
	struct rd r = { head, KEX_HEAD, false };
	uint16_t magic = rd_u16(&r);
	uint8_t version = rd_u8(&r);
	uint8_t kind = rd_u8(&r);

	if (magic != MAGIC)
		return KEX_KIND_BAD;
	if (version != VERSION)
		return KEX_KIND_VERSION;
	switch (kind) {
	case KEX_KIND_LINK:
	case KEX_KIND_STREAM:
	case KEX_KIND_MEMBER:
		return (enum kex_kind)kind;
	default:
		return KEX_KIND_BAD;
	}
}

/* The server's choice; 0 if the other side does not offer what all must. */
static enum bear_suite
choose(unsigned offered)
{
	unsigned both = offered & bear_suites();

	if ((offered & BEAR_CHACHA20_POLY1305) == 0)
		return 0;
	return (both & BEAR_AES256_GCM) != 0 ? BEAR_AES256_GCM :
	    BEAR_CHACHA20_POLY1305;
}

/* Who is who, as it goes into the transcript: PROTOCOL.md 3.2, 10, 10.5. */
static bool
finish(const struct kex *k, const uint8_t share[BEAR_POINT],
    const uint8_t *aad, size_t naad, struct spake2_result *r)
{
	static const char client[] = "adit client", member[] = "adit member";
	static const char server[] = "adit server", relay[] = "adit relay";
	uint8_t b[sizeof(server) + KEX_ROOM_MAX];
	struct wr w = { b, 0, sizeof(b), false };
	struct spake2_names names = { .b = b };

	if (k->kind == KEX_KIND_MEMBER) {
		names.a = member;
		names.na = sizeof(member) - 1;
		wr_bytes(&w, relay, sizeof(relay) - 1);
	} else {
		names.a = client;
		names.na = sizeof(client) - 1;
		wr_bytes(&w, server, sizeof(server) - 1);
		wr_bytes(&w, k->room, strlen(k->room));
	}
	assert(!w.bad);
	names.nb = w.n;
	return spake2_finish(&k->spake2, share, &names, aad, naad, r);
}

/* Both shares are known: m1, and m2 but for cB.  Fills in the keys, and the
 * confirmation to send and to expect. */
static bool
agree(struct kex *k, const uint8_t share[BEAR_POINT], uint8_t mine[BEAR_HASH])
{
	static const char label[] = "adit/1";
	uint8_t both[KEX_M1 + M2_CONFIRM], t[BEAR_HASH];
	uint8_t aad[sizeof(label) - 1 + BEAR_HASH];
	struct spake2_result r;
	bool ok;

	memcpy(both, k->m1, KEX_M1);
	memcpy(both + KEX_M1, k->m2, M2_CONFIRM);
	bear_sha256(both, sizeof(both), t);
	memcpy(aad, label, sizeof(label) - 1);
	memcpy(aad + sizeof(label) - 1, t, sizeof(t));
	ok = finish(k, share, aad, sizeof(aad), &r);
	if (ok) {
		memcpy(mine, r.mine, sizeof(r.mine));
		memcpy(k->expect, r.theirs, sizeof(r.theirs));
		kdf_extract(t, sizeof(t), r.ke, sizeof(r.ke), k->keys.prk);
		kdf_expand(k->keys.prk, "sid", 3, k->keys.sid, KEX_SID);
	}
	secret_wipe(&r, sizeof(r));
	return ok;
}

bool
kex_client_start(struct kex *k, const uint8_t w[BEAR_SCALAR],
    const uint8_t x[BEAR_SCALAR])
{
	struct wr m = { k->m1, 0, sizeof(k->m1), false };

	k->role = KEX_CLIENT;
	if (!spake2_start(&k->spake2, SPAKE2_A, w, x))
		return false;
	put_head(&m, k->kind);
	wr_u8(&m, (uint8_t)bear_suites());
	wr_bytes(&m, k->spake2.share, BEAR_POINT);
	return true;
}

bool
kex_client_finish(struct kex *k, const uint8_t m2[KEX_M2])
{
	memcpy(k->m2, m2, KEX_M2);
	/* Whether the choice was ours to offer is no secret; that the server
	 * saw our offer as it was is in T. */
	if (m2[0] != KEX_GO_ON || (m2[M2_SUITE] != BEAR_CHACHA20_POLY1305 &&
	    m2[M2_SUITE] != BEAR_AES256_GCM) ||
	    (m2[M2_SUITE] & bear_suites()) == 0)
		return false;
	k->keys.suite = (enum bear_suite)m2[M2_SUITE];
	return agree(k, m2 + M2_SHARE, k->m3) &&
	    secret_same(k->expect, m2 + M2_CONFIRM, BEAR_HASH);
}

int
kex_server_start(struct kex *k, const uint8_t w[BEAR_SCALAR],
    const uint8_t x[BEAR_SCALAR], const uint8_t m1[KEX_M1])
{
	struct wr m = { k->m2, 0, sizeof(k->m2), false };

	k->role = KEX_SERVER;
	memcpy(k->m1, m1, KEX_M1);
	k->keys.suite = choose(m1[M1_SUITES]);
	/* Before anything that costs: nonsense is to be cheap for us. */
	if (kex_kind(m1) != k->kind || k->keys.suite == 0 ||
	    !bear_p256_point(m1 + M1_SHARE))
		return -1;
	if (!spake2_start(&k->spake2, SPAKE2_B, w, x))
		return 0;
	wr_u8(&m, KEX_GO_ON);
	wr_u8(&m, (uint8_t)k->keys.suite);
	wr_bytes(&m, k->spake2.share, BEAR_POINT);
	return agree(k, m1 + M1_SHARE, k->m2 + M2_CONFIRM) ? 1 : -1;
}

bool
kex_server_finish(struct kex *k, const uint8_t m3[KEX_M3])
{
	return secret_same(k->expect, m3, BEAR_HASH);
}

/* Expand(PRK, label || suite || tail, 44) */
static void
derive(const struct kex_keys *k, const char *label, const void *tail,
    size_t ntail, uint8_t keys[CRYPT_KEYS])
{
	uint8_t info[KDF_INFO_MAX];
	struct wr w = { info, 0, sizeof(info), false };

	wr_bytes(&w, label, strlen(label));
	wr_u8(&w, (uint8_t)k->suite);
	wr_bytes(&w, tail, ntail);
	kdf_expand(k->prk, info, w.n, keys, CRYPT_KEYS);
}

void
kex_link_keys(const struct kex_keys *k, enum kex_role sender,
    uint8_t keys[CRYPT_KEYS])
{
	uint8_t role = (uint8_t)sender;

	derive(k, "link", &role, 1, keys);
}

void
kex_hello_put(const struct kex_hello *h, uint8_t out[KEX_HELLO])
{
	struct wr w = { out, 0, KEX_HELLO, false };

	put_head(&w, KEX_KIND_STREAM);
	wr_u8(&w, (uint8_t)h->role);
	wr_bytes(&w, h->sid, KEX_SID);
	wr_u64(&w, h->number);
	wr_bytes(&w, h->rd, KEX_RANDOM);
}

bool
kex_hello_get(struct kex_hello *h, const uint8_t in[KEX_HELLO])
{
	struct rd r = { in + KEX_HEAD, KEX_HELLO - KEX_HEAD, false };

	h->role = (enum kex_role)rd_u8(&r);
	memcpy(h->sid, rd_bytes(&r, KEX_SID), KEX_SID);
	h->number = rd_u64(&r);
	memcpy(h->rd, rd_bytes(&r, KEX_RANDOM), KEX_RANDOM);
	return h->role == KEX_CLIENT || h->role == KEX_SERVER;
}

void
kex_dialler_keys(const struct kex_keys *k, const uint8_t h[KEX_HELLO],
    uint8_t keys[CRYPT_KEYS])
{
	uint8_t hash[BEAR_HASH];

	bear_sha256(h, KEX_HELLO, hash);
	derive(k, "stream d", hash, sizeof(hash), keys);
}

void
kex_acceptor_keys(const struct kex_keys *k, const uint8_t h[KEX_HELLO],
    const uint8_t r[KEX_ANSWER], uint8_t keys[CRYPT_KEYS])
{
	uint8_t both[KEX_HELLO + KEX_ANSWER], hash[BEAR_HASH];

	memcpy(both, h, KEX_HELLO);
	memcpy(both + KEX_HELLO, r, KEX_ANSWER);
	bear_sha256(both, sizeof(both), hash);
	derive(k, "stream a", hash, sizeof(hash), keys);
}

/* SPDX-License-Identifier: MIT */
#ifndef SEALED_H
#define SEALED_H

#include <stdint.h>

#include "ctl.h"
#include "door.h"
#include "kex.h"
#include "seal.h"
#include "text.h"
#include "turn.h"

/* The sealed handshakes over sockets (PROTOCOL.md 3.2, 3.4). */

enum {
	SEALED_PATIENCE_MS = 5000,	/* after m2, and for first records */
	SEALED_WELCOME_MS = 14000,	/* it may need the service: its name,
					 * and an address that is dead; but no
					 * link is half-open for 15 s */
	SEALED_ANSWER_MS = 20000	/* the same for a stream, which may wait
					 * for two of them */
};

/* What a caller at a sealed server turned out to be. */
struct sealed_caller {
	enum kex_kind kind;
	struct kex_keys keys;		/* KEX_KIND_LINK; the caller wipes */
	uint8_t hello[KEX_HELLO];	/* KEX_KIND_STREAM, not yet verified */
};

/* In all of these, room is where both meet at a relay; "": they do not. */

/* The server's side, from the first byte: a link is authenticated when this
 * returns DOOR_READY; of a stream just the hello has been read, and it still
 * queues at the gate.  Otherwise the last words have been said. */
enum door_verdict sealed_accept(struct caller *c,
    const uint8_t w[BEAR_SCALAR], const char *room, struct turns *turns,
    struct sealed_caller *out, char why[DOOR_WHY_MAX]);

/* The client's side of a link: dial hp; as plain_dial().  Returns DOOR_WRONG
 * if the server does not know our token, or something has changed bytes.  If
 * hp is a relay, all its addresses are tried, in the room's order. */
enum door_verdict sealed_dial(const struct hostport *hp, const char *room,
    const uint8_t w[BEAR_SCALAR], int *fdp, struct net_addr *peer,
    struct kex_keys *keys, char why[DOOR_WHY_MAX]);

/* A member's handshake with its relay (10.5), from the fourth byte on; and
 * the member's side of it, on a connected fd.  Return DOOR_READY with *sp to
 * be freed by the caller; or as the others, and fd stays the caller's.  If the
 * member has another secret, the relay gets DOOR_WRONG, too. */
enum door_verdict sealed_member_accept(struct caller *c,
    const uint8_t head[KEX_HEAD], const uint8_t w[BEAR_SCALAR],
    struct turns *turns, struct seal **sp, char why[DOOR_WHY_MAX]);
enum door_verdict sealed_member_dial(int fd, const uint8_t w[BEAR_SCALAR],
    struct seal **sp, char why[DOOR_WHY_MAX]);

/* Both directions of a link with these keys, for our role.  Returns it, or
 * NULL with errno ENOMEM. */
struct seal *sealed_link_new(const struct kex_keys *k, enum kex_role ours);

/* Read exactly n bytes.  Returns 0, or -1 with errno (ECONNRESET at the
 * end). */
int sealed_read_bytes(int fd, uint8_t *p, size_t n, const struct net_wait *w);

/* Read the next record of a connection that has no conn yet; body and n as
 * seal_get()'s.  Returns 0, or -1 with errno (EPROTO for a bad record,
 * ECONNRESET at the end). */
int sealed_read(struct seal *s, int fd, const struct net_wait *w,
    enum record_type *type, uint8_t **body, size_t *n);

/* Send all that is pending. */
int sealed_flush(struct seal *s, int fd, const struct net_wait *w);

/* The client's side of a stream on the connected fd: the hello, OPEN, and
 * `early` bytes of data in one flight; then the answer.  Returns DOOR_READY
 * with *sp to be freed by the caller; DOOR_REFUSED with reason and text in
 * *answer, or with answer->kind 0 if the server does not know the session;
 * or another verdict. */
enum door_verdict sealed_open_stream(int fd, const char *room,
    const struct kex_keys *k, uint64_t number, const struct ctl *open,
    const void *early, size_t nearly, int watch, struct seal **sp,
    struct ctl *answer, char why[DOOR_WHY_MAX]);

#endif

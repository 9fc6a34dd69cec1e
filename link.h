/* SPDX-License-Identifier: MIT */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "gate.h"
#include "net.h"
#include "secret.h"
#include "text.h"

enum {
	LINK_HANDSHAKE_MS = 10000,	/* in total, however slow the bytes */
	LINK_REFUSE_DELAY_MS = 1000,	/* between two guesses of a source */
	LINK_WHY_MAX = 512
};

enum link_verdict {
	LINK_READY,	/* authenticated: raw bytes from here on */
	LINK_REFUSED,	/* wrong token, or no room */
	LINK_BROKEN,	/* the peer broke off, or speaks something else */
	LINK_FAILED,	/* not reached, or not in time */
	LINK_STOPPED	/* a stop came first */
};

/* The server's side of the handshake on fd, from its first byte.  room(arg)
 * is asked once the token is right: may it come in?  (If not: busy.)  Unless
 * LINK_READY, the last words have been said and read, and fd may be closed;
 * why says what was wrong.  fd stays the caller's. */
enum link_verdict link_accept(int fd, const struct net_addr *from,
    struct gate *g, const struct token *t, bool (*room)(void *), void *arg,
    char why[LINK_WHY_MAX]);

/* The client's side: dial hp and show the token; give up if the socket
 * `watch` (-1: none) dies meanwhile.  Returns LINK_READY with a descriptor
 * the caller closes in *fdp and the server's address in *peer, or a verdict
 * with a sentence in why (and LINK_BROKEN or _FAILED if `watch` died). */
enum link_verdict link_dial(const struct hostport *hp, const struct token *t,
    int watch, int *fdp, struct net_addr *peer, char why[LINK_WHY_MAX]);

#endif

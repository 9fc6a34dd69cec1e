/* SPDX-License-Identifier: MIT */
#ifndef PLAIN_H
#define PLAIN_H

#include <stdbool.h>

#include "door.h"
#include "secret.h"
#include "text.h"

/* The server's side of the plain handshake with c, from its first byte.
 * room(arg) is asked once the token is right: may it come in?  (If not:
 * busy.)  Unless DOOR_READY, the last words have been said and read, and the
 * descriptor may be closed; why says what was wrong. */
enum door_verdict plain_accept(struct caller *c, const struct token *t,
    bool (*room)(void *), void *arg, char why[DOOR_WHY_MAX]);

/* The client's side: dial hp and show the token; give up if the socket
 * `watch` (-1: none) dies meanwhile.  Returns DOOR_READY with a descriptor
 * the caller closes in *fdp and the server's address in *peer, or a verdict
 * with a sentence in why (and DOOR_BROKEN or _FAILED if `watch` died). */
enum door_verdict plain_dial(const struct hostport *hp, const struct token *t,
    int watch, int *fdp, struct net_addr *peer, char why[DOOR_WHY_MAX]);

#endif

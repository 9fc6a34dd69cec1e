/* SPDX-License-Identifier: MIT */
#ifndef DIAL_H
#define DIAL_H

#include "net.h"
#include "resolve.h"
#include "text.h"

enum {
	DIAL_RESOLVE_MS = 10000,	/* for a name; then each address has
					 * NET_CONNECT_MS */
	DIAL_WHY_MAX = RESOLVE_WHY_MAX
};

/* Connect to hp, every address in turn.  A UDP socket (SOCK_DGRAM) is
 * connected to the first.  If the socket `watch` (-1: none) dies meanwhile,
 * the work is given up.  Returns a blocking, tuned descriptor that the caller
 * closes, its peer's address in *peer; or -1 with a sentence in why and errno
 * (net_wait's, connect's, or 0: no such name). */
int dial_host(const struct hostport *hp, int type, int watch,
    struct net_addr *peer, char why[DIAL_WHY_MAX]);

/* Listen at hp (SOCK_STREAM) or bind to it (SOCK_DGRAM), at the first of its
 * addresses that lets us.  Returns as net_listen() does, with a sentence in
 * why on failure. */
int dial_listen(const struct hostport *hp, int type, struct net_addr *bound,
    char why[DIAL_WHY_MAX]);

#endif

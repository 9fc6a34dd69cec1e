/* SPDX-License-Identifier: MIT */
#ifndef DIAL_H
#define DIAL_H

#include "net.h"
#include "resolve.h"
#include "text.h"

enum {
	DIAL_RESOLVE_MS = 10000,	/* for a name; then each address has
					 * NET_CONNECT_MS */
	DIAL_RELAY_MS = 1500,		/* for one of several relays */
	DIAL_WHY_MAX = RESOLVE_WHY_MAX
};

/* Connect to hp, every address in turn.  A UDP socket (SOCK_DGRAM) is
 * connected to the first.  If the socket `watch` (-1: none) dies meanwhile,
 * the work is given up.  Returns a blocking, tuned descriptor that the caller
 * closes, its peer's address in *peer; or -1 with a sentence in why and errno
 * (net_wait's, connect's, or 0: no such name). */
int dial_host(const struct hostport *hp, int type, int watch,
    struct net_addr *peer, char why[DIAL_WHY_MAX]);

/* The same, from the address `from` in 127.0.0.0/8 of this machine (NULL: any
 * address): then only addresses of hp in 127.0.0.0/8 are tried, and without
 * one errno is EADDRNOTAVAIL, as it is where the system does not have `from`
 * (only Linux has them all). */
int dial_host_from(const struct net_addr *from, const struct hostport *hp,
    int type, int watch, struct net_addr *peer, char why[DIAL_WHY_MAX]);

/* Find the addresses of a relay, in the order in which both sides of a room
 * try them (PROTOCOL.md 10.7).  Returns as resolve_host(). */
int dial_relays(const struct hostport *hp, const char *room,
    struct net_addr out[RESOLVE_MAX], char why[DIAL_WHY_MAX]);

/* Connect to one of n of those; if there are others, it is not waited for as
 * long.  Returns as dial_host(). */
int dial_relay(const struct net_addr *at, int n, char why[DIAL_WHY_MAX]);

/* Listen at hp (SOCK_STREAM) or bind to it (SOCK_DGRAM), at the first of its
 * addresses that lets us.  Returns as net_listen() does, with a sentence in
 * why on failure. */
int dial_listen(const struct hostport *hp, int type, struct net_addr *bound,
    char why[DIAL_WHY_MAX]);

#endif

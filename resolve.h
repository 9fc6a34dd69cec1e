/* SPDX-License-Identifier: MIT */
#ifndef RESOLVE_H
#define RESOLVE_H

#include "net.h"
#include "text.h"

enum {
	RESOLVE_MAX = 16,	/* addresses of one name that are used */
	RESOLVE_WHY_MAX = 512	/* a sentence about what failed */
};

/* Find the addresses of hp.  Numeric ones and localhost need no resolver;
 * other names are looked up in a thread of their own.  Returns how many
 * (1..RESOLVE_MAX), or -1 with a sentence in why and errno: 0 (the resolver's
 * answer), one of net_wait's, or that of running out of something. */
int resolve_host(const struct hostport *hp, const struct net_wait *w,
    struct net_addr out[RESOLVE_MAX], char why[RESOLVE_WHY_MAX]);

#endif

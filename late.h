/* SPDX-License-Identifier: MIT */
#ifndef LATE_H
#define LATE_H

#include <stdint.h>

#include "http.h"
#include "meet.h"
#include "stream.h"

/* Who comes while the relay finishes what it has: each is told so, in its own
 * language, so that a balancer sends its next ones elsewhere and a client goes
 * to the next address at once. */

enum {
	LATE_MAX = 16,		/* at once; the next ones wait in the kernel */
	LATE_HEAD_MAX = 2048,	/* bytes of a request */
	LATE_MS = 2000,		/* for each, from its first byte to its last */
	LATE_OUT_MAX = HTTP_RESPONSE_MAX + STATS_TEXT_MAX
};

/* How to answer what is answered even now; both return a length. */
struct late_ways {
	size_t (*http)(struct tunnel *t, const struct http_request *r,
	    enum http_verdict v, char *out, size_t cap);
	size_t (*status)(struct tunnel *t, uint8_t out[MEET_STATUS_MAX]);
};

/* Serve the listener lfd, after a stop, for as long as pairs are carried; by
 * main, until then at most.  lfd stays the caller's. */
void late_serve(struct tunnel *t, int lfd, int64_t until,
    const struct late_ways *ways);

#endif

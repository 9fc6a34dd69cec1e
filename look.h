/* SPDX-License-Identifier: MIT */
#ifndef LOOK_H
#define LOOK_H

#include "door.h"
#include "http.h"
#include "meet.h"
#include "stream.h"

/* What a relay shows of itself: its status (PROTOCOL.md 10.6), /healthz and
 * /metrics (10.9). */

/* Answer a caller whose kind, or first two bytes, were read; closes s->fd. */
void look_status(struct stream *s, struct caller *c);
void look_http(struct stream *s, struct caller *c, const uint8_t first[2],
    const char *name);

/* The answers themselves; return their lengths.  v is what http_feed() has
 * said of r. */
size_t look_state(struct tunnel *t, uint8_t out[MEET_STATUS_MAX]);
size_t look_respond(struct tunnel *t, const struct http_request *r,
    enum http_verdict v, char *out, size_t cap);

#endif

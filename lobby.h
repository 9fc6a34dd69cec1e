/* SPDX-License-Identifier: MIT */
#ifndef LOBBY_H
#define LOBBY_H

#include "door.h"
#include "stats.h"
#include "stream.h"

/* Those who come to a relay and are not let in, or not served: each is counted
 * once, with a sentence of its own. */

/* Count it, and say so; name is the peer's. */
void lobby_refused(struct stream *s, enum stats_what what, const char *name,
    const char *why);

/* The same at the door, which it leaves with this status, or without (-1):
 * closes s->fd. */
void lobby_turn_away(struct stream *s, struct caller *c,
    enum stats_what what, const char *name, const char *why, int status);

/* It has not said what it wants, errno says why: it leaves the door.  And
 * closes s->fd. */
void lobby_lost(struct stream *s, struct caller *c, const char *name);
void lobby_drop(struct stream *s, struct caller *c, const char *name);

/* It speaks something else, and gets no answer: closes s->fd. */
void lobby_ignore(struct stream *s, struct caller *c, const char *name);

#endif

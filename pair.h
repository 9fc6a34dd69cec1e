/* SPDX-License-Identifier: MIT */
#ifndef PAIR_H
#define PAIR_H

#include "door.h"
#include "stream.h"

/* A client, or a visitor, and the server that it is joined with at a relay
 * (PROTOCOL.md 10.3, 10.4). */

/* Somebody dials, and the kind has been read: find the server, join them, and
 * copy until it is over.  Takes s->fd. */
void pair_dial(struct stream *s, struct caller *c, const char *name);

/* A task: somebody has come to s->public. */
void pair_visit(struct task *task);

#endif

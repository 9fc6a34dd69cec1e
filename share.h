/* SPDX-License-Identifier: MIT */
#ifndef SHARE_H
#define SHARE_H

#include "stream.h"

/* Find a free room at the relay, and draw it and its secret into c->room and
 * t->secret.  t->waiter's auth is set; task_init() and
 * entropy_init() have succeeded.  Returns 0, or an exit code, having said
 * why. */
int share_draw(struct tunnel *t, struct config *c);

/* Say the ticket: on stdout, as the command that the other person pastes; on
 * stderr if stdout is for something else.  Wipes t->secret.  Returns false,
 * having said why, if that is not possible. */
bool share_ticket(struct tunnel *t);

/* Say how the relay at hp is, on stdout.  Returns the exit code. */
int share_status(const struct hostport *hp);

#endif

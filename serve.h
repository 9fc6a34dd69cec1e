/* SPDX-License-Identifier: MIT */
#ifndef SERVE_H
#define SERVE_H

#include "stream.h"

/* The task of a connection, s->fd from s->from, of which nothing is known yet:
 * handshake, and then a link, or a stream.  Takes fd. */
void serve_run(struct task *task);

/* The connection s->fd is of somebody without adit, through a relay: straight
 * to the service.  Takes fd. */
void serve_visitor(struct stream *s);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef LOCAL_H
#define LOCAL_H

#include <stdbool.h>

#include "ctl.h"
#include "stream.h"

/* The end that a side joins to the tunnel for streams that the other side
 * opens: stdin and stdout, once; or a service. */

/* What this side has; its protocol. */
enum ctl_end local_end(const struct config *c);
enum ctl_protocol local_protocol(const struct config *c);

/* May the other side ask for this target? */
bool local_allows(const struct config *c, const char *target);

/* Is there room for another stream: stdin and stdout not taken, or less than
 * --max-conns?  Take it; give it back, if it was taken. */
bool local_take(struct stream *s, enum ctl_reason *reason);
void local_give(struct stream *s);

/* Make s->local, having taken room: connect to the service named by target
 * ("": the default).  The death of the socket `watch` (-1: none) ends the
 * attempt.  name: of what it is, for people.  Returns true; or false with why
 * in refusal's reason and text (and said here, as far as it matters here). */
bool local_open(struct stream *s, const char *target, int watch,
    struct ctl *refusal);

/* A stream that had stdin and stdout is over: so are we, with this code. */
void local_pipe_over(struct stream *s, int code);

#endif

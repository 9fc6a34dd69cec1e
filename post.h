/* SPDX-License-Identifier: MIT */
#ifndef POST_H
#define POST_H

#include <pthread.h>
#include <stdint.h>

#include "meet.h"
#include "net.h"
#include "seal.h"

/* The control connection between a server and its relay: messages, each with
 * its length before it, or as sealed records (PROTOCOL.md 10.2, 10.5). */

struct post {
	int fd;				/* the reading thread closes it */
	struct seal *seal;		/* NULL: not sealed */
	pthread_mutex_t out_mu;		/* guards sending, which never blocks,
					 * seal->out and: */
	int64_t sent_at;
	uint8_t buf[2 * (MEET_LEN + MEET_BODY_MAX)];
	struct span in;			/* over it */
};

/* Make one of a connected socket, and its seal or NULL: takes both. */
void post_init(struct post *p, int fd, struct seal *s);

/* Close it, in order or with a reset; nobody else knows of it any more. */
void post_close(struct post *p, bool clean);

/* Send a message as far as it goes out at once; any thread while it is known
 * to live; does not block.  If it does not go out, the connection is ended. */
void post_say(struct post *p, const struct meet *m);

/* The same for those without fields, and for BYE and REFUSED. */
void post_say_reason(struct post *p, enum meet_message kind,
    enum meet_reason reason, const char *sentence);

/* Take the next message of those that have come.  Returns 1; 0: none is
 * whole; -1 with errno EPROTO: what came is none. */
int post_next(struct post *p, struct meet *m);

/* Read what is there; the descriptor was found readable.  Returns 0, or -1
 * with errno (ECONNRESET at the end). */
int post_fill(struct post *p);

/* Wait for a message.  Returns 0, or -1 with errno: net_wait's, EPROTO, or
 * that of a failed read. */
int post_read(struct post *p, struct meet *m, const struct net_wait *w);

#endif

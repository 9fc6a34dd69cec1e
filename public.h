/* SPDX-License-Identifier: MIT */
#ifndef PUBLIC_H
#define PUBLIC_H

#include <pthread.h>

#include "flow.h"
#include "meet.h"
#include "stream.h"

/* A port of the relay's where visitors without adit come to a room: TCP, or
 * UDP.  What they say is not encrypted, and the relay could read it. */

struct public {
	char room[MEET_ROOM_MAX + 1];
	int fd;
	uint16_t port;
	bool udp;
	struct flow_table flows;	/* udp */
	uint8_t *buf;			/* udp: of the thread that reads */
	pthread_mutex_t mu;		/* guards: */
	unsigned users;			/* the room, and each visitor */
};

/* Open the port that m, a WAIT, asks for.  Returns it, with one user; or NULL
 * with a sentence in why. */
struct public *public_open(const struct config *c, const struct meet *m,
    char why[MEET_SENTENCE_MAX + 1]);

/* One user less; the last one closes it. */
void public_leave(struct public *p);

/* Its descriptor was found readable: run() a stream for a visitor who has
 * come (s->public, s->from; s->fd, or s->flow with its first datagram), or
 * hand on a datagram.  By the room's thread. */
void public_ready(struct public *p, struct tunnel *t,
    void (*run)(struct task *));

/* By run(): make s->local, once it is known that there is a server; or let go
 * of who has come; and when the stream is over. */
void public_set_local(struct stream *s, const char *name);
void public_drop(struct stream *s);
void public_over(struct stream *s);

#endif

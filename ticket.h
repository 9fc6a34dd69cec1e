/* SPDX-License-Identifier: MIT */
#ifndef TICKET_H
#define TICKET_H

#include <stdbool.h>
#include <stddef.h>

#include "meet.h"
#include "text.h"
#include "word.h"

/* RELAY[:PORT]/ROOM-SECRET: all that a client needs, in one word to paste or
 * to read aloud.  The first dash behind the slash ends the room, for which
 * the last word of the secret is the check (word.h). */

enum {
	TICKET_PORT = 443,		/* unless another one is named */
	TICKET_ROOM_MAX = MEET_ROOM_MAX,
	/* The relay, '/', the room, '-', the secret and its NUL. */
	TICKET_TEXT_MAX = TEXT_HOSTPORT_MAX + TICKET_ROOM_MAX + 1 +
	    WORD_TEXT_MAX,
	TICKET_WHY_MAX = 96
};

/* Room and secret are in lower case; the secret, with its dashes, is the token
 * of both sides. */
struct ticket {
	struct hostport relay;
	char room[TICKET_ROOM_MAX + 1];
	char secret[WORD_TEXT_MAX];
};

/* Was this argument meant as a ticket?  It has a '/', and begins like neither
 * an option nor a file.  Whether it is one, ticket_parse() says. */
bool ticket_like(const char *arg);

/* Read a ticket.  Upper case in room and secret is lowered before anything is
 * checked; the relay stays as it was written.  Returns 0, and the caller wipes
 * *t and text; or -1 with *t zeroed, and in why one sentence that says what is
 * wrong and repeats nothing of text, in which the caller still wipes what may
 * be a secret. */
int ticket_parse(struct ticket *t, const char *text, char why[TICKET_WHY_MAX]);

/* Write a ticket as short as it can be, without TICKET_PORT, and a NUL; its
 * members are what ticket_parse() would accept.  Returns the length.  The
 * caller wipes text. */
size_t ticket_make(const struct ticket *t, char text[TICKET_TEXT_MAX]);

#endif

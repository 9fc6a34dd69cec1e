/* SPDX-License-Identifier: MIT */
#ifndef EVENT_H
#define EVENT_H

#include <stddef.h>
#include <stdint.h>

/* What happens, for programs: one JSON object (RFC 8259) a line, on a
 * descriptor of the user's choice, with one write.  PROTOCOL.md is not
 * concerned; the man page lists the events and their members. */

enum {
	EVENT_SCHEMA = 1,	/* the member "v"; grows when a member changes
				 * its meaning or goes, not when one comes */
	EVENT_MAX = 2048	/* bytes of one line, newline included */
};

struct event {
	char line[EVENT_MAX];
	size_t n;
};

/* Events go to fd from here on; -1: to nobody, which is how it begins. */
void event_open(int fd);

/* Begin {"v":1,"event":NAME,"time":SECONDS.MILLIS (wall clock, epoch) */
void event_begin(struct event *e, const char *name);

/* Add a member: text (any bytes; what is not UTF-8 becomes U+FFFD, control
 * characters are escaped), a number, a truth.  NULL text adds nothing. */
void event_text(struct event *e, const char *key, const char *text);
void event_number(struct event *e, const char *key, uint64_t number);
void event_truth(struct event *e, const char *key, int truth);

/* End the object and write the line: whole, and never mixed with others.  A
 * reader that lets us wait for 100 ms loses it.  One that is gone ends the
 * events, not us. */
void event_send(struct event *e);

#endif

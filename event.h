/* SPDX-License-Identifier: MIT */
#ifndef EVENT_H
#define EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What happens, for programs: one JSON object (RFC 8259) a line, on a
 * descriptor of the user's choice, with one write.  PROTOCOL.md is not
 * concerned; the man page lists the events and their members. */

enum {
	EVENT_SCHEMA = 1,	/* the member "v"; grows when a member changes
				 * its meaning or goes, not when one comes */
	EVENT_MAX = 2048,	/* bytes of one line, newline included */
	EVENT_LONG_MAX = 256 * 1024	/* of one that has lists */
};

struct event {
	char line[EVENT_MAX];
	char *text;		/* line; or longer, and not ours */
	size_t n, max;		/* what there is, and may be now */
	size_t item;		/* where the object in a list begins */
	bool list;		/* we are in one */
	bool cut;		/* something had no room since then */
};

/* Events go to fd from here on; -1: to nobody, which is how it begins. */
void event_open(int fd);

/* Begin {"v":1,"event":NAME,"time":SECONDS.MILLIS (wall clock, epoch) */
void event_begin(struct event *e, const char *name);

/* The same for readers of mtunnel as well, who want their members first:
 * begin {"action":ACTION, add those, and then "v", "event" and "time". */
void event_action(struct event *e, const char *action);
void event_name(struct event *e, const char *name);

/* The same as event_action(), for a line of up to EVENT_LONG_MAX.  Only one
 * thread may ever do this. */
void event_action_long(struct event *e, const char *action);

/* Add a member: text (any bytes; what is not UTF-8 becomes U+FFFD, control
 * characters are escaped), a number, a truth.  NULL text adds nothing. */
void event_text(struct event *e, const char *key, const char *text);
void event_number(struct event *e, const char *key, uint64_t number);
void event_truth(struct event *e, const char *key, int truth);

/* Add a list; then its texts, or objects, whose members come in between; and
 * its end, behind which there is room for a number with a short name.  What
 * has no room is left out as a whole, and then these return false. */
void event_list(struct event *e, const char *key);
bool event_item(struct event *e, const char *text);
void event_item_begin(struct event *e);
bool event_item_end(struct event *e);
void event_list_end(struct event *e);

/* End the object and write the line: whole, and never mixed with others.  A
 * reader that takes nothing for 100 ms loses it, and so it does after a second
 * in which it only took what other threads wrote.  One that is gone ends the
 * events, not us.  A long line is written piece by piece, for as long as the
 * reader takes some of it within 100 ms, and for a second at most; what is
 * left of it then goes before the next line. */
void event_send(struct event *e);

#endif

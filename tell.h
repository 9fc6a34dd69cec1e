/* SPDX-License-Identifier: MIT */
#ifndef TELL_H
#define TELL_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

/* What happens, told twice: to people as a log line, to programs as an event
 * (event.h).  One function for each thing that can happen.  Text that is NULL
 * is left out. */

/* We wait or listen, and where: for the tunnel, for local connections. */
void tell_ready(const char *role, const char *tunnel, const char *local);

/* The same of a client that accepts local connections at this port: with the
 * id of its session, as the server has it. */
void tell_client_ready(const char *id, uint16_t port, const char *local);

/* The token of a server that has made it up itself.  For programs alone; our
 * copy is wiped. */
void tell_token(const char *token);

/* The plain pipe through a peer is up, in these words. */
void tell_link_up(const char *peer, const char *line);

struct tell_session {
	const char *id, *peer;
	bool own;			/* ours: a client tells it, and */
	uint16_t port;			/* where it listens; 0: nowhere */
};

/* A link of a client's session, or the pipe that it is, is up, in these words
 * (NULL: for programs alone); has ended (rtt_ms: UINT32_MAX if not known; lost:
 * not in order).  Is it the first link, the last?  A session begins once and
 * ends once, whatever links it has had in between, and the caller sees to it
 * that this is told in that order. */
void tell_session_up(const struct tell_session *s, const char *line,
    bool first);
void tell_session_down(const char *id, const char *peer, const char *why,
    uint32_t rtt_ms, bool lost, bool last);

/* We wait in this room of this relay; not any more; visitors come to this port
 * of it.  At a relay: a server has this room; not any more. */
void tell_waiting(const char *room, const char *relay);
void tell_waiting_over(const char *room, const char *relay, const char *why);
void tell_published(const char *relay, uint16_t port, bool udp);
void tell_room(const char *room, const char *server, bool open,
    const char *why);

/* An attempt at a link came to nothing. */
void tell_link_failed(const char *why, bool refused);

/* What was to be read again at a SIGHUP: was it?  For programs alone. */
void tell_reload(const char *what, bool done, const char *why);

/* Somebody was refused. */
void tell_refused(const char *peer, const char *why);

/* What there is to say of a stream that has ended. */
struct tell_closed {
	unsigned long id;
	int64_t ms;
	uint64_t sent, received;
	bool whole;
	const char *reason;
};

/* A stream begins; ends. */
void tell_stream_opened(unsigned long id, const char *from, const char *to);
void tell_stream_closed(const struct tell_closed *c);

/* What there is to say of a session that is listed. */
struct tell_client {
	const char *id, *addr;
	unsigned long streams;		/* open now */
	uint64_t sent, received;	/* bytes of all its streams */
	uint64_t age_s;			/* since its first link */
};

struct tell_list {
	struct event e;
	uint64_t left_out;		/* that many had no room */
	bool ids;			/* there were some */
};

/* The list of sessions, for programs alone, by one thread: begin it, add all
 * ids, say tell_list_next(), add all again with what there is to say, and send
 * it.  All but the sending does no I/O, and may be done under a mutex. */
void tell_list_begin(struct tell_list *l);
void tell_list_id(struct tell_list *l, const char *id);
void tell_list_next(struct tell_list *l);
void tell_list_client(struct tell_list *l, const struct tell_client *c);
void tell_list_send(struct tell_list *l);

/* An order was not understood or cannot be obeyed, or we fail.  For programs
 * alone: the log line is the caller's. */
void tell_error(const char *why);

/* We end, with this exit code; if that is not 0, the last error that was
 * logged is told, too. */
void tell_end(int code);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef TELL_H
#define TELL_H

#include <stdbool.h>
#include <stdint.h>

/* What happens, told twice: to people as a log line, to programs as an event
 * (event.h).  One function for each thing that can happen.  Text that is NULL
 * is left out. */

/* We wait or listen, and where: for the tunnel, for local connections. */
void tell_ready(const char *role, const char *tunnel, const char *local);

/* The link with a peer, or the pipe through it, is up, in these words; the
 * link has ended (rtt_ms: UINT32_MAX if not known; lost: not in order). */
void tell_link_up(const char *peer, const char *line);
void tell_link_down(const char *peer, const char *why, uint32_t rtt_ms,
    bool lost);

/* An attempt at a link came to nothing. */
void tell_link_failed(const char *why, bool refused);

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

/* We end, with this exit code. */
void tell_end(int code);

#endif

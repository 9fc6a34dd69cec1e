/* SPDX-License-Identifier: MIT */
/* tell.c - what happens, for people and for programs. */

#include "event.h"
#include "log.h"
#include "tell.h"

void
tell_ready(const char *role, const char *tunnel, const char *local)
{
	struct event e;

	event_begin(&e, "ready");
	event_text(&e, "role", role);
	event_text(&e, "listen", tunnel);
	event_text(&e, "local", local);
	event_send(&e);
}

void
tell_link_up(const char *peer, const char *line)
{
	struct event e;

	log_line(LOG_NOTE, "%s", line);
	event_begin(&e, "link");
	event_text(&e, "state", "up");
	event_text(&e, "peer", peer);
	event_send(&e);
}

void
tell_link_down(const char *peer, const char *why, uint32_t rtt_ms, bool lost)
{
	struct event e;

	event_begin(&e, "link");
	event_text(&e, "state", "down");
	event_text(&e, "peer", peer);
	event_text(&e, "reason", why);
	event_truth(&e, "lost", lost);
	if (rtt_ms != UINT32_MAX)
		event_number(&e, "rtt_ms", rtt_ms);
	event_send(&e);
}

void
tell_link_failed(const char *why, bool refused)
{
	struct event e;

	event_begin(&e, "link");
	event_text(&e, "state", "failed");
	event_text(&e, "reason", why);
	event_truth(&e, "refused", refused);
	event_send(&e);
}

void
tell_refused(const char *peer, const char *why)
{
	struct event e;

	event_begin(&e, "refused");
	event_text(&e, "peer", peer);
	event_text(&e, "reason", why);
	event_send(&e);
}

void
tell_stream_opened(unsigned long id, const char *from, const char *to)
{
	struct event e;

	log_line(LOG_STREAM, "stream %lu opened: %s -> %s", id, from, to);
	event_begin(&e, "stream");
	event_text(&e, "state", "opened");
	event_number(&e, "id", id);
	event_text(&e, "from", from);
	event_text(&e, "to", to);
	event_send(&e);
}

void
tell_stream_closed(const struct tell_closed *c)
{
	struct event e;

	log_line(LOG_STREAM, "stream %lu closed after %lu.%02u s, %llu bytes "
	    "sent, %llu received: %s", c->id, (unsigned long)(c->ms / 1000),
	    (unsigned)(c->ms % 1000 / 10), (unsigned long long)c->sent,
	    (unsigned long long)c->received, c->reason);
	event_begin(&e, "stream");
	event_text(&e, "state", "closed");
	event_number(&e, "id", c->id);
	event_number(&e, "ms", (uint64_t)c->ms);
	event_number(&e, "sent", c->sent);
	event_number(&e, "received", c->received);
	event_truth(&e, "whole", c->whole);
	event_text(&e, "reason", c->reason);
	event_send(&e);
}

void
tell_end(int code)
{
	struct event e;

	event_begin(&e, "end");
	event_number(&e, "code", (uint64_t)code);
	event_send(&e);
}

/* SPDX-License-Identifier: MIT */
/* tell.c - what happens, for people and for programs. */

#include "log.h"
#include "secret.h"
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
tell_client_ready(const char *id, uint16_t port, const char *local)
{
	struct event e;

	event_action(&e, "CONNECTED");
	event_text(&e, "session_id", id);
	event_number(&e, "port", port);
	event_name(&e, "ready");
	event_text(&e, "role", "client");
	event_text(&e, "local", local);
	event_send(&e);
}

void
tell_token(const char *token)
{
	struct event e;

	event_action(&e, "TOKEN");
	event_text(&e, "token", token);
	event_name(&e, "token");
	event_send(&e);
	secret_wipe(&e, sizeof(e));
}

void
tell_link_up(const char *peer, const char *line)
{
	struct tell_session s = { .peer = peer };

	tell_session_up(&s, line, false);
}

void
tell_session_up(const struct tell_session *s, const char *line, bool first)
{
	struct event e;

	if (line != NULL)
		log_line(LOG_NOTE, "%s", line);
	if (first) {
		event_action(&e, "CONNECTED");
		event_text(&e, "session_id", s->id);
		if (!s->own)
			event_text(&e, "addr", s->peer);
		else if (s->port != 0)
			event_number(&e, "port", s->port);
		event_name(&e, "link");
	} else
		event_begin(&e, "link");
	event_text(&e, "state", "up");
	event_text(&e, "peer", s->peer);
	if (!first)
		event_text(&e, "session_id", s->id);
	event_send(&e);
}

void
tell_session_down(const char *id, const char *peer, const char *why,
    uint32_t rtt_ms, bool lost, bool last)
{
	struct event e;

	if (last) {
		event_action(&e, "DISCONNECT");
		event_text(&e, "session_id", id);
		event_name(&e, "link");
	} else
		event_begin(&e, "link");
	event_text(&e, "state", "down");
	event_text(&e, "peer", peer);
	event_text(&e, "reason", why);
	event_truth(&e, "lost", lost);
	if (rtt_ms != UINT32_MAX)
		event_number(&e, "rtt_ms", rtt_ms);
	if (!last)
		event_text(&e, "session_id", id);
	event_send(&e);
}

static void
send_room(const char *state, const char *room, const char *peer,
    const char *why)
{
	struct event e;

	event_begin(&e, "room");
	event_text(&e, "state", state);
	event_text(&e, "room", room);
	event_text(&e, "peer", peer);
	event_text(&e, "reason", why);
	event_send(&e);
}

void
tell_waiting(const char *room, const char *relay)
{
	log_line(LOG_NOTE, "waiting in room %s at relay %s", room, relay);
	send_room("waiting", room, relay, NULL);
}

void
tell_waiting_over(const char *room, const char *relay, const char *why)
{
	log_line(LOG_NOTE, "no longer in room %s at relay %s: %s", room,
	    relay, why);
	send_room("lost", room, relay, why);
}

void
tell_published(const char *relay, uint16_t port, bool udp)
{
	struct event e;

	log_line(LOG_NOTE, "visitors come to %s, %s port %u: not encrypted, "
	    "the relay can read it", relay, udp ? "UDP" : "TCP",
	    (unsigned)port);
	event_begin(&e, "published");
	event_text(&e, "relay", relay);
	event_number(&e, "port", port);
	event_text(&e, "protocol", udp ? "udp" : "tcp");
	event_send(&e);
}

void
tell_room(const char *room, const char *server, bool open, const char *why)
{
	if (open)
		log_line(LOG_NOTE, "room %s: server %s waits", room, server);
	else
		log_line(LOG_NOTE, "room %s: server %s gone: %s", room,
		    server, why);
	send_room(open ? "open" : "closed", room, server, why);
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
tell_reload(const char *what, bool done, const char *why)
{
	struct event e;

	event_begin(&e, "reload");
	event_text(&e, "what", what);
	event_truth(&e, "done", done);
	event_text(&e, "reason", why);
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
tell_list_begin(struct tell_list *l)
{
	l->left_out = 0;
	l->ids = false;
	event_action_long(&l->e, "LIST");
}

void
tell_list_id(struct tell_list *l, const char *id)
{
	/* Readers of mtunnel expect none where there are none. */
	if (!l->ids)
		event_list(&l->e, "sessions");
	l->ids = true;
	(void)event_item(&l->e, id);
}

void
tell_list_next(struct tell_list *l)
{
	if (l->ids)
		event_list_end(&l->e);
	event_name(&l->e, "list");
	event_list(&l->e, "clients");
}

void
tell_list_client(struct tell_list *l, const struct tell_client *c)
{
	event_item_begin(&l->e);
	event_text(&l->e, "session_id", c->id);
	event_text(&l->e, "addr", c->addr);
	event_number(&l->e, "streams", c->streams);
	event_number(&l->e, "sent", c->sent);
	event_number(&l->e, "received", c->received);
	event_number(&l->e, "age_s", c->age_s);
	if (!event_item_end(&l->e))
		l->left_out++;
}

void
tell_list_send(struct tell_list *l)
{
	event_list_end(&l->e);
	if (l->left_out > 0)
		event_number(&l->e, "more", l->left_out);
	event_send(&l->e);
}

void
tell_error(const char *why)
{
	struct event e;

	event_action(&e, "ERROR");
	event_text(&e, "error", why);
	event_name(&e, "error");
	event_send(&e);
}

void
tell_end(int code)
{
	char why[LOG_LINE_MAX];
	struct event e;

	if (code != 0) {
		log_last_error(why);
		tell_error(why);
	}
	event_begin(&e, "end");
	event_number(&e, "code", (uint64_t)code);
	event_send(&e);
}

/* SPDX-License-Identifier: MIT */
/* look.c - what a relay shows of itself. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lobby.h"
#include "look.h"

static int64_t
uptime_ms(const struct tunnel *t)
{
	return task_now() - t->began_at;
}

size_t
look_state(struct tunnel *t, uint8_t out[MEET_STATUS_MAX])
{
	struct meet_state m;
	unsigned parked;

	m.uptime_s = (uint32_t)(uptime_ms(t) / 1000);
	m.rooms = rooms_count(&t->rooms, &parked);
	m.pairs = atomic_load(&t->carried);
	(void)snprintf(m.version, sizeof(m.version), "%s", t->version);
	return meet_state_put(&m, out);
}

void
look_status(struct stream *s, struct caller *c)
{
	uint8_t out[MEET_STATUS_MAX];

	door_queue(c);
	if (net_write(s->fd, out, look_state(s->tunnel, out), &c->wait) == 0)
		net_last_words(s->fd);
	(void)door_leave(c);
	net_close_clean(s->fd);
}

/* The body of /metrics. */
static size_t
metrics(struct tunnel *t, char out[STATS_TEXT_MAX])
{
	struct stats_process p = {
		.version = t->version, .uptime_ms = uptime_ms(t),
		.start_ms = task_wall() - uptime_ms(t),
		.waiting = gate_count(&t->gate),
		.open_fds = net_open_fds(t->max_fds), .max_fds = t->max_fds
	};
	unsigned parked;

	(void)rooms_count(&t->rooms, &parked);
	p.parked = parked;
	return stats_text(&t->stats, &p, out, STATS_TEXT_MAX);
}

size_t
look_respond(struct tunnel *t, const struct http_request *r,
    enum http_verdict v, char *out, size_t cap)
{
	static const char text[] = "text/plain; charset=utf-8";
	static const char ok[] = "ok\n", stopping[] = "stopping\n";
	char body[STATS_TEXT_MAX];
	bool head = r->method == HTTP_HEAD;

	if (v == HTTP_TOO_LONG)
		return http_response(out, cap, 431, text, "", 0, false);
	if (v != HTTP_DONE)
		return http_response(out, cap, 400, text, "", 0, false);
	if (r->method == HTTP_OTHER)
		return http_response(out, cap, 405, text, "", 0, false);
	if (http_is(&r->path, "/healthz"))
		return task_stopping() ? http_response(out, cap, 503, text,
		    stopping, sizeof(stopping) - 1, head) :
		    http_response(out, cap, 200, text, ok, sizeof(ok) - 1,
		    head);
	if (http_is(&r->path, "/metrics"))
		return http_response(out, cap, 200, stats_type, body,
		    metrics(t, body), head);
	return http_response(out, cap, 404, text, "", 0, head);
}

void
look_http(struct stream *s, struct caller *c, const uint8_t first[2],
    const char *name)
{
	char head[HTTP_HEAD_MAX], out[HTTP_RESPONSE_MAX + STATS_TEXT_MAX];
	struct http_request r;
	enum http_verdict v;
	size_t n = 2;
	ssize_t got;

	memset(&r, 0, sizeof(r));
	memcpy(head, first, n);
	while ((v = http_feed(&r, head, n)) == HTTP_MORE) {
		got = door_read_some(c, head + n, sizeof(head) - n);
		if (got == -1) {
			lobby_drop(s, c, name);
			return;
		}
		n += (size_t)got;
	}
	n = look_respond(s->tunnel, &r, v, out, sizeof(out));
	door_queue(c);
	if (net_write(s->fd, out, n, &c->wait) == 0)
		net_last_words(s->fd);
	(void)door_leave(c);
	net_close_clean(s->fd);
}

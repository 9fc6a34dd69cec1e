/* SPDX-License-Identifier: MIT */
/* relay.c - the place where servers wait and clients find them.
 *
 * Main accepts; each connection's own thread does the rest.  The thread of a
 * control connection looks after all that is parked in its room; that of a
 * client that dials becomes the pair's; that of an accepted connection only
 * hands it over.  (PROTOCOL.md 10)
 *
 * Whoever is not let in is counted once, with a sentence of its own.  During a
 * stop late.c has the door. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "door.h"
#include "entropy.h"
#include "late.h"
#include "lobby.h"
#include "log.h"
#include "look.h"
#include "pair.h"
#include "public.h"
#include "relay.h"
#include "sandbox.h"
#include "sealed.h"
#include "secret.h"
#include "tell.h"

enum {
	MANY_ROOMS = 64
};

static void
serve_accept(struct stream *s, struct caller *c, const char *name)
{
	uint8_t ticket[MEET_TICKET];

	if (door_read(c, ticket, sizeof(ticket)) == -1) {
		lobby_drop(s, c, name);
		return;
	}
	if (!door_leave(c))
		(void)close(s->fd);
	else if (!rooms_accept(&s->tunnel->rooms, ticket, s->fd))
		lobby_turn_away(s, c, STATS_NO_TICKET, name, "a ticket that "
		    "is not good (any more)", MEET_NO_TICKET);
}

/* Rooms ------------------------------------------------------------------- */

/* A message of a server that has its room.  Returns false if it ends. */
static bool
take_message(struct stream *s, struct room *r, struct post *p,
    const struct meet *m)
{
	struct meet pong = { .kind = MEET_M_PONG, .stamp = m->stamp };

	rooms_heard(&s->tunnel->rooms, r);
	if (m->kind == MEET_M_PING)
		post_say(p, &pong);
	if (m->kind == MEET_M_PING || m->kind == MEET_M_PONG)
		return true;
	errno = m->kind == MEET_M_BYE ? 0 : EPROTO;
	return false;
}

/* What there is on the control connection. */
static bool
take_messages(struct stream *s, struct room *r, struct post *p)
{
	struct meet m;
	int rc;

	if (post_fill(p) == -1)
		return false;
	while ((rc = post_next(p, &m)) == 1) {
		if (!take_message(s, r, p, &m))
			return false;
	}
	return rc == 0;
}

/* A room's life; returns how it ended. */
static const char *
live(struct stream *s, struct room *r, struct post *p, struct public *public)
{
	struct rooms *rooms = &s->tunnel->rooms;
	struct meet ping = { .kind = MEET_M_PING };
	int fds[2 + MEET_PARKED_MAX], n, i;
	int64_t beat_at = task_now();

	for (;;) {
		if (task_now() >= beat_at) {
			if (!rooms_beat(rooms, r))
				return "silent for too long";
			post_say(p, &ping);
			beat_at = task_now() + ROOMS_BEAT_MS;
		}
		fds[0] = p->fd;
		fds[1] = public != NULL ? public->fd : -1;
		n = 2 + (int)rooms_parked(rooms, r, fds + 2);
		i = net_await_any(fds, n, beat_at);
		if (i == -1 && errno == ECANCELED) {
			post_say_reason(p, MEET_M_BYE, MEET_R_STOPPING, "");
			return "the relay stops";
		}
		if (i == 1)
			public_ready(public, s->tunnel, pair_visit);
		if (i > 1)
			rooms_read_parked(rooms, r, fds[i]);
		if (i == 0 && !take_messages(s, r, p)) {
			if (rooms_replaced(rooms, r))
				return "replaced";
			return errno == 0 ? "it leaves" : errno == EPROTO ?
			    "nonsense" : "its connection is gone";
		}
	}
}

/* What to say to a WAIT: 0 is yes. */
static int
judge(struct stream *s, struct room *r)
{
	const struct config *c = s->tunnel->config;

	if (c->auth && r->post->seal == NULL)
		return MEET_R_MEMBERS;
	if (task_stopping())
		return MEET_R_STOPPING;
	return rooms_enter(&s->tunnel->rooms, r);
}

/* The room was not to be had. */
static void
no_room(struct stream *s, struct caller *c, const struct room *r,
    struct post *p, const char *name, enum meet_reason reason,
    const char *why)
{
	const char *sentence = meet_reason_text(reason);
	enum stats_what what = STATS_FAILED;
	char limit[80] = "";

	switch (reason) {
	case MEET_R_BUSY:
		what = STATS_BUSY;
		break;
	case MEET_R_FULL:
		what = r->source_full ? STATS_SOURCE_ROOMS_FULL :
		    STATS_ROOMS_FULL;
		(void)snprintf(limit, sizeof(limit), "at the limit of %u "
		    "rooms%s", r->source_full ? s->tunnel->rooms.max_source :
		    s->tunnel->rooms.max, r->source_full ? " from one address "
		    "(--max-per-source)" : " (--max-rooms)");
		sentence = limit;
		break;
	case MEET_R_MEMBERS:
		what = STATS_AUTH_MISSING;
		sentence = "it has no secret (--auth)";
		break;
	case MEET_R_NOT_ALLOWED:
		what = STATS_NOT_ALLOWED;
		break;
	case MEET_R_STOPPING:
		what = STATS_DRAINING;
		sentence = meet_status_text(MEET_STOPPING);
		break;
	case MEET_R_REPLACED:
	case MEET_R_NONSENSE:
	case MEET_R_FAILED:
		break;
	}
	lobby_refused(s, what, name, why[0] != '\0' ? why : sentence);
	post_say_reason(p, MEET_M_REFUSED, reason, why[0] != '\0' ? why :
	    limit);
	door_queue(c);
	net_last_words(s->fd);
	(void)door_leave(c);
	post_close(p, false);
}

static void
serve_room(struct stream *s, struct caller *c, const char *name,
    struct seal *seal)
{
	struct tunnel *t = s->tunnel;
	struct meet m, waiting = { .kind = MEET_M_WAITING };
	struct room r;
	struct post p;
	char why[MEET_SENTENCE_MAX + 1] = "";
	struct public *public = NULL;
	const char *how;
	int reason, rc;

	post_init(&p, s->fd, seal);
	memset(&r, 0, sizeof(r));
	door_queue(c);
	rc = post_read(&p, &m, &c->wait);
	if (rc == 0 && m.kind != MEET_M_WAIT) {
		errno = EPROTO;
		rc = -1;
	}
	if (rc == -1 || !door_leave(c)) {
		lobby_lost(s, c, name);
		post_close(&p, false);
		return;
	}
	memcpy(r.name, m.text, sizeof(r.name));
	memcpy(r.owner, m.id, sizeof(r.owner));
	net_source(&s->from, r.source);
	r.post = &p;
	/* What stream_prepare() has counted on. */
	r.wanted = m.parked < WAITER_PARKED ? m.parked : WAITER_PARKED;
	if ((reason = judge(s, &r)) == 0 && m.publish != MEET_PUBLISH_NONE &&
	    (public = public_open(t->config, &m, why)) == NULL) {
		rooms_leave(&t->rooms, &r);
		reason = MEET_R_NOT_ALLOWED;
	}
	if (reason != 0) {
		no_room(s, c, &r, &p, name, (enum meet_reason)reason, why);
		return;
	}
	memcpy(waiting.id, t->relay_id, sizeof(waiting.id));
	net_pack(&s->from, waiting.addr);
	if (public != NULL) {
		waiting.publish = m.publish;
		waiting.port = public->port;
	}
	stats_up(&t->stats, STATS_ROOMS);
	rooms_open(&t->rooms, &r, &waiting);
	tell_room(r.name, name, true, NULL);
	how = live(s, &r, &p, public);
	rooms_leave(&t->rooms, &r);
	if (public != NULL)
		public_leave(public);
	stats_down(&t->stats, STATS_ROOMS);
	tell_room(r.name, name, false, how);
	post_close(&p, task_stopping() || r.replaced);
}

/* How a member's handshake that came to nothing is counted. */
static enum stats_what
no_member(enum door_verdict verdict)
{
	switch (verdict) {
	case DOOR_WRONG:
		return STATS_AUTH;
	case DOOR_REFUSED:		/* too many handshakes at once */
		return STATS_CROWDED;
	case DOOR_FAILED:
		return STATS_TIMEOUT;
	case DOOR_STOPPED:
		return STATS_DRAINING;
	case DOOR_READY:
	case DOOR_PLAIN:
	case DOOR_ABSENT:
	case DOOR_BROKEN:
		break;
	}
	return STATS_NONSENSE;
}

static void
serve_member(struct stream *s, struct caller *c, const uint8_t *head,
    const char *name)
{
	char why[DOOR_WHY_MAX];
	enum door_verdict verdict;
	uint8_t w[BEAR_SCALAR];
	struct seal *seal;

	if (!s->tunnel->config->auth) {
		lobby_turn_away(s, c, STATS_AUTH_NEEDLESS, name, "it has a "
		    "secret, and none is asked for", MEET_NO_MEMBERS);
		return;
	}
	auth_get(&s->tunnel->auth, w);
	verdict = sealed_member_accept(c, head, w, &s->tunnel->turns, &seal,
	    why);
	secret_wipe(w, sizeof(w));
	if (verdict == DOOR_READY)
		serve_room(s, c, name, seal);
	else
		lobby_turn_away(s, c, no_member(verdict), name, why, -1);
}

/* ------------------------------------------------------------------------- */

static void
serve(struct task *task)
{
	struct stream *s = (struct stream *)task;
	struct stats *stats = &s->tunnel->stats;
	uint8_t head[MEET_HEAD];
	char name[NET_NAME_MAX];
	struct caller c;

	net_name(&s->from, name);
	door_knock(&c, s->fd, &s->from, &s->tunnel->gate);
	stats_up(stats, STATS_CONNECTIONS_TOTAL);
	if (door_read(&c, head, 2) == -1) {
		lobby_drop(s, &c, name);
		return;
	}
	if (head[0] >= 'A' && head[0] <= 'Z' && head[1] >= 'A' &&
	    head[1] <= 'Z') {
		look_http(s, &c, head, name);
		return;
	}
	if (head[0] != 0xad || head[1] != 0x17) {
		lobby_ignore(s, &c, name);
		return;
	}
	if (door_read(&c, head + 2, sizeof(head) - 2) == -1) {
		lobby_drop(s, &c, name);
		return;
	}
	switch (meet_kind(head)) {
	case MEET_WAIT:
		serve_room(s, &c, name, NULL);
		break;
	case MEET_MEMBER:
		serve_member(s, &c, head, name);
		break;
	case MEET_DIAL:
		pair_dial(s, &c, name);
		break;
	case MEET_ACCEPT_KIND:
		serve_accept(s, &c, name);
		break;
	case MEET_STATUS:
		look_status(s, &c);
		break;
	case MEET_KIND_VERSION:
		lobby_turn_away(s, &c, STATS_VERSION, name,
		    "it speaks another version of the protocol", KEX_VERSION);
		break;
	case MEET_KIND_BAD:
		lobby_ignore(s, &c, name);
		break;
	}
}

static void
ready(struct tunnel *t, int lfd)
{
	struct net_addr from;
	int fd;

	if ((fd = stream_accept(t, lfd, &from)) != -1)
		stream_start(t, fd, &from, serve);
}

/* SIGHUP: rooms that are open stay, whatever they were opened with. */
static void
reread(struct tunnel *t)
{
	char why[TOKEN_WHY_MAX];

	if (!t->config->auth || !auth_has_file(&t->auth)) {
		log_line(LOG_NOTE, "SIGHUP: nothing to read again: no --auth "
		    "@FILE");
	} else if (auth_reread(&t->auth, why) == 0) {
		log_line(LOG_NOTE, "SIGHUP: read the secret of --auth again "
		    "from %s", t->auth.path);
		tell_reload("auth", true, NULL);
	} else {
		log_line(LOG_ERROR, "SIGHUP: the secret of --auth stays as it "
		    "was: %s", why);
		tell_reload("auth", false, why);
	}
}

static int64_t
chores(struct tunnel *t)
{
	if (task_hup())
		reread(t);
	return INT64_MAX;
}

/* It listens: what else root could do is not needed any more. */
static int
step_down(struct tunnel *t)
{
	char why[SANDBOX_WHY_MAX];

	if (t->config->user[0] == '\0') {
		if (sandbox_is_root())
			log_line(LOG_NOTE, "running as root: --user USER "
			    "gives that up, and is enough");
		return 0;
	}
	if (sandbox_become(&t->user, why) == 0)
		return 0;
	log_line(LOG_ERROR, "--user: %s", why);
	return -1;
}

/* Pairs may finish, and nobody else is let in. */
static void
drain(struct tunnel *t, int lfd)
{
	static const struct late_ways ways = { look_respond, look_state };
	int64_t until = task_now() + (int64_t)t->config->drain_s * 1000;
	int64_t left;

	late_serve(t, lfd, until, &ways);
	(void)close(lfd);
	left = until - task_now();
	(void)task_finish(left > 0 ? left : 0);
}

int
relay_run(struct tunnel *t)
{
	const struct config *c = t->config;
	char why[DIAL_WHY_MAX], name[NET_NAME_MAX];
	struct stream_door door = { -1, ready };
	struct net_addr bound;

	stream_prepare(t);
	stats_init(&t->stats);
	/* Nobody gets more than a quarter of many. */
	rooms_init(&t->rooms, t->max_rooms, t->max_rooms >= MANY_ROOMS &&
	    c->max_source > t->max_rooms / 4 ? t->max_rooms / 4 :
	    c->max_source);
	tally_init(&t->sources, c->max_source);
	rate_init(&t->rates, c->rate);
	t->began_at = task_now();
	if (entropy_get(t->relay_id, sizeof(t->relay_id)) == -1) {
		log_line(LOG_ERROR, "no randomness (/dev/urandom): %s",
		    strerror(errno));
		goto fail;
	}
	if ((door.fd = dial_listen(&c->peer, SOCK_STREAM, &bound,
	    why)) == -1) {
		log_line(LOG_ERROR, "%s", why);
		goto fail;
	}
	if (step_down(t) == -1) {
		(void)close(door.fd);
		goto fail;
	}
	net_name(&bound, name);
	log_line(LOG_NOTE, "relay, listening on %s", name);
	tell_ready("relay", name, NULL);
	stream_serve(t, &door, 1, chores);
	drain(t, door.fd);
	stream_reap();
	/* Who was cut off goes to another relay, or comes back. */
	(void)stream_exit(t);
	return 0;
fail:
	(void)task_finish(0);
	return 1;
}

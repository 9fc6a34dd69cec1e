/* SPDX-License-Identifier: MIT */
/* serve.c - one connection to the server: handshake, link or stream,
 * connection to the service, forwarding, two log lines. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "entropy.h"
#include "local.h"
#include "log.h"
#include "plain.h"
#include "sealed.h"
#include "serve.h"
#include "tell.h"

enum { GRACE_LOOK_MS = 1000 };

/* Carry s, whose ends are both there and whose room is taken. */
static void
carry(struct stream *s)
{
	(void)stream_carry(s, s->remote.name, s->local.name);
	if (s->piped)
		local_pipe_over(s, stream_pipe_exit(s));
	else
		local_give(s);
}

/* A client has stdin and stdout. */
static void
accepted(const char *name)
{
	char line[NET_NAME_MAX + 32];

	(void)snprintf(line, sizeof(line), "client %s accepted", name);
	tell_link_up(name, line);
}

/* Somebody was not let in. */
static void
turned_away(struct stream *s, enum door_verdict verdict, const char *name,
    const char *why)
{
	char line[NET_NAME_MAX + 128];

	if (verdict == DOOR_REFUSED) {
		(void)snprintf(line, sizeof(line), "refused %s: %.100s", name,
		    why);
		if (stream_complain(s->tunnel, LOG_NOTE, line))
			tell_refused(name, why);
		net_close_clean(s->fd);
	} else {
		log_line(LOG_STREAM, "dropped %s: %s", name, why);
		(void)close(s->fd);
	}
}

/* The plain token is right.  Is there room? */
static bool
has_room(void *arg)
{
	enum ctl_reason reason;

	return local_take(arg, &reason);
}

static void
serve_plain(struct stream *s, struct caller *c, const char *name)
{
	char why[DOOR_WHY_MAX];
	enum door_verdict verdict;
	struct ctl refusal;

	verdict = plain_accept(c, &s->tunnel->token, has_room, s, why);
	if (verdict != DOOR_READY) {
		local_give(s);	/* it may have gone when it was in */
		turned_away(s, verdict, name, why);
		return;
	}
	if (s->piped)
		accepted(name);
	if (local_open(s, "", s->fd, &refusal)) {
		stream_set_remote(s, s->fd, name);
		carry(s);
	} else {
		(void)close(s->fd);	/* a reset: nobody is there */
		local_give(s);
	}
}

/* What a client may ask of its server before it has asked for anything. */
static bool
link_message(void *arg, const struct ctl *m)
{
	struct session *s = arg;

	if (m->kind != CTL_CANCEL)
		return false;
	session_cancel(s->table, s, m);
	return true;
}

/* The link was replaced, but hellos of streams are under way that were made
 * for it.  One more link does not end that: where all is slow, a client has
 * several under way, and they come one behind the other. */
static void
outlast(struct session *session)
{
	int64_t until = task_now() + SESSION_GRACE_MS;
	struct net_wait w = { 0, -1 };

	while (!task_stopping() && task_now() < until &&
	    !session_stale(session->table, session)) {
		w.until = task_now() + GRACE_LOOK_MS;
		(void)net_pause(&w);
	}
}

/* Whoever wants a link is told why there is none. */
static void
refuse_link(struct stream *s, struct link *l, const struct ctl *refusal)
{
	char line[NET_NAME_MAX + 128];

	(void)snprintf(line, sizeof(line), "refused %s: %s%s%.60s", l->name,
	    ctl_reason_text(refusal->reason),
	    refusal->text[0] != '\0' ? ": " : "", refusal->text);
	if (stream_complain(s->tunnel, LOG_NOTE, line))
		tell_refused(l->name, ctl_reason_text(refusal->reason));
	(void)link_send(l, refusal);
	link_close(l, true);
}

/* A link that streams of their own come with. */
static void
serve_sessions(struct stream *s, struct link *l, struct session *session)
{
	static const struct ctl full = {
		.kind = CTL_REFUSED, .reason = CTL_FULL
	};
	struct link_events events = { session, link_message, NULL };
	struct tunnel *t = s->tunnel;
	char why[LINK_WHY_MAX], line[LINK_WHY_MAX + NET_NAME_MAX + 16];
	struct roster_end end = { .peer = l->name, .why = why };
	struct roster_client *client;
	bool clean, replaced;

	(void)snprintf(line, sizeof(line), "client %s linked", l->name);
	client = roster_up(&t->roster, session->instance, l->name, line);
	session->client = client;
	if (client == NULL) {
		refuse_link(s, l, &full);
		return;
	}
	(void)atomic_fetch_add(&t->links, 1);
	session_enter(&t->sessions, session);
	/* It was sent away while it came in. */
	if (roster_banned(&t->roster, session->instance))
		session_dismiss(&t->sessions, session->instance);
	clean = link_live(l, &events, why);
	(void)atomic_fetch_sub(&t->links, 1);
	/* Whoever says so: of two hellos on their way at once, the client may
	 * take the other one for the newer. */
	replaced = atomic_load(&l->ordered) == CTL_REPLACED ||
	    l->bye == CTL_REPLACED;
	if (replaced)
		session_retire(&t->sessions, session);
	else
		session_leave(&t->sessions, session);
	end.rtt_ms = l->seal->rtt_ms;
	end.lost = !clean;
	roster_down(&t->roster, client, &end);
	(void)snprintf(line, sizeof(line), "client %s gone: %s", l->name, why);
	(void)stream_complain(t, LOG_NOTE, line);
	link_close(l, clean);
	if (replaced) {
		outlast(session);
		session_leave(&t->sessions, session);
	}
}

/* The client has said hello.  What can we do for each other?  Fills in the
 * mode, or the refusal. */
static bool
agree(struct stream *s, const struct ctl *hello, struct session *session,
    struct ctl *refusal)
{
	const struct config *c = s->tunnel->config;
	struct hostport hp;

	session->mode = ctl_mode(hello->end, local_end(c));
	refusal->kind = CTL_REFUSED;
	refusal->reason = CTL_DISMISSED;
	if (roster_banned(&s->tunnel->roster, hello->instance))
		return false;
	refusal->reason = CTL_MISMATCH;
	if (session->mode == CTL_NO_MODE) {
		(void)snprintf(refusal->text, sizeof(refusal->text), "%s",
		    c->has_listen ? "both listen; one side needs --to" :
		    "both have a service; one side needs --listen");
		return false;
	}
	if (hello->protocol != local_protocol(c) ||
	    (c->udp && session->mode == CTL_PIPE)) {
		(void)snprintf(refusal->text, sizeof(refusal->text),
		    "one side carries UDP (-u), the other TCP");
		return false;
	}
	/* Rather now than stream by stream. */
	if (hello->text[0] != '\0' && !local_allows(c, hello->text)) {
		refusal->reason = CTL_NOT_ALLOWED;
		(void)snprintf(refusal->text, sizeof(refusal->text), "%.200s",
		    hello->text);
		return false;
	}
	session->port = opt_target(c, hello->text, &hp) == 0 ? hp.port : 0;
	if (session->mode == CTL_PIPE)
		return local_take(s, &refusal->reason);
	refusal->reason = CTL_FULL;
	return atomic_load(&s->tunnel->links) <
	    s->tunnel->max_streams + STREAM_LINKS_SPARE;
}

/* Stream 0, on the link itself. */
static void
serve_pipe(struct stream *s, struct link *l, const struct ctl *hello)
{
	static const struct ctl welcome = {
		.kind = CTL_WELCOME, .mode = CTL_PIPE
	};
	struct ctl refusal = { .kind = CTL_REFUSED };
	char line[NET_NAME_MAX + 32], why[PUMP_REASON_MAX];
	struct roster_end end = {
		.peer = l->name, .why = why, .rtt_ms = UINT32_MAX
	};
	struct roster_client *client;

	if (!local_open(s, hello->text, l->fd, &refusal)) {
		(void)link_send(l, &refusal);
		link_close(l, true);
		local_give(s);
		return;
	}
	if (link_send(l, &welcome) == -1) {
		log_line(LOG_STREAM, "dropped %s: %s", l->name,
		    strerror(errno));
		stream_drop_local(s);
		link_close(l, false);
		local_give(s);
		return;
	}
	(void)snprintf(line, sizeof(line), "client %s accepted", l->name);
	client = roster_up(&s->tunnel->roster, hello->instance, l->name,
	    s->piped ? line : NULL);
	roster_join(&s->tunnel->roster, client, &s->member);
	seal_become_pipe(l->seal);
	conn_sealed(&s->remote, l->fd, l->name, l->seal);
	carry(s);
	roster_leave(&s->tunnel->roster, &s->member);
	pump_reason(&s->pump, why);
	end.lost = s->pump.fate != PUMP_DONE;
	roster_down(&s->tunnel->roster, client, &end);
}

static void
serve_link(struct stream *s, struct kex_keys *keys, const char *name)
{
	struct tunnel *t = s->tunnel;
	struct session session = { .keys = *keys, .table = &t->sessions };
	struct ctl hello, refusal = { .text = "" };
	struct seal *seal;
	struct link l;

	seal = sealed_link_new(keys, KEX_SERVER);
	secret_wipe(keys, sizeof(*keys));
	if (seal == NULL) {
		(void)stream_complain(t, LOG_ERROR,
		    "no memory for another connection; it was reset");
		(void)close(s->fd);
		goto out;
	}
	link_init(&l, s->fd, seal, name);
	if (link_receive(&l, &hello, SEALED_PATIENCE_MS) == -1 ||
	    hello.kind != CTL_HELLO) {
		log_line(LOG_STREAM, "dropped %s: no hello", name);
		link_close(&l, false);
	} else if (!agree(s, &hello, &session, &refusal)) {
		refuse_link(s, &l, &refusal);
	} else if (session.mode == CTL_PIPE) {
		secret_wipe(&session.keys, sizeof(session.keys));
		serve_pipe(s, &l, &hello);
	} else {
		memcpy(session.instance, hello.instance, CTL_INSTANCE);
		session.link = &l;
		serve_sessions(s, &l, &session);
	}
out:
	secret_wipe(&session.keys, sizeof(session.keys));
}

/* A stream's connection: what became of the hello. */
struct guest {
	struct kex_hello hello;
	struct seal *seal;
	struct ctl open;
	struct ask *ask;		/* who wanted it, or NULL */
};

/* Answer the hello with a record: OPENED, or REFUSED. */
static int
answer(struct stream *s, struct guest *g, const struct ctl *refusal)
{
	struct net_wait w = { task_now() + SEALED_PATIENCE_MS, -1 };
	uint8_t body[RECORD_REFUSED_MAX];

	if (refusal == NULL)
		(void)seal_put(g->seal, RECORD_OPENED, NULL, 0);
	else
		(void)seal_put(g->seal, RECORD_REFUSED, body,
		    ctl_refused_put(refusal, body));
	return sealed_flush(g->seal, s->fd, &w);
}

/* Is this hello from one of our sessions, and OPEN what it sealed? */
static enum door_verdict
let_in(struct stream *s, struct caller *c, const uint8_t *bytes,
    struct guest *g, char *why)
{
	struct sessions *table = &s->tunnel->sessions;
	enum door_verdict verdict = DOOR_BROKEN;
	uint8_t r[KEX_ANSWER];
	struct kex_keys keys;
	struct seal_keys both;
	enum record_type type;
	uint8_t *body;
	size_t n;

	if (!kex_hello_get(&g->hello, bytes) ||
	    !session_find(table, &g->hello, &keys)) {
		door_refuse(c, KEX_NO_SESSION);
		verdict = door_say(why, DOOR_REFUSED,
		    "its session is not known here (any more)");
		goto out;
	}
	r[0] = KEX_GO_ON;
	if (entropy_get(r + 1, KEX_RANDOM) == -1) {
		verdict = door_broke(why);
		goto out;
	}
	both.suite = keys.suite;
	kex_dialler_keys(&keys, bytes, both.in);
	kex_acceptor_keys(&keys, bytes, r, both.out);
	g->seal = seal_new(s->tunnel->config->udp ? RECORD_FLOW :
	    RECORD_STREAM, false, &both);
	secret_wipe(&both, sizeof(both));
	if (g->seal != NULL)
		seal_put_plain(g->seal, r, sizeof(r));
	door_queue(c);
	if (g->seal == NULL ||
	    sealed_read(g->seal, c->fd, &c->wait, &type, &body, &n) == -1) {
		verdict = door_broke(why);
		goto out;
	}
	if (!ctl_open_get(&g->open, body, n)) {
		verdict = door_say(why, DOOR_BROKEN, "its OPEN makes no sense");
		goto out;
	}
	if (!door_leave(c)) {
		verdict = door_say(why, DOOR_BROKEN,
		    "had to make room for another");
		goto out;
	}
	if (!session_use(table, &g->hello, &g->ask, &s->member)) {
		door_refuse(c, KEX_NO_SESSION);
		verdict = door_say(why, DOOR_REFUSED,
		    "its number has been used, or its session is over");
		goto out;
	}
	verdict = DOOR_READY;
out:
	(void)door_leave(c);
	secret_wipe(&keys, sizeof(keys));
	return verdict;
}

/* The room was refused, or the service: say so in order. */
static void
refuse_guest(struct stream *s, struct guest *g, const struct ctl *refusal)
{
	if (answer(s, g, refusal) == 0)
		net_last_words(s->fd);
	seal_free(g->seal);
	net_close_clean(s->fd);
}

static void
serve_stream(struct stream *s, struct caller *c, const uint8_t *bytes,
    const char *name)
{
	struct guest g = { .seal = NULL, .ask = NULL };
	struct ctl refusal = { .kind = CTL_REFUSED };
	char why[DOOR_WHY_MAX];
	enum door_verdict verdict;

	verdict = let_in(s, c, bytes, &g, why);
	if (verdict != DOOR_READY) {
		seal_free(g.seal);
		turned_away(s, verdict, name, why);
		return;
	}
	if (g.ask != NULL) {
		if (answer(s, &g, NULL) == -1) {
			seal_free(g.seal);
			(void)close(s->fd);
			g.seal = NULL;
		}
		session_give(&s->tunnel->sessions, g.ask, s->fd, g.seal, name);
		return;
	}
	if (g.open.protocol != local_protocol(s->tunnel->config)) {
		refusal.reason = CTL_MISMATCH;
		refuse_guest(s, &g, &refusal);
	} else if (!local_take(s, &refusal.reason))
		refuse_guest(s, &g, &refusal);
	else if (!local_open(s, g.open.text, s->fd, &refusal)) {
		local_give(s);
		refuse_guest(s, &g, &refusal);
	} else if (answer(s, &g, NULL) == -1) {
		stream_drop_local(s);
		local_give(s);
		seal_free(g.seal);
		(void)close(s->fd);
	} else {
		conn_sealed(&s->remote, s->fd, name, g.seal);
		carry(s);
	}
	roster_leave(&s->tunnel->roster, &s->member);
}

static void
serve_sealed(struct stream *s, struct caller *c, const char *name)
{
	struct tunnel *t = s->tunnel;
	char why[DOOR_WHY_MAX];
	enum door_verdict verdict;
	struct sealed_caller who;

	verdict = sealed_accept(c, t->w, t->config->room, &t->turns, &who,
	    why);
	if (verdict != DOOR_READY) {
		(void)door_leave(c);
		turned_away(s, verdict, name, why);
	} else if (who.kind == KEX_KIND_LINK) {
		serve_link(s, &who.keys, name);		/* wipes them */
	} else
		serve_stream(s, c, who.hello, name);
}

void
serve_run(struct task *task)
{
	struct stream *s = (struct stream *)task;
	char name[NET_NAME_MAX];
	struct caller c;

	net_name(&s->from, name);
	door_knock(&c, s->fd, &s->from, &s->tunnel->gate);
	if (s->tunnel->config->plain)
		serve_plain(s, &c, name);
	else
		serve_sealed(s, &c, name);
}

void
serve_visitor(struct stream *s)
{
	char name[NET_NAME_MAX];
	struct ctl refusal;

	net_name(&s->from, name);
	if (!local_take(s, &refusal.reason)) {
		(void)close(s->fd);
	} else if (!local_open(s, "", s->fd, &refusal)) {
		(void)close(s->fd);	/* a reset: nobody is there */
		local_give(s);
	} else {
		stream_set_remote(s, s->fd, name);
		carry(s);
	}
}

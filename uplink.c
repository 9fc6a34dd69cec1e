/* SPDX-License-Identifier: MIT */
/* uplink.c - a client's link to its server: attempts at it, and its life. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "entropy.h"
#include "local.h"
#include "log.h"
#include "sealed.h"
#include "tell.h"
#include "uplink.h"

/* The server has let us in: by which way, and how long that is. */
static struct roster_client *
linked_to(struct tunnel *t, const char *name, int64_t rtt_ms)
{
	char line[2 * NET_NAME_MAX + 64];

	if (t->config->room[0] != '\0')
		(void)snprintf(line, sizeof(line), "connected to room %s, "
		    "relay %s %lu ms", t->config->room, name,
		    (unsigned long)rtt_ms);
	else
		(void)snprintf(line, sizeof(line), "connected to %s, direct "
		    "%lu ms", name, (unsigned long)rtt_ms);
	return roster_up(&t->roster, t->keeper.instance, name, line);
}

static uint32_t
draw(void)
{
	uint32_t random = 0;

	(void)entropy_get(&random, sizeof(random));	/* mere jitter */
	return random;
}

/* An attempt has come to nothing: is that the end of us? */
static void
attempt_failed(struct tunnel *t, enum door_verdict verdict, bool final,
    const char *why)
{
	const struct config *c = t->config;
	bool refused = verdict == DOOR_REFUSED || verdict == DOOR_WRONG;
	char line[DOOR_WHY_MAX + 64];
	uint32_t ms;
	bool first;

	roster_lapse(&t->roster, why);
	/* Who has never been known has the wrong token; who has, may have met
	 * somebody else for once. */
	if (verdict == DOOR_STOPPED || task_stopping()) {
		(void)keeper_failed(&t->keeper, false, 0);
		return;
	}
	if (!keeper_known(&t->keeper))
		final = final || verdict == DOOR_WRONG ||
		    verdict == DOOR_PLAIN || c->once ||
		    local_end(c) == CTL_STDIO;
	if (final || (c->once && !keeper_linked(&t->keeper))) {
		keeper_end(&t->keeper);
		(void)keeper_failed(&t->keeper, refused, 0);
		log_line(LOG_ERROR, "%s", why);
		tell_link_failed(why, refused);
		atomic_store(&t->pipe_exit, door_exit_code(verdict));
		task_stop();
		return;
	}
	keeper_reached(&t->keeper, verdict == DOOR_ABSENT);
	ms = keeper_failed(&t->keeper, refused, draw());
	(void)snprintf(line, sizeof(line), "%s; trying again%s", why,
	    ms >= 5000 ? " in a while" : "");
	/* The first time, and then no more than people want to read. */
	first = !keeper_linked(&t->keeper) &&
	    !atomic_exchange(&t->failure_told, true);
	(void)stream_complain(t, first || ms >= 5000 ? LOG_NOTE : LOG_STREAM,
	    line);
	tell_link_failed(why, refused);
}

/* What a link's events are about. */
struct linked {
	struct tunnel *tunnel;
	enum ctl_mode mode;
	unsigned generation;
};

static bool
on_message(void *arg, const struct ctl *m)
{
	const struct linked *linked = arg;
	struct tunnel *t = linked->tunnel;
	struct ctl cancel = {
		.kind = CTL_CANCEL, .number = m->number, .reason = CTL_FULL
	};

	if (linked->mode != CTL_SERVER_ASKS || m->number % 2 == 0 ||
	    (m->kind != CTL_ASK && m->kind != CTL_CANCEL))
		return false;
	if (m->kind == CTL_CANCEL)
		keeper_drop_ask(&t->keeper, linked->generation, m->number);
	else if (!keeper_put_ask(&t->keeper, linked->generation, m->number))
		keeper_say(&t->keeper, linked->generation, &cancel);
	return true;
}

static void
on_silent(void *arg)
{
	const struct linked *linked = arg;

	log_line(LOG_STREAM, "the link is silent: dialling another");
	keeper_want(&linked->tunnel->keeper, linked->generation);
}

/* The link is up, and streams have connections of their own. */
static void
live(struct tunnel *t, unsigned claim, struct link *l,
    const struct kex_keys *keys, const struct net_addr *server,
    const struct ctl *welcome, int64_t rtt_ms)
{
	struct linked linked = { t, welcome->mode, 0 };
	struct link_events events = { &linked, on_message, on_silent };
	char why[LINK_WHY_MAX], line[LINK_WHY_MAX + NET_NAME_MAX + 32];
	struct roster_end end = { .peer = l->name, .why = why };
	struct roster_client *own;
	bool clean, used;

	own = linked_to(t, l->name, rtt_ms);
	atomic_store(&t->listen_port, UPLINK_PORT_KNOWN | welcome->port);
	task_wake();
	atomic_store(&t->failure_told, false);
	linked.generation = keeper_up(&t->keeper, claim, l, keys, server);
	clean = link_live(l, &events, why);
	used = keeper_down(&t->keeper, l, false, draw());
	end.rtt_ms = l->seal->rtt_ms;
	end.lost = !clean;
	end.replaced = l->bye == CTL_REPLACED;
	roster_down(&t->roster, own, &end);
	/* The server may say that it has our next link before that one's
	 * thread could. */
	if (task_stopping() ||
	    (l->bye != CTL_DISMISSED && (!used || l->bye == CTL_REPLACED)))
		log_line(LOG_STREAM, "link to %s ended: %s", l->name, why);
	else if (t->config->once || l->bye == CTL_DISMISSED) {
		log_line(LOG_ERROR, "link to %s lost: %s", l->name, why);
		keeper_end(&t->keeper);
		atomic_store(&t->pipe_exit, 4);
		task_stop();
	} else {
		(void)snprintf(line, sizeof(line), "link to %s lost: %s; "
		    "dialling again", l->name, why);
		(void)stream_complain(t, LOG_NOTE, line);
	}
	link_close(l, clean);
}

/* The link carries stream 0. */
static void
pipe_through(struct stream *s, struct link *l, int64_t rtt_ms)
{
	struct ctl bye = { .kind = CTL_BYE };
	struct tunnel *t = s->tunnel;
	char why[PUMP_REASON_MAX];
	struct roster_end end = {
		.peer = l->name, .why = why, .rtt_ms = UINT32_MAX
	};
	struct roster_client *own;

	if (!local_take(s, &bye.reason)) {
		(void)link_send(l, &bye);
		link_close(l, true);
		goto out;
	}
	if (!local_open(s, "", l->fd, &bye)) {
		(void)link_send(l, &bye);
		link_close(l, true);
		local_give(s);
		goto out;
	}
	keeper_carries(&t->keeper);
	own = linked_to(t, l->name, rtt_ms);
	seal_become_pipe(l->seal);
	conn_sealed(&s->remote, l->fd, l->name, l->seal);
	(void)stream_carry(s, s->local.name, s->remote.name);
	pump_reason(&s->pump, why);
	end.lost = s->pump.fate != PUMP_DONE;
	roster_down(&t->roster, own, &end);
	if (s->piped) {
		local_pipe_over(s, stream_pipe_exit(s));
		return;
	}
	local_give(s);
	keeper_carried(&t->keeper);
	return;
out:
	(void)keeper_failed(&t->keeper, true, draw());
}

/* Is this a mode that our end can have with some server's? */
static bool
mode_fits(const struct config *c, enum ctl_mode mode)
{
	enum ctl_end e = local_end(c);

	return (mode == ctl_mode(e, CTL_STDIO) ||
	    mode == ctl_mode(e, CTL_LISTENS) ||
	    mode == ctl_mode(e, CTL_SERVICE)) &&
	    !(mode == CTL_PIPE && c->udp);
}

void
uplink_run(struct task *task)
{
	struct stream *s = (struct stream *)task;
	struct tunnel *t = s->tunnel;
	const struct config *c = t->config;
	struct ctl m = { .kind = CTL_HELLO };
	enum door_verdict verdict;
	char why[DOOR_WHY_MAX], name[NET_NAME_MAX];
	struct net_addr server;
	struct kex_keys keys;
	struct seal *seal;
	int64_t began = task_now(), hello_at;
	unsigned claim = 0;
	struct link l;
	bool final;
	int fd;

	verdict = sealed_dial(&c->peer, c->room, t->w, &fd, &server, &keys,
	    why);
	if (verdict == DOOR_READY &&
	    (claim = keeper_claim(&t->keeper, began)) == 0) {
		(void)close(fd);
		goto out;
	}
	if (verdict != DOOR_READY) {
		attempt_failed(t, verdict, false, why);
		return;
	}
	net_name(&server, name);
	if ((seal = sealed_link_new(&keys, KEX_CLIENT)) == NULL) {
		(void)close(fd);
		attempt_failed(t, DOOR_FAILED, false, "no memory for a link");
		goto out;
	}
	link_init(&l, fd, seal, name);
	memcpy(m.instance, t->keeper.instance, CTL_INSTANCE);
	m.end = local_end(c);
	m.protocol = local_protocol(c);
	(void)snprintf(m.text, sizeof(m.text), "%s", c->target);
	hello_at = task_now();
	if (link_send(&l, &m) == -1 ||
	    link_receive(&l, &m, SEALED_WELCOME_MS) == -1) {
		(void)snprintf(why, sizeof(why), "no tunnel to %s: %s", name,
		    errno == EPROTO ? "the server is another release of adit" :
		    strerror(errno));
		link_close(&l, false);
		attempt_failed(t, DOOR_BROKEN, false, why);
	} else if (m.kind == CTL_REFUSED) {
		(void)snprintf(why, sizeof(why), "refused: %s%s%.250s",
		    ctl_reason_text(m.reason), m.text[0] != '\0' ? ": " : "",
		    m.text);
		link_close(&l, true);
		final = m.reason == CTL_MISMATCH ||
		    m.reason == CTL_NOT_ALLOWED || m.reason == CTL_DISMISSED;
		attempt_failed(t, m.reason == CTL_DISMISSED ? DOOR_BROKEN :
		    DOOR_REFUSED, final, why);
	} else if (m.kind != CTL_WELCOME || !mode_fits(c, m.mode)) {
		link_close(&l, false);
		attempt_failed(t, DOOR_BROKEN, false,
		    "the other side is no adit server");
	} else if (m.mode == CTL_PIPE) {
		secret_wipe(&keys, sizeof(keys));
		pipe_through(s, &l, task_now() - hello_at);
	} else
		live(t, claim, &l, &keys, &server, &m,
		    task_now() - hello_at);
out:
	secret_wipe(&keys, sizeof(keys));
}

/* SPDX-License-Identifier: MIT */
/* server.c - the side that waits.
 *
 * Main accepts, or has places at relays; each connection's own thread does all
 * the rest: see serve.c. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "log.h"
#include "sealed.h"
#include "serve.h"
#include "server.h"
#include "share.h"
#include "tell.h"

enum {
	PARKED_DEAD_MS = 15000,
	BEATS_SOON_MS = 1000, BEATS_SOON = 4
};

/* At a relay -------------------------------------------------------------- */

/* Wait on a parked connection until somebody has come.  Returns what, with
 * s->from, or -1. */
static int
await_go(struct stream *s)
{
	static const uint8_t beat = MEET_BEAT, taken = MEET_TAKEN;
	struct net_wait w = { 0, -1 };
	uint8_t byte, go[MEET_GO - 1], addr[MEET_ADDR];
	int64_t since = task_now();
	enum meet_what what;
	int soon = 0;

	do {
		w.until = task_now() + PARKED_DEAD_MS;
		if (net_read_some(s->fd, &byte, 1, &w) != 1)
			return -1;
		/* A relay in order sends one in 5 s. */
		if (byte == MEET_BEAT && task_now() - since < BEATS_SOON_MS &&
		    ++soon > BEATS_SOON)
			return -1;
		if (task_now() - since >= BEATS_SOON_MS) {
			since = task_now();
			soon = 0;
		}
	} while (byte == MEET_BEAT && net_write_now(s->fd, &beat, 1) == 1);
	w.until = task_now() + DOOR_HANDSHAKE_MS;
	if (byte != MEET_GO_BYTE ||
	    sealed_read_bytes(s->fd, go, sizeof(go), &w) == -1 ||
	    !meet_go_get(go, &what, addr) ||
	    net_write_now(s->fd, &taken, 1) != 1)
		return -1;
	net_unpack(addr, &s->from);
	return (int)what;
}

/* A ticket of the relay's: go there, and serve who comes. */
static void
run_call(struct task *task)
{
	struct stream *s = (struct stream *)task;
	struct net_wait w = { task_now() + DOOR_HANDSHAKE_MS, -1 };
	const struct config *c = s->tunnel->config;
	uint8_t out[MEET_ACCEPT];
	int what;

	s->fd = net_connect(&s->call.relay, SOCK_STREAM, -1);
	meet_accept_put(s->call.ticket, out);
	what = s->fd != -1 && net_write(s->fd, out, sizeof(out), &w) == 0 ?
	    await_go(s) : -1;
	waiter_taken(&s->tunnel->waiter, &s->call);
	if (s->fd == -1)
		return;
	if (what == MEET_CLIENT)
		serve_run(task);
	else if (what != -1 && (what == MEET_VISITOR_UDP) == c->udp &&
	    c->publish)
		serve_visitor(s);
	else
		(void)close(s->fd);
}

static void
run_place(struct task *task)
{
	struct stream *s = (struct stream *)task;

	waiter_run(&s->tunnel->waiter, (unsigned)s->number);
}

static bool
start(struct tunnel *t, void (*run)(struct task *),
    const struct waiter_call *call, unsigned place)
{
	struct stream *s = stream_new(t);

	if (s != NULL) {
		s->number = place;
		if (call != NULL)
			s->call = *call;
	}
	return stream_launch(s, run);
}

/* What relays ask for: see stream_serve(). */
static int64_t
chores(struct tunnel *t)
{
	struct waiter_call call;

	if (t->config->form == OPT_SHARE && !t->ticket_told &&
	    waiter_up(&t->waiter)) {
		t->ticket_told = true;
		if (!share_ticket(t)) {
			t->waiter.exit_code = 1;
			task_stop();
		}
	}
	while (waiter_take(&t->waiter, &call)) {
		if (task_count() >= t->max_tasks ||
		    !start(t, run_call, &call, 0)) {
			waiter_taken(&t->waiter, &call);
			(void)stream_complain(t, LOG_ERROR, "no thread or "
			    "memory for a connection from the relay");
		}
	}
	return INT64_MAX;
}

/* Local ------------------------------------------------------------------- */

static bool
local_gone(void *arg)
{
	return conn_gone(arg);
}

/* Something local, for which the client is asked to open a stream. */
static void
run_local(struct task *task)
{
	struct stream *s = (struct stream *)task;
	char line[NET_NAME_MAX + CTL_SENTENCE_MAX + 80];
	struct ask a;

	stream_set_local(s);
	if (session_ask(&s->tunnel->sessions, &a, &s->member, local_gone,
	    &s->local)) {
		conn_sealed(&s->remote, a.fd, a.peer, a.seal);
		(void)stream_carry(s, s->local.name, s->remote.name);
	} else {
		if (!task_stopping() && !conn_gone(&s->local)) {
			(void)snprintf(line, sizeof(line), "no stream for "
			    "%s: %s%s%s", s->local.name,
			    a.reason == CTL_TIMEOUT ? "no client is there" :
			    ctl_reason_text(a.reason),
			    a.text[0] != '\0' ? ": " : "", a.text);
			(void)stream_complain(s->tunnel, LOG_ERROR, line);
		}
		stream_drop_local(s);
	}
	roster_leave(&s->tunnel->roster, &s->member);
	stream_over(s);
}

static void
ready_tunnel(struct tunnel *t, int lfd)
{
	struct net_addr from;
	int fd;

	if ((fd = stream_accept(t, lfd, &from)) != -1)
		stream_start(t, fd, &from, serve_run);
}

static void
ready_local(struct tunnel *t, int lfd)
{
	struct net_addr from;
	int fd;

	if ((fd = stream_accept(t, lfd, &from)) == -1)
		return;
	if (stream_take_room(t, &from))
		stream_start(t, fd, &from, run_local);
	else
		(void)close(fd);
}

static void
ready_flow(struct tunnel *t, int fd)
{
	stream_datagram(t, fd, run_local);
}

/* Listen at hp and say so; returns a descriptor, or -1 having said why. */
static int
listen_at(const struct hostport *hp, int type, const char *what,
    char name[NET_NAME_MAX])
{
	char why[DIAL_WHY_MAX];
	struct net_addr bound;
	int fd;

	if ((fd = dial_listen(hp, type, &bound, why)) == -1) {
		log_line(LOG_ERROR, "%s", why);
		return -1;
	}
	net_name(&bound, name);
	log_line(LOG_NOTE, "%s %s", what, name);
	return fd;
}

/* Have places at the relay, instead of a listener. */
static bool
wait_in_room(struct tunnel *t)
{
	unsigned i;

	for (i = 0; i < WAITER_PLACES; i++) {
		if (!start(t, run_place, NULL, i)) {
			log_line(LOG_ERROR, "cannot start: %s",
			    strerror(errno));
			return false;
		}
	}
	return true;
}

int
server_run(struct tunnel *t)
{
	const struct config *c = t->config;
	char name[NET_NAME_MAX], local[NET_NAME_MAX];
	bool in_room = c->room[0] != '\0';
	struct stream_door doors[2];
	int i, n = 0, code = 1;

	stream_prepare(t);
	if (!in_room) {
		doors[n].ready = ready_tunnel;
		doors[n].fd = listen_at(&c->peer, SOCK_STREAM, "listening on",
		    name);
		if (doors[n++].fd == -1)
			goto out;
	}
	if (c->has_listen) {
		doors[n].ready = c->udp ? ready_flow : ready_local;
		doors[n].fd = listen_at(&c->listen,
		    c->udp ? SOCK_DGRAM : SOCK_STREAM,
		    "for clients' services, listening on", local);
		if (doors[n++].fd == -1)
			goto out;
		if (c->udp) {
			flow_table_init(&t->flows);
			t->udp_fd = doors[n - 1].fd;
		}
	}
	if (in_room && !wait_in_room(t))
		goto out;
	code = 0;
	tell_ready("server", in_room ? NULL : name,
	    c->has_listen ? local : NULL);
	stream_serve(t, doors, n, in_room ? chores : NULL);
out:
	/* The UDP socket is what flows answer on: it closes last. */
	for (i = 0; i < n; i++) {
		if (doors[i].fd != -1 && doors[i].ready != ready_flow)
			(void)close(doors[i].fd);
	}
	(void)task_finish(code == 0 ? (int64_t)c->drain_s * 1000 : 0);
	if (n > 0 && doors[n - 1].fd != -1 && doors[n - 1].ready == ready_flow)
		(void)close(doors[n - 1].fd);
	stream_reap();
	if (code == 0 && in_room && t->waiter.exit_code != 0)
		return t->waiter.exit_code;
	return code == 0 ? stream_exit(t) : code;
}

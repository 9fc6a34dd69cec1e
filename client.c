/* SPDX-License-Identifier: MIT */
/* client.c - the side that dials.
 *
 * Main accepts what is local and starts threads: for each local connection or
 * flow, for each attempt at a link, and for each stream that the server asks
 * for.  With --plain there is no link, and each stream dials by itself. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "dial.h"
#include "local.h"
#include "log.h"
#include "plain.h"
#include "sealed.h"
#include "tell.h"
#include "uplink.h"

enum { EARLY_MAX = 4096 };		/* what goes with a stream's hello */

/* The server has let us in. */
static void
connected(const char *name)
{
	char line[NET_NAME_MAX + 32];

	(void)snprintf(line, sizeof(line), "connected to %s", name);
	tell_link_up(name, line);
}

/* Plain ------------------------------------------------------------------- */

/* stdin and stdout through one connection. */
static void
run_plain_pipe(struct task *task)
{
	struct stream *s = (struct stream *)task;
	struct tunnel *t = s->tunnel;
	char why[DOOR_WHY_MAX], name[NET_NAME_MAX];
	enum door_verdict verdict;
	struct net_addr server;
	int fd, code;

	verdict = plain_dial(&t->config->peer, &t->token, -1, &fd, &server,
	    why);
	if (verdict == DOOR_READY) {
		net_name(&server, name);
		connected(name);
		stream_set_remote(s, fd, name);
		conn_stdio(&s->local, fd);
		(void)stream_carry(s, s->local.name, name);
		code = stream_pipe_exit(s);
	} else {
		if (verdict != DOOR_STOPPED)
			log_line(LOG_ERROR, "%s", why);
		/* The server's "no" is all there is here. */
		code = verdict == DOOR_REFUSED ? 3 : door_exit_code(verdict);
	}
	local_pipe_over(s, code);
}

/* Reach the server for a local connection; returns a descriptor, or -1 having
 * said why.  A function of its own: what it needs on the stack is gone while
 * the stream is carried, which is a page less for each. */
static int
dial_plain(struct stream *s, char name[NET_NAME_MAX])
{
	struct tunnel *t = s->tunnel;
	bool udp = t->config->udp;
	char why[DOOR_WHY_MAX];
	enum door_verdict verdict;
	struct net_addr server;
	int fd;

	verdict = plain_dial(&t->config->peer, &t->token, udp ? -1 : s->fd,
	    &fd, &server, why);
	if (verdict == DOOR_READY) {
		net_name(&server, name);
		return fd;
	}
	if (verdict != DOOR_STOPPED && !conn_gone(&s->local))
		(void)stream_complain(t, LOG_ERROR, why);
	return -1;
}

/* One local connection, or flow, through a connection of its own. */
static void
run_plain(struct task *task)
{
	struct stream *s = (struct stream *)task;
	char server[NET_NAME_MAX];
	int fd;

	stream_set_local(s);
	if ((fd = dial_plain(s, server)) != -1) {
		stream_set_remote(s, fd, server);
		(void)stream_carry(s, s->local.name, server);
	} else
		stream_drop_local(s);
	stream_over(s);
}

/* Sealed streams ---------------------------------------------------------- */

static bool
local_gone(void *arg)
{
	return arg != NULL && conn_gone(arg);
}

/* What the local side has sent already may go with the hello.  Returns how
 * much that is, or -1 if that side is gone. */
static ssize_t
read_early(struct stream *s, uint8_t *buf)
{
	static const struct net_wait now = { 0, -1 };
	ssize_t n = 0;

	if (s->local.kind == CONN_TCP)
		n = net_read_some(s->local.rfd, buf, EARLY_MAX, &now);
	return n == -1 && (errno == ETIMEDOUT || errno == ECANCELED) ? 0 : n;
}

/* Open a stream through the link, or the next one if that one is gone.  Makes
 * s->remote, or returns false, having said why. */
static bool
open_stream(struct stream *s, const struct ctl *open, int watch)
{
	struct tunnel *t = s->tunnel;
	struct keeper *k = &t->keeper;
	int64_t until = task_now() + KEEPER_WAIT_MS;
	char why[DOOR_WHY_MAX], name[NET_NAME_MAX];
	char line[DOOR_WHY_MAX + NET_NAME_MAX];
	void *local = s->piped ? NULL : &s->local;
	struct keeper_lease lease = { .generation = 0 };
	struct ctl cancel = { .kind = CTL_CANCEL, .reason = CTL_TIMEOUT };
	enum door_verdict verdict = DOOR_FAILED;
	uint8_t early[EARLY_MAX];
	ssize_t nearly = 0;
	struct seal *seal;
	struct ctl answer;
	int fd;

	(void)snprintf(why, sizeof(why), "no link to the server");
	lease.number = s->number;
	lease.generation = s->generation;
	while ((s->number != 0 ? keeper_lease_ask(k, &lease) :
	    keeper_lease(k, lease.generation, until, local_gone, local,
	    &lease)) == 0) {
		memset(&answer, 0, sizeof(answer));
		/* A relay that is dead is not waited for as a server is: there
		 * may be another. */
		fd = net_connect_within(&lease.server, SOCK_STREAM, watch,
		    t->config->room[0] != '\0' ? DIAL_RELAY_MS :
		    NET_CONNECT_MS);
		if (fd == -1)
			(void)snprintf(why, sizeof(why),
			    "cannot connect to the server: %s",
			    strerror(errno));
		else if (nearly == 0 && (nearly = read_early(s, early)) == -1)
			(void)close(fd);
		else {
			verdict = sealed_open_stream(fd, t->config->room,
			    &lease.keys, lease.number, open, early,
			    (size_t)nearly, watch, &seal, &answer, why);
			if (verdict == DOOR_READY)
				break;
			(void)close(fd);
			/* Should the hello still be on its way. */
			cancel.number = lease.number;
			keeper_say(k, lease.generation, &cancel);
		}
		/* The next link is another matter.  But what the server asked
		 * for was asked of this one; and data that was sent may have
		 * been delivered: it must not be a second time. */
		if (answer.kind == CTL_REFUSED || s->number != 0 ||
		    nearly == -1 || task_stopping() || local_gone(local))
			break;
		keeper_want(k, lease.generation);
		if (nearly > 0)
			break;
	}
	net_name(&lease.server, name);
	secret_wipe(&lease, sizeof(lease));
	if (verdict == DOOR_READY) {
		conn_sealed(&s->remote, fd, name, seal);
		s->pump.early = (uint64_t)nearly;
		return true;
	}
	if (!task_stopping() && nearly != -1 && !local_gone(local)) {
		(void)snprintf(line, sizeof(line), "no stream for %s: %.400s",
		    s->local.name, why);
		(void)stream_complain(t, LOG_ERROR, line);
	}
	return false;
}

/* One local connection, or flow. */
static void
run_stream(struct task *task)
{
	struct stream *s = (struct stream *)task;
	const struct config *c = s->tunnel->config;
	struct ctl open = { .protocol = local_protocol(c) };

	stream_set_local(s);
	(void)snprintf(open.text, sizeof(open.text), "%s", c->target);
	if (open_stream(s, &open, c->udp ? -1 : s->fd))
		(void)stream_carry(s, s->local.name, s->remote.name);
	else
		stream_drop_local(s);
	stream_over(s);
}

/* A stream that the server asked for. */
static void
run_asked(struct task *task)
{
	struct stream *s = (struct stream *)task;
	struct tunnel *t = s->tunnel;
	struct ctl open = { .protocol = local_protocol(t->config) };
	struct ctl cancel = { .kind = CTL_CANCEL, .number = s->number };
	bool piped;

	if (!local_take(s, &cancel.reason)) {
		keeper_say(&t->keeper, s->generation, &cancel);
		return;
	}
	if (!local_open(s, "", -1, &cancel)) {
		keeper_say(&t->keeper, s->generation, &cancel);
		local_give(s);
		return;
	}
	piped = s->piped;
	if (!open_stream(s, &open, -1)) {
		cancel.reason = CTL_FAILED;
		keeper_say(&t->keeper, s->generation, &cancel);
		stream_drop_local(s);
		local_give(s);
		return;
	}
	s->local.watch = piped ? s->remote.rfd : -1;
	(void)stream_carry(s, s->remote.name, s->local.name);
	if (piped)
		local_pipe_over(s, stream_pipe_exit(s));
	else
		local_give(s);
}

/* Main ------------------------------------------------------------------- */

static bool
start(struct tunnel *t, void (*run)(struct task *), uint64_t number,
    unsigned generation)
{
	struct stream *s = stream_new(t);

	if (s != NULL) {
		s->number = number;
		s->generation = generation;
	}
	return stream_launch(s, run);
}

/* What is to be done for links: see stream_serve(). */
static int64_t
chores(struct tunnel *t)
{
	struct keeper *k = &t->keeper;
	struct ctl cancel = { .kind = CTL_CANCEL, .reason = CTL_FAILED };
	struct keeper_lease ask;
	int64_t due;

	if (task_hup()) {
		log_line(LOG_NOTE, "SIGHUP: dialling now");
		keeper_hurry(k);
	}
	while (keeper_take_ask(k, &ask)) {
		cancel.number = ask.number;
		if (!start(t, run_asked, ask.number, ask.generation))
			keeper_say(k, ask.generation, &cancel);
	}
	while ((due = keeper_due(k)) <= task_now()) {
		keeper_begun(k);
		if (!start(t, uplink_run, 0, 0)) {
			(void)stream_complain(t, LOG_ERROR,
			    "no thread or memory for a link");
			(void)keeper_failed(k, true, 0);
		}
	}
	return due;
}

static void
ready_connection(struct tunnel *t, int lfd)
{
	struct net_addr from;
	int fd;

	if ((fd = stream_accept(t, lfd, &from)) == -1)
		return;
	if (stream_take_room(t, &from))
		stream_start(t, fd, &from,
		    t->config->plain ? run_plain : run_stream);
	else
		(void)close(fd);
}

static void
ready_datagram(struct tunnel *t, int fd)
{
	stream_datagram(t, fd, t->config->plain ? run_plain : run_stream);
}

/* Listen where it was said, or else where the server's service is, on this
 * machine; if that is taken, anywhere. */
static int
open_door(struct tunnel *t, uint16_t port)
{
	const struct config *c = t->config;
	int type = c->udp ? SOCK_DGRAM : SOCK_STREAM, fd;
	char why[DIAL_WHY_MAX], name[NET_NAME_MAX];
	struct hostport at = c->listen;
	struct net_addr bound;

	if (c->listen_later) {
		(void)snprintf(at.host, sizeof(at.host), "127.0.0.1");
		at.port = port;
	}
	fd = dial_listen(&at, type, &bound, why);
	if (fd == -1 && c->listen_later && port != 0) {
		at.port = 0;
		fd = dial_listen(&at, type, &bound, why);
	}
	if (fd == -1) {
		log_line(LOG_ERROR, "%s", why);
		return -1;
	}
	net_name(&bound, name);
	log_line(LOG_NOTE, "listening on %s", name);
	if (c->udp) {
		flow_table_init(&t->flows);
		t->udp_fd = fd;
	}
	roster_ready(&t->roster, net_port(&bound), name);
	return fd;
}

/* chores(), and the door that opens when there is a link. */
static int64_t
chores_and_door(struct tunnel *t)
{
	unsigned port = atomic_load(&t->listen_port);

	if (t->door.fd == -1 && (port & UPLINK_PORT_KNOWN) != 0 &&
	    (t->door.fd = open_door(t, (uint16_t)port)) == -1) {
		atomic_store(&t->pipe_exit, 1);
		task_stop();
	}
	return chores(t);
}

int
client_run(struct tunnel *t)
{
	const struct config *c = t->config;

	stream_prepare(t);
	t->door.fd = -1;
	t->door.ready = c->udp ? ready_datagram : ready_connection;
	if (c->has_listen && !c->listen_later &&
	    (t->door.fd = open_door(t, 0)) == -1) {
		(void)task_finish(0);
		return 1;
	}
	if (c->plain && !c->has_listen && !start(t, run_plain_pipe, 0, 0)) {
		log_line(LOG_ERROR, "cannot start: %s", strerror(errno));
		(void)task_finish(0);
		return 1;
	}
	if (!c->has_listen)
		tell_ready("client", NULL, NULL);
	stream_serve(t, &t->door, c->has_listen ? 1 : 0, c->plain ? NULL :
	    c->listen_later ? chores_and_door : chores);
	/* The UDP socket is what flows answer on: it closes last. */
	if (t->door.fd != -1 && !c->udp)
		(void)close(t->door.fd);
	(void)task_finish((int64_t)c->drain_s * 1000);
	roster_lapse(&t->roster, "stopped");
	if (t->door.fd != -1 && c->udp)
		(void)close(t->door.fd);
	stream_reap();
	return stream_exit(t);
}

/* SPDX-License-Identifier: MIT */
/* stream.c - one connection from its two ends to its two log lines. */

#include <sys/resource.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "net.h"
#include "stream.h"
#include "tell.h"

enum {
	COMPLAIN_MS = 1000,	/* so often ... */
	COMPLAIN_MAX = 10,	/* ... so many lines */
	EXHAUSTED_PAUSE_MS = 100,
	STREAM_BUFS = 2 * CONN_FRAME_BUF + 2 * CONN_DATAGRAM_BUF,
	SPARE_FDS = 32,		/* listener, pipes, resolver, libc's own */
	SPARE_TASKS = 32,	/* on their way in or out */
	CROWD_PAUSE_MS = 10,
	PER_ROOM = 1 + WAITER_PARKED
};

void
stream_free(struct stream *s)
{
	if (s == NULL)
		return;
	free(s->bufs);
	free(s);
}

void
stream_reap(void)
{
	struct task *t;

	while ((t = task_reap()) != NULL)
		stream_free((struct stream *)t);
}

struct stream *
stream_new(struct tunnel *t)
{
	struct stream *s;

	stream_reap();
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return NULL;
	s->tunnel = t;
	s->fd = -1;
	if (t->config->udp && stream_add_bufs(s) == -1) {
		free(s);
		return NULL;
	}
	return s;
}

int
stream_add_bufs(struct stream *s)
{
	/* Mostly untouched, so mostly not there: 256 KiB come as fresh pages
	 * from the system, and short datagrams use one of each buffer. */
	s->bufs = malloc(STREAM_BUFS);
	return s->bufs != NULL ? 0 : -1;
}

bool
stream_find_room(struct tunnel *t)
{
	if (atomic_fetch_add(&t->carried, 1) < t->max_streams)
		return true;
	(void)atomic_fetch_sub(&t->carried, 1);
	return false;
}

bool
stream_take_room(struct tunnel *t, const struct net_addr *from)
{
	char name[NET_NAME_MAX], line[NET_NAME_MAX + 80];

	if (stream_find_room(t))
		return true;
	if (from->len > 0)
		net_name(from, name);
	else
		(void)snprintf(name, sizeof(name), "what the server asks for");
	(void)snprintf(line, sizeof(line), "at the limit of %u streams: %s "
	    "refused (--max-conns)", t->max_streams, name);
	if (stream_complain(t, LOG_ERROR, line))
		tell_refused(name, "at the limit of streams");
	return false;
}

void
stream_give_room(struct tunnel *t)
{
	(void)atomic_fetch_sub(&t->carried, 1);
}

void
stream_set_remote(struct stream *s, int fd, const char *name)
{
	if (s->bufs != NULL)
		conn_framed(&s->remote, fd, name, s->bufs);
	else
		conn_tcp(&s->remote, fd, name);
}

enum pump_fate
stream_carry(struct stream *s, const char *from, const char *to)
{
	const struct config *c = s->tunnel->config;
	unsigned long id = atomic_fetch_add(&s->tunnel->last_id, 1) + 1;
	struct pump *p = &s->pump;
	char reason[PUMP_REASON_MAX];
	int64_t began = task_now();
	struct tell_closed closed;

	p->local = &s->local;
	p->tunnel = &s->remote;
	p->task = &s->task;
	p->idle_ms = (s->bufs != NULL ? c->udp_idle_s : c->idle_s) * 1000;
	p->linger_ms = c->linger_s * 1000;
	p->bufs = s->bufs != NULL ? s->bufs + 2 * CONN_FRAME_BUF : NULL;
	tell_stream_opened(id, from, to);
	pump_init(p);
	roster_run(&s->tunnel->roster, &s->member, p);
	pump_run(p);
	roster_rest(&s->tunnel->roster, &s->member);
	pump_free(p);
	if (p->fate == PUMP_STOPPED && task_killed())
		(void)atomic_fetch_add(&s->tunnel->cut, 1);
	conn_close(&s->local, p->fate == PUMP_DONE);
	conn_close(&s->remote, p->fate == PUMP_DONE);
	pump_reason(p, reason);
	closed.id = id;
	closed.ms = task_now() - began;
	closed.sent = p->sent;
	closed.received = p->received;
	closed.whole = p->fate == PUMP_DONE && !p->peer_stopped;
	closed.reason = reason;
	tell_stream_closed(&closed);
	if (p->fate == PUMP_NO_THREAD)
		(void)stream_complain(s->tunnel, LOG_ERROR,
		    "no thread for another stream; its connection was reset");
	return p->fate;
}

int
stream_pipe_exit(const struct stream *s)
{
	const struct pump *p = &s->pump;
	char reason[PUMP_REASON_MAX];

	if (p->fate == PUMP_DONE && p->peer_stopped) {
		log_line(LOG_ERROR, "the other side was stopped before its "
		    "input ended");
		return 4;
	}
	if (p->fate == PUMP_DONE)
		return 0;
	pump_reason(p, reason);
	if (p->fate == PUMP_LOST && p->lost == &s->local) {
		log_line(LOG_ERROR, "cannot %s: %s", p->lost_writing ?
		    "write to stdout" : "read from stdin",
		    strerror(p->lost_errno));
		return 1;
	}
	log_line(LOG_ERROR, "the connection did not end in order: %s", reason);
	return p->fate == PUMP_LOST ? 4 : 1;
}

void
stream_prepare(struct tunnel *t)
{
	const struct config *c = t->config;
	unsigned per_stream = c->udp && c->has_listen ? 3 : 2;
	/* A relay's rooms have a connection each, and some that are parked. */
	unsigned rooms = c->role == OPT_RELAY ? c->max_rooms : 0;
	/* Beside its streams each client may have a link. */
	unsigned links = c->role == OPT_SERVER && !c->plain ? 1 : 0;
	unsigned pipes;
	unsigned fds = 1024, gate, fit, need, used;
	struct rlimit rl;

	(void)pthread_mutex_init(&t->quota_mu, NULL);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
		(void)getrlimit(RLIMIT_NOFILE, &rl);
		fds = rl.rlim_cur < 1000000 ? (unsigned)rl.rlim_cur : 1000000;
	}
	t->max_fds = fds;
	gate = fds / 4 < GATE_MAX ? fds / 4 : GATE_MAX;
	if (c->role == OPT_CLIENT || gate == 0)
		gate = 1;
	/* They may have a third of what there is. */
	if (rooms > fds / 3 / PER_ROOM)
		rooms = fds / 3 / PER_ROOM;
	t->max_rooms = rooms;
	gate_init(&t->gate, gate);
	per_stream += links;
	/* A relay is there for bulk: an eighth of all is for its pipes. */
	pipes = c->role == OPT_RELAY ? fds / 16 : 0;
	used = SPARE_FDS + gate + rooms * PER_ROOM + 2 * pipes;
	fit = fds > used + per_stream ? (fds - used) / per_stream : 1;
	t->max_streams = fit < c->max_conns ? fit : c->max_conns;
	t->max_tasks = t->max_streams * (1 + links) + gate +
	    rooms + SPARE_TASKS;
	/* Clients with links, and those gone whose streams are not over. */
	if (roster_make_room(&t->roster, c->role == OPT_CLIENT ? 1 :
	    2 * t->max_streams + STREAM_LINKS_SPARE) == -1)
		log_line(LOG_ERROR, "no memory for a list of clients");
	/* Pipes get what the streams themselves can never need, too. */
	need = used + t->max_streams * per_stream;
	bulk_allow(pipes + (fds > need ? (fds - need) / 2 : 0));
	if (c->role == OPT_RELAY)
		log_line(LOG_NOTE, "up to %u rooms and %u pairs%s "
		    "(ulimit -n %u)", rooms, t->max_streams,
		    rooms < c->max_rooms || fit < c->max_conns ?
		    ", less than asked for" : "", fds);
	else if (fit < c->max_conns)
		log_line(LOG_NOTE, "at most %u streams, not %lu: only %u "
		    "descriptors are allowed (ulimit -n)", fit,
		    (unsigned long)c->max_conns, fds);
}

bool
stream_complain(struct tunnel *t, enum log_level level, const char *what)
{
	struct stream_quota *q = &t->quota[level];
	uint32_t now = (uint32_t)task_now();
	unsigned unsaid = 0;
	bool say;

	(void)pthread_mutex_lock(&t->quota_mu);
	if (now - q->since_ms >= COMPLAIN_MS) {
		q->since_ms = now;
		q->said = 0;
	}
	if ((say = q->said < COMPLAIN_MAX)) {
		q->said++;
		unsaid = q->unsaid;
		q->unsaid = 0;
	} else
		q->unsaid++;
	(void)pthread_mutex_unlock(&t->quota_mu);
	if (say && unsaid > 0)
		log_line(level, "%s (and %u more messages)", what, unsaid);
	else if (say)
		log_line(level, "%s", what);
	return say;
}

static void
pause_a_little(void)
{
	struct net_wait w = { task_now() + EXHAUSTED_PAUSE_MS, -1 };

	(void)net_pause(&w);
}

int
stream_accept(struct tunnel *t, int lfd, struct net_addr *from)
{
	struct net_wait pause = { 0, -1 };
	char line[128];
	int fd;

	/* More than can be streams or wait at the gate are those that have
	 * not had a turn yet: the next ones wait in the kernel. */
	while (task_count() >= t->max_tasks && !task_stopping()) {
		pause.until = task_now() + CROWD_PAUSE_MS;
		(void)net_pause(&pause);
	}
	if ((fd = net_accept(lfd, from)) != -1 || errno == ECANCELED ||
	    errno == ETIMEDOUT)
		return fd;
	(void)snprintf(line, sizeof(line),
	    "cannot accept connections for now: %s", strerror(errno));
	(void)stream_complain(t, LOG_ERROR, line);
	stream_reap();
	pause_a_little();
	return -1;
}

bool
stream_launch(struct stream *s, void (*run)(struct task *))
{
	int saved;

	if (s != NULL && task_start(&s->task, run) == 0)
		return true;
	saved = errno;
	stream_free(s);
	errno = saved;
	return false;
}

void
stream_start(struct tunnel *t, int fd, const struct net_addr *from,
    void (*run)(struct task *))
{
	struct stream *s = stream_new(t);

	if (s != NULL) {
		s->fd = fd;
		s->from = *from;
		if (task_start(&s->task, run) == 0)
			return;
	}
	(void)stream_complain(t, LOG_ERROR, s == NULL ?
	    "no memory for another connection; it was reset" :
	    "no thread for another connection; it was reset");
	stream_free(s);
	(void)close(fd);
}

void
stream_datagram(struct tunnel *t, int fd, void (*run)(struct task *))
{
	static uint8_t buf[CONN_DATAGRAM_BUF];
	struct net_addr from;
	struct stream *s;
	ssize_t n;

	from.len = sizeof(from.ss);
	n = recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT,
	    (struct sockaddr *)&from.ss, &from.len);
	if (n < 0 || n >= CONN_DATAGRAM_BUF ||
	    flow_push(&t->flows, &from, buf, (size_t)n) ||
	    !stream_take_room(t, &from))
		return;
	if ((s = stream_new(t)) == NULL ||
	    flow_open(&t->flows, &s->flow, &from) == -1) {
		(void)stream_complain(t, LOG_ERROR,
		    "no memory or descriptor for another flow");
		goto full;
	}
	s->from = from;
	(void)flow_push(&t->flows, &from, buf, (size_t)n);
	if (task_start(&s->task, run) == 0)
		return;
	(void)stream_complain(t, LOG_ERROR,
	    "no thread for another flow; its datagrams are lost");
	flow_close(&t->flows, &s->flow);
	(void)close(s->flow.out_fd);
full:
	stream_give_room(t);
	stream_free(s);
}

void
stream_set_local(struct stream *s)
{
	char from[NET_NAME_MAX];

	net_name(&s->from, from);
	if (s->tunnel->config->udp)
		conn_udp(&s->local, s->flow.out_fd, s->tunnel->udp_fd,
		    &s->flow.from, from);
	else
		conn_tcp(&s->local, s->fd, from);
}

void
stream_drop_local(struct stream *s)
{
	conn_close(&s->local, false);
}

void
stream_over(struct stream *s)
{
	if (s->tunnel->config->udp)
		flow_close(&s->tunnel->flows, &s->flow);
	stream_give_room(s->tunnel);
}

void
stream_serve(struct tunnel *t, const struct stream_door *doors, int n,
    int64_t (*chores)(struct tunnel *))
{
	int fds[NET_ANY_MAX], i, err;
	int64_t until;

	fds[n] = task_wake_fd();
	for (;;) {
		task_wake_clear();
		until = chores != NULL ? chores(t) : INT64_MAX;
		/* One may have opened. */
		for (i = 0; i < n; i++)
			fds[i] = doors[i].fd;
		i = net_await_any(fds, n + 1, until);
		err = errno;
		if (i == -1 && err == ECANCELED)
			return;
		if (i == -1 && err != ETIMEDOUT)
			pause_a_little();		/* out of something */
		if (i >= 0 && i < n)
			doors[i].ready(t, doors[i].fd);
	}
}

int
stream_exit(struct tunnel *t)
{
	unsigned cut = atomic_load(&t->cut);
	int code = atomic_load(&t->pipe_exit);

	if (cut > 0)
		log_line(LOG_ERROR, "%u not over within %lu s (--drain): "
		    "reset", cut, (unsigned long)t->config->drain_s);
	return code == 0 && cut > 0 ? 1 : code;
}

/* SPDX-License-Identifier: MIT */
/* public.c - the relay's ports for visitors. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "hash.h"
#include "public.h"

enum {
	TRIES = 1000,			/* ports, until one is free */
	AGAIN_MS = 100, AGAIN = 10	/* a predecessor may be on its way */
};

/* Listen at this port, where the relay does. */
static int
listen_at(const struct config *c, int type, uint16_t port, char *why)
{
	struct hostport at = c->peer;
	char detail[DIAL_WHY_MAX];
	struct net_addr bound;
	int fd;

	at.port = port;
	fd = dial_listen(&at, type, &bound, detail);
	if (fd == -1)
		(void)snprintf(why, MEET_SENTENCE_MAX + 1, "port %u of the "
		    "relay: %s", (unsigned)port, strerror(errno));
	return fd;
}

/* The port that was asked for; its last owner may just be about to go. */
static int
open_wished(const struct config *c, int type, uint16_t port, char *why)
{
	struct net_wait w = { 0, -1 };
	int fd, i;

	for (i = 0;; i++) {
		fd = listen_at(c, type, port, why);
		if (fd != -1 || errno != EADDRINUSE || i == AGAIN ||
		    task_stopping())
			return fd;
		w.until = task_now() + AGAIN_MS;
		(void)net_pause(&w);
	}
}

/* Any port; the same one for the same room, if it is free. */
static int
open_any(const struct config *c, int type, const char *room, uint16_t *port,
    char *why)
{
	uint32_t span = c->publish_high - c->publish_low + 1, i;
	size_t first = hash_bucket(room, strlen(room), span);
	int fd = -1;

	for (i = 0; i < span && i < TRIES && fd == -1; i++) {
		*port = (uint16_t)(c->publish_low + (first + i) % span);
		fd = listen_at(c, type, *port, why);
		if (fd == -1 && errno != EADDRINUSE)
			break;
	}
	if (fd == -1 && errno == EADDRINUSE)
		(void)snprintf(why, MEET_SENTENCE_MAX + 1,
		    "no port of the relay is free");
	return fd;
}

struct public *
public_open(const struct config *c, const struct meet *m,
    char why[MEET_SENTENCE_MAX + 1])
{
	bool udp = m->publish == MEET_PUBLISH_UDP;
	int type = udp ? SOCK_DGRAM : SOCK_STREAM;
	struct public *p = NULL;

	if (c->publish_low == 0) {
		(void)snprintf(why, MEET_SENTENCE_MAX + 1, "this relay has no "
		    "ports for visitors (relay --publish LOW-HIGH)");
		return NULL;
	}
	if (m->port != 0 && (m->port < c->publish_low ||
	    m->port > c->publish_high)) {
		(void)snprintf(why, MEET_SENTENCE_MAX + 1, "this relay's ports "
		    "for visitors are %lu to %lu",
		    (unsigned long)c->publish_low,
		    (unsigned long)c->publish_high);
		return NULL;
	}
	if ((p = calloc(1, sizeof(*p))) == NULL ||
	    (udp && (p->buf = malloc(CONN_DATAGRAM_BUF)) == NULL)) {
		(void)snprintf(why, MEET_SENTENCE_MAX + 1, "out of memory");
		free(p);
		return NULL;
	}
	(void)pthread_mutex_init(&p->mu, NULL);
	(void)snprintf(p->room, sizeof(p->room), "%.32s", m->text);
	p->udp = udp;
	p->users = 1;
	p->port = m->port;
	flow_table_init(&p->flows);
	p->fd = m->port != 0 ? open_wished(c, type, m->port, why) :
	    open_any(c, type, p->room, &p->port, why);
	if (p->fd == -1) {
		public_leave(p);
		return NULL;
	}
	return p;
}

void
public_leave(struct public *p)
{
	unsigned users;

	(void)pthread_mutex_lock(&p->mu);
	users = --p->users;
	(void)pthread_mutex_unlock(&p->mu);
	if (users > 0)
		return;
	if (p->fd != -1)
		(void)close(p->fd);
	(void)pthread_mutex_destroy(&p->mu);
	free(p->buf);
	free(p);
}

/* A stream for a visitor of p. */
static struct stream *
visitor(struct public *p, struct tunnel *t, const struct net_addr *from)
{
	struct stream *s = NULL;

	if (!stream_take_room(t, from))
		return NULL;
	if ((s = stream_new(t)) == NULL ||
	    (p->udp && stream_add_bufs(s) == -1)) {
		(void)stream_complain(t, LOG_ERROR,
		    "no memory for a visitor");
		stream_free(s);
		stream_give_room(t);
		return NULL;
	}
	s->from = *from;
	s->tallied = tally_enter(&t->sources, &s->source, from);
	if (!s->tallied) {
		(void)stream_complain(t, LOG_STREAM, "a visitor refused: at "
		    "the limit of pairs from one address (--max-per-source)");
		stats_up(&t->stats, STATS_SOURCE_FULL);
		stream_free(s);
		stream_give_room(t);
		return NULL;
	}
	s->public = p;
	(void)pthread_mutex_lock(&p->mu);
	p->users++;
	(void)pthread_mutex_unlock(&p->mu);
	return s;
}

static void
give_place(struct stream *s)
{
	tally_leave(&s->tunnel->sources, &s->source);
	stream_give_room(s->tunnel);
}

static void
start(struct stream *s, void (*run)(struct task *))
{
	struct tunnel *t = s->tunnel;

	if (task_start(&s->task, run) == 0)
		return;
	(void)stream_complain(t, LOG_ERROR, "no thread for a visitor");
	public_drop(s);
	public_over(s);
	stream_free(s);
}

static void
ready_datagram(struct public *p, struct tunnel *t, void (*run)(struct task *))
{
	struct net_addr from;
	struct stream *s;
	ssize_t n;

	from.len = sizeof(from.ss);
	n = recvfrom(p->fd, p->buf, CONN_DATAGRAM_BUF, MSG_DONTWAIT,
	    (struct sockaddr *)&from.ss, &from.len);
	if (n < 0 || n >= CONN_DATAGRAM_BUF ||
	    flow_push(&p->flows, &from, p->buf, (size_t)n) ||
	    (s = visitor(p, t, &from)) == NULL)
		return;
	if (flow_open(&p->flows, &s->flow, &from) == -1) {
		(void)stream_complain(t, LOG_ERROR,
		    "no descriptor for a visitor");
		give_place(s);
		public_leave(p);
		stream_free(s);
		return;
	}
	(void)flow_push(&p->flows, &from, p->buf, (size_t)n);
	start(s, run);
}

void
public_ready(struct public *p, struct tunnel *t, void (*run)(struct task *))
{
	struct net_addr from;
	struct stream *s;
	int fd;

	if (p->udp) {
		ready_datagram(p, t, run);
		return;
	}
	if ((fd = net_accept(p->fd, &from)) == -1)
		return;
	if ((s = visitor(p, t, &from)) == NULL) {
		(void)close(fd);
		return;
	}
	s->fd = fd;
	start(s, run);
}

void
public_set_local(struct stream *s, const char *name)
{
	struct public *p = s->public;

	if (p->udp)
		conn_udp(&s->local, s->flow.out_fd, p->fd, &s->flow.from,
		    name);
	else
		conn_tcp(&s->local, s->fd, name);
}

void
public_drop(struct stream *s)
{
	(void)close(s->public->udp ? s->flow.out_fd : s->fd);
}

void
public_over(struct stream *s)
{
	if (s->public->udp)
		flow_close(&s->public->flows, &s->flow);
	public_leave(s->public);
	give_place(s);
}

/* SPDX-License-Identifier: MIT */
/* client.c - the side that dials. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "dial.h"
#include "log.h"

/* stdin and stdout through one connection. */
static void
run_pipe(struct task *task)
{
	static const int exit_code[] = {
		[LINK_READY] = 0, [LINK_REFUSED] = 3, [LINK_BROKEN] = 4,
		[LINK_FAILED] = 1, [LINK_STOPPED] = 1
	};
	struct stream *s = (struct stream *)task;
	struct tunnel *t = s->tunnel;
	char why[LINK_WHY_MAX], name[NET_NAME_MAX];
	enum link_verdict verdict;
	struct net_addr server;
	int fd;

	verdict = link_dial(&t->config->peer, &t->token, -1, &fd, &server,
	    why);
	if (verdict == LINK_READY) {
		net_name(&server, name);
		log_line(LOG_NOTE, "connected to %s", name);
		stream_set_remote(s, fd, name);
		conn_stdio(&s->local, fd);
		(void)stream_carry(s, s->local.name, name);
		atomic_store(&t->pipe_exit, stream_pipe_exit(s));
	} else {
		if (verdict != LINK_STOPPED)
			log_line(LOG_ERROR, "%s", why);
		atomic_store(&t->pipe_exit, exit_code[verdict]);
	}
	task_stop();
}

/* Reach the server for a local connection; returns a descriptor, or -1 having
 * said why.  (On the stack only until the stream is carried: see server.c.) */
static int
dial_server(struct stream *s, char name[NET_NAME_MAX])
{
	struct tunnel *t = s->tunnel;
	bool udp = t->config->udp;
	char why[LINK_WHY_MAX];
	enum link_verdict verdict;
	struct net_addr server;
	int fd;

	verdict = link_dial(&t->config->peer, &t->token, udp ? -1 : s->fd,
	    &fd, &server, why);
	if (verdict == LINK_READY) {
		net_name(&server, name);
		return fd;
	}
	if (verdict != LINK_STOPPED && !conn_gone(&s->local))
		stream_complain(t, LOG_ERROR, why);
	return -1;
}

/* One local connection, or flow, through a connection of its own. */
static void
run_stream(struct task *task)
{
	struct stream *s = (struct stream *)task;
	struct tunnel *t = s->tunnel;
	char from[NET_NAME_MAX], server[NET_NAME_MAX];
	int fd;

	net_name(&s->from, from);
	if (t->config->udp)
		conn_udp(&s->local, s->flow.out_fd, t->udp_fd, &s->flow.from,
		    from);
	else
		conn_tcp(&s->local, s->fd, from);
	if ((fd = dial_server(s, server)) != -1) {
		stream_set_remote(s, fd, server);
		(void)stream_carry(s, from, server);
	} else
		conn_close(&s->local, false);
	if (t->config->udp)
		flow_close(&t->flows, &s->flow);
	stream_give_room(t);
}

/* Start the stream of something local, or say why not.  Returns 0 or -1. */
static int
start(struct stream *s)
{
	struct tunnel *t = s->tunnel;

	if (task_start(&s->task, run_stream) == 0)
		return 0;
	stream_complain(t, LOG_ERROR,
	    "no thread for another connection; it was reset");
	return -1;
}

static void
take_connection(struct tunnel *t, int fd, const struct net_addr *from)
{
	struct stream *s = NULL;

	if (!stream_take_room(t, from))
		goto refused;
	if ((s = stream_new(t)) == NULL) {
		stream_complain(t, LOG_ERROR,
		    "no memory for another connection; it was reset");
		goto full;
	}
	s->fd = fd;
	s->from = *from;
	if (start(s) == 0)
		return;
full:
	stream_give_room(t);
refused:
	stream_free(s);
	(void)close(fd);
}

static void
take_datagram(struct tunnel *t, const struct net_addr *from, const void *p,
    size_t n)
{
	struct stream *s;

	if (flow_push(&t->flows, from, p, n) || !stream_take_room(t, from))
		return;
	if ((s = stream_new(t)) == NULL ||
	    flow_open(&t->flows, &s->flow, from) == -1) {
		stream_complain(t, LOG_ERROR,
		    "no memory or descriptor for another flow");
		goto full;
	}
	s->from = *from;
	(void)flow_push(&t->flows, from, p, n);
	if (start(s) == 0)
		return;
	flow_close(&t->flows, &s->flow);
	(void)close(s->flow.out_fd);
full:
	stream_give_room(t);
	stream_free(s);
}

static void
listen_udp(struct tunnel *t)
{
	static uint8_t buf[CONN_DATAGRAM_BUF];
	struct net_wait w = { INT64_MAX, -1 };
	struct net_addr from;
	ssize_t n;

	for (;;) {
		if (net_await(t->udp_fd, &w) == -1) {
			if (errno == ECANCELED)
				return;
			stream_pause();		/* out of something */
			continue;
		}
		from.len = sizeof(from.ss);
		n = recvfrom(t->udp_fd, buf, sizeof(buf), MSG_DONTWAIT,
		    (struct sockaddr *)&from.ss, &from.len);
		if (n >= 0 && n < CONN_DATAGRAM_BUF)
			take_datagram(t, &from, buf, (size_t)n);
	}
}

int
client_run(struct tunnel *t)
{
	const struct config *c = t->config;
	char why[DIAL_WHY_MAX], name[NET_NAME_MAX];
	struct net_wait forever = { INT64_MAX, -1 };
	struct net_addr bound;
	struct stream *s;
	int fd = -1;

	stream_prepare(t);
	if (c->has_listen) {
		fd = dial_listen(&c->listen,
		    c->udp ? SOCK_DGRAM : SOCK_STREAM, &bound, why);
		if (fd == -1) {
			log_line(LOG_ERROR, "%s", why);
			(void)task_finish(0);
			return 1;
		}
		net_name(&bound, name);
		log_line(LOG_NOTE, "listening on %s", name);
	}
	if (c->has_listen && c->udp) {
		flow_table_init(&t->flows);
		t->udp_fd = fd;
		listen_udp(t);
	} else if (c->has_listen)
		stream_accept_all(t, fd, take_connection);
	else if ((s = stream_new(t)) != NULL &&
	    task_start(&s->task, run_pipe) == 0) {
		while (!task_stopping())
			(void)net_pause(&forever);
	} else {
		log_line(LOG_ERROR, "cannot start: %s", strerror(errno));
		atomic_store(&t->pipe_exit, 1);
	}
	/* The UDP socket is what flows answer on: it closes last. */
	if (fd != -1 && !c->udp)
		(void)close(fd);
	(void)task_finish((int64_t)c->drain_s * 1000);
	if (fd != -1 && c->udp)
		(void)close(fd);
	stream_reap();
	return stream_exit(t);
}

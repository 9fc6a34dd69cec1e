/* SPDX-License-Identifier: MIT */
/* server.c - the side that waits.
 *
 * Main accepts; each connection's own thread does all the rest: handshake,
 * connection to the service, forwarding, two log lines. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "dial.h"
#include "log.h"
#include "server.h"

/* The token is right.  Is there room: stdin and stdout for one client, a
 * service for max_streams? */
static bool
has_room(void *arg)
{
	struct stream *s = arg;
	struct tunnel *t = s->tunnel;

	if (t->config->to.port == 0)
		s->claimed = !atomic_exchange(&t->pipe_taken, true);
	else
		s->claimed = stream_take_room(t, &s->from);
	return s->claimed;
}

static void
give_room_back(struct stream *s)
{
	if (!s->claimed)
		return;
	if (s->tunnel->config->to.port == 0)
		atomic_store(&s->tunnel->pipe_taken, false);
	else
		stream_give_room(s->tunnel);
}

static void
serve_pipe(struct stream *s, const char *name)
{
	log_line(LOG_NOTE, "client %s accepted", name);
	stream_set_remote(s, s->fd, name);
	conn_stdio(&s->local, s->fd);
	(void)stream_carry(s, name, s->local.name);
	atomic_store(&s->tunnel->pipe_exit, stream_pipe_exit(s));
	task_stop();
}

/* Connect to the service; returns a descriptor, or -1 having said why.  A
 * function of its own: what it needs on the stack is gone while the stream is
 * carried, which is a page less for each. */
static int
dial_service(struct stream *s, struct net_addr *to)
{
	const struct config *c = s->tunnel->config;
	char why[DIAL_WHY_MAX], line[DIAL_WHY_MAX + 32];
	int fd;

	fd = dial_host(&c->to, c->udp ? SOCK_DGRAM : SOCK_STREAM, s->fd, to,
	    why);
	if (fd == -1 && errno != ECANCELED && errno != ECONNABORTED) {
		(void)snprintf(line, sizeof(line), "%s%s", why,
		    errno == ECONNREFUSED ? " (is the service running?)" : "");
		stream_complain(s->tunnel, LOG_ERROR, line);
	}
	return fd;
}

static void
serve_service(struct stream *s, const char *name)
{
	char target[NET_NAME_MAX];
	struct net_addr to;
	int fd;

	if ((fd = dial_service(s, &to)) == -1) {
		(void)close(s->fd);	/* a reset: nobody is there */
		return;
	}
	net_name(&to, target);
	if (s->tunnel->config->udp)
		conn_udp(&s->local, fd, fd, NULL, target);
	else
		conn_tcp(&s->local, fd, target);
	stream_set_remote(s, s->fd, name);
	(void)stream_carry(s, name, target);
}

/* The handshake.  Returns true if the stream may begin; else all is said, and
 * the descriptor closed. */
static bool
let_in(struct stream *s, const char *name)
{
	struct tunnel *t = s->tunnel;
	char why[LINK_WHY_MAX], line[NET_NAME_MAX + 128];

	switch (link_accept(s->fd, &s->from, &t->gate, &t->token, has_room, s,
	    why)) {
	case LINK_READY:
		return true;
	case LINK_REFUSED:
		(void)snprintf(line, sizeof(line), "refused %s: %.100s", name,
		    why);
		stream_complain(t, LOG_NOTE, line);
		net_close_clean(s->fd);
		break;
	case LINK_BROKEN:
	case LINK_FAILED:
	case LINK_STOPPED:
		log_line(LOG_STREAM, "dropped %s: %s", name, why);
		(void)close(s->fd);
		break;
	}
	return false;
}

static void
serve(struct task *task)
{
	struct stream *s = (struct stream *)task;
	char name[NET_NAME_MAX];

	net_name(&s->from, name);
	if (let_in(s, name)) {
		if (s->tunnel->config->to.port == 0) {
			serve_pipe(s, name);
			return;
		}
		serve_service(s, name);
	}
	give_room_back(s);
}

/* Take one accepted connection, or refuse it for want of something. */
static void
take(struct tunnel *t, int fd, const struct net_addr *from)
{
	struct stream *s = stream_new(t);

	if (s != NULL) {
		s->fd = fd;
		s->from = *from;
		if (task_start(&s->task, serve) == 0)
			return;
	}
	stream_complain(t, LOG_ERROR, s == NULL ?
	    "no memory for another connection; it was reset" :
	    "no thread for another connection; it was reset");
	stream_free(s);
	(void)close(fd);
}

int
server_run(struct tunnel *t)
{
	const struct config *c = t->config;
	char why[DIAL_WHY_MAX], name[NET_NAME_MAX];
	struct net_addr bound;
	int lfd;

	stream_prepare(t);
	if ((lfd = dial_listen(&c->peer, SOCK_STREAM, &bound, why)) == -1) {
		log_line(LOG_ERROR, "%s", why);
		(void)task_finish(0);
		return 1;
	}
	net_name(&bound, name);
	log_line(LOG_NOTE, "listening on %s", name);
	stream_accept_all(t, lfd, take);
	(void)close(lfd);
	(void)task_finish((int64_t)c->drain_s * 1000);
	stream_reap();
	return stream_exit(t);
}

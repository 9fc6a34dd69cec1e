/* SPDX-License-Identifier: MIT */
/* local.c - stdin and stdout, or a service: what other side's streams meet. */

#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dial.h"
#include "local.h"
#include "log.h"
#include "proxy.h"

enum ctl_end
local_end(const struct config *c)
{
	return c->has_listen ? CTL_LISTENS :
	    c->nto > 0 || c->nallow > 0 ? CTL_SERVICE : CTL_STDIO;
}

enum ctl_protocol
local_protocol(const struct config *c)
{
	return c->udp ? CTL_UDP : CTL_TCP;
}

bool
local_allows(const struct config *c, const char *target)
{
	struct hostport hp;

	return local_end(c) == CTL_SERVICE && opt_target(c, target, &hp) == 0;
}

bool
local_take(struct stream *s, enum ctl_reason *reason)
{
	struct tunnel *t = s->tunnel;

	if (local_end(t->config) == CTL_STDIO) {
		*reason = CTL_BUSY;
		s->piped = !atomic_exchange(&t->pipe_taken, true);
		s->roomed = s->piped;
	} else {
		*reason = CTL_FULL;
		s->roomed = stream_take_room(t, &s->from);
	}
	return s->roomed;
}

void
local_give(struct stream *s)
{
	if (s->piped)
		atomic_store(&s->tunnel->pipe_taken, false);
	else if (s->roomed)
		stream_give_room(s->tunnel);
	s->piped = s->roomed = false;
}

/* Tell the service who comes, before anything else. */
static int
introduce(const struct stream *s, int fd, int watch)
{
	struct net_wait w = { task_now() + NET_CONNECT_MS, watch };
	uint8_t header[PROXY_MAX];
	struct net_addr own;
	size_t n;

	if (net_own(s->fd, &own) == -1)
		return -1;
	n = proxy_header(s->tunnel->config->proxy, &s->from, &own, header);
	return net_write(fd, header, n, &w);
}

/* A service's log has an address that stands for the client: ours says for
 * which one. */
static void
say_source(const struct stream *s, int fd, const struct net_addr *to)
{
	char from[NET_NAME_MAX], own[NET_NAME_MAX], service[NET_NAME_MAX];
	struct net_addr a;

	if (net_own(fd, &a) == -1)
		return;
	net_name(&s->from, from);
	net_name(&a, own);
	net_name(to, service);
	log_line(LOG_STREAM, "%s comes to %s from %s", from, service, own);
}

/* Connect to the service at hp.  Returns as dial_host() does. */
static int
reach(const struct stream *s, const struct hostport *hp, int watch,
    struct net_addr *to, char why[DIAL_WHY_MAX])
{
	const struct config *c = s->tunnel->config;
	struct net_addr source;
	char name[NET_NAME_MAX];
	int fd, err;

	if (c->source_by_client)
		proxy_source(&s->from, &source);
	fd = dial_host_from(c->source_by_client ? &source : NULL, hp,
	    c->udp ? SOCK_DGRAM : SOCK_STREAM, watch, to, why);
	if (fd != -1 && c->source_by_client)
		say_source(s, fd, to);
	if (fd == -1 || c->proxy == 0 || introduce(s, fd, watch) == 0)
		return fd;
	err = errno;
	net_name(to, name);
	(void)snprintf(why, DIAL_WHY_MAX, "cannot tell %s who comes: %s", name,
	    strerror(err));
	(void)close(fd);
	errno = err;
	return -1;
}

/* A function of its own: what it needs on the stack is gone while the stream
 * is carried, which is a page less for each. */
bool
local_open(struct stream *s, const char *target, int watch,
    struct ctl *refusal)
{
	const struct config *c = s->tunnel->config;
	char why[DIAL_WHY_MAX], line[DIAL_WHY_MAX + 32], name[NET_NAME_MAX];
	struct hostport hp;
	struct net_addr to;
	int fd;

	if (s->piped) {
		conn_stdio(&s->local, watch);
		return true;
	}
	refusal->text[0] = '\0';
	if (opt_target(c, target, &hp) == -1) {
		refusal->reason = CTL_NOT_ALLOWED;
		(void)snprintf(line, sizeof(line), "refused a stream to "
		    "%.100s: neither --to nor --allow names it",
		    target[0] != '\0' ? target : "no service by name");
		(void)stream_complain(s->tunnel, LOG_NOTE, line);
		return false;
	}
	if ((fd = reach(s, &hp, watch, &to, why)) == -1) {
		refusal->reason = CTL_UNREACHABLE;
		if (errno == ECANCELED || errno == ECONNABORTED)
			return false;
		(void)snprintf(refusal->text, sizeof(refusal->text), "%.250s",
		    why);
		(void)snprintf(line, sizeof(line), "%s%s", why,
		    errno == ECONNREFUSED ? " (is the service running?)" : "");
		(void)stream_complain(s->tunnel, LOG_ERROR, line);
		return false;
	}
	net_name(&to, name);
	if (c->udp)
		conn_udp(&s->local, fd, fd, NULL, name);
	else
		conn_tcp(&s->local, fd, name);
	return true;
}

void
local_pipe_over(struct stream *s, int code)
{
	atomic_store(&s->tunnel->pipe_exit, code);
	task_stop();
}

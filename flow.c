/* SPDX-License-Identifier: MIT */
/* flow.c - UDP datagrams to the flows they belong to. */

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "flow.h"

enum { FLOW_QUEUE_BYTES = 256 * 1024 };

void
flow_table_init(struct flow_table *t)
{
	memset(t, 0, sizeof(*t));
	(void)pthread_mutex_init(&t->mu, NULL);
}

/* The part of an address that tells sources apart: port and host.  (Not all
 * of the structure: it has padding, and IPv6's flow label may change.) */
static size_t
identity(const struct net_addr *a, uint8_t id[22])
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)&a->ss;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&a->ss;

	if (a->ss.ss_family == AF_INET) {
		memcpy(id, &four->sin_port, 2);
		memcpy(id + 2, &four->sin_addr, 4);
		return 6;
	}
	memcpy(id, &six->sin6_port, 2);
	memcpy(id + 2, &six->sin6_addr, 16);
	memcpy(id + 18, &six->sin6_scope_id, 4);
	return 22;
}

static bool
same(const struct net_addr *a, const struct net_addr *b)
{
	uint8_t x[22], y[22];
	size_t n = identity(a, x);

	return identity(b, y) == n && memcmp(x, y, n) == 0;
}

static struct flow **
bucket_of(struct flow_table *t, const struct net_addr *a)
{
	uint8_t id[22];
	size_t i, n = identity(a, id);
	uint32_t h = 2166136261u;	/* FNV-1a */

	for (i = 0; i < n; i++)
		h = (h ^ id[i]) * 16777619u;
	return &t->bucket[(h ^ h >> 16) % FLOW_BUCKETS];
}

int
flow_open(struct flow_table *t, struct flow *f, const struct net_addr *from)
{
	struct flow **b = bucket_of(t, from);
	int size = FLOW_QUEUE_BYTES;
	int pair[2], i;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		(void)fcntl(pair[i], F_SETFD, FD_CLOEXEC);
		(void)setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof(size));
	}
	net_set_read_tick(pair[1], NET_READ_TICK_MS);
	f->from = *from;
	f->in_fd = pair[0];
	f->out_fd = pair[1];
	(void)pthread_mutex_lock(&t->mu);
	f->next = *b;
	*b = f;
	(void)pthread_mutex_unlock(&t->mu);
	return 0;
}

bool
flow_push(struct flow_table *t, const struct net_addr *from, const void *p,
    size_t n)
{
	const int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
	struct flow *f;

	(void)pthread_mutex_lock(&t->mu);
	for (f = *bucket_of(t, from); f != NULL; f = f->next) {
		if (same(&f->from, from))
			break;
	}
	/* Linux queues no more than 10 (net.unix.max_dgram_qlen).  A flow that
	 * only needs a turn on a processor gets it; a stuck one costs the
	 * others no more than the attempt. */
	if (f != NULL && send(f->in_fd, p, n, flags) == -1 && errno == EAGAIN) {
		(void)sched_yield();
		(void)send(f->in_fd, p, n, flags);
	}
	(void)pthread_mutex_unlock(&t->mu);
	return f != NULL;
}

void
flow_close(struct flow_table *t, struct flow *f)
{
	struct flow **p;

	(void)pthread_mutex_lock(&t->mu);
	for (p = bucket_of(t, &f->from); *p != f; p = &(*p)->next)
		continue;
	*p = f->next;
	(void)close(f->in_fd);
	(void)pthread_mutex_unlock(&t->mu);
}

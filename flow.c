/* SPDX-License-Identifier: MIT */
/* flow.c - UDP datagrams to the flows they belong to. */

#include <sys/socket.h>
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "flow.h"
#include "hash.h"

enum { FLOW_QUEUE_BYTES = 256 * 1024 };

void
flow_table_init(struct flow_table *t)
{
	memset(t, 0, sizeof(*t));
	(void)pthread_mutex_init(&t->mu, NULL);
}

static struct flow **
bucket_of(struct flow_table *t, const struct net_addr *a)
{
	uint8_t id[NET_ID_MAX];
	size_t n = net_id(a, id);

	return &t->bucket[hash_bucket(id, n, FLOW_BUCKETS)];
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
	f->stuck = false;
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
	bool full;

	(void)pthread_mutex_lock(&t->mu);
	for (f = *bucket_of(t, from); f != NULL; f = f->next) {
		if (net_same(&f->from, from))
			break;
	}
	/* Linux queues no more than 10 (net.unix.max_dgram_qlen).  A flow that
	 * only needs a turn on a processor gets it, which costs all others a
	 * time slice where the machine is busy; so a stuck one gets it once. */
	if (f != NULL) {
		full = send(f->in_fd, p, n, flags) == -1 && errno == EAGAIN;
		if (full && !f->stuck) {
			(void)sched_yield();
			full = send(f->in_fd, p, n, flags) == -1 &&
			    errno == EAGAIN;
		}
		f->stuck = full;
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

/* SPDX-License-Identifier: MIT */
#ifndef FLOW_H
#define FLOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "net.h"

/* UDP has no connections: a flow is all that comes from one local source
 * address.  One thread reads the shared socket and hands each datagram to its
 * flow through a pair of local datagram sockets, without ever waiting: a flow
 * that does not keep up loses datagrams, and no other one notices.  Answers
 * go out on the shared socket, straight from the flow's own thread. */

enum { FLOW_BUCKETS = 256 };

struct flow {
	struct flow *next;
	struct net_addr from;	/* whose flow it is; constant */
	int in_fd;		/* the reader puts datagrams in here */
	int out_fd;		/* the flow takes them out here */
	bool stuck;		/* it did not use the turn it was given */
};

struct flow_table {
	pthread_mutex_t mu;	/* guards all below; under it only a send()
				 * that does not block */
	struct flow *bucket[FLOW_BUCKETS];
};

/* No flows yet. */
void flow_table_init(struct flow_table *t);

/* Make f the flow of a source that has none.  Returns 0, or -1 with errno
 * (no descriptors). */
int flow_open(struct flow_table *t, struct flow *f,
    const struct net_addr *from);

/* Hand a datagram to the flow it belongs to.  Returns false if there is
 * none; true if there is one, even if it had to drop the datagram. */
bool flow_push(struct flow_table *t, const struct net_addr *from,
    const void *p, size_t n);

/* Take f out of the table and close in_fd; out_fd stays the caller's. */
void flow_close(struct flow_table *t, struct flow *f);

#endif

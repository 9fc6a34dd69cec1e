/* SPDX-License-Identifier: MIT */
#ifndef STREAM_H
#define STREAM_H

#include <stdint.h>

#include "conn.h"
#include "flow.h"
#include "link.h"
#include "log.h"
#include "opt.h"
#include "pump.h"
#include "secret.h"
#include "task.h"

/* How much was said of late: see stream_complain(). */
struct stream_quota {
	uint32_t since_ms;
	unsigned said, unsaid;
};

/* What all connections of a process share. */
struct tunnel {
	const struct config *config;
	struct token token;
	_Atomic unsigned carried;	/* streams being forwarded now */
	_Atomic unsigned long last_id;
	unsigned max_streams;		/* what the descriptors allow */
	unsigned max_tasks;		/* accept no more while so many live */
	struct gate gate;		/* server: not yet authenticated */
	atomic_bool pipe_taken;		/* server: stdin/stdout have a client */
	_Atomic int pipe_exit;		/* exit code once the pipe is over */
	struct flow_table flows;	/* client with -u */
	int udp_fd;			/* client with -u: the shared socket */
	pthread_mutex_t quota_mu;	/* guards quota */
	struct stream_quota quota[LOG_STREAM + 1];
	_Atomic unsigned cut;		/* streams that a stop has reset */
};

/* One connection on its way through: a task and all that it needs. */
struct stream {
	struct task task;		/* first: task.c hands it back */
	struct tunnel *tunnel;
	int fd;				/* what was accepted */
	bool claimed;			/* server: the pipe is ours */
	struct net_addr from;
	struct flow flow;		/* client with -u */
	struct conn local, remote;
	struct pump pump;
	uint8_t *bufs;			/* datagrams: for conn and pump */
};

/* Allocate a stream, with buffers for datagrams if the config says so, after
 * freeing those that ended.  By main only.  Returns NULL with errno ENOMEM. */
struct stream *stream_new(struct tunnel *t);
void stream_free(struct stream *s);

/* Free all that have ended. */
void stream_reap(void);

/* Count one more stream, or say that there is no room for the one from there;
 * count one less. */
bool stream_take_room(struct tunnel *t, const struct net_addr *from);
void stream_give_room(struct tunnel *t);

/* Make s->remote of the tunnel's TCP socket: takes fd. */
void stream_set_remote(struct stream *s, int fd, const char *name);

/* Forward between s->local and s->remote, which are both set, until it is
 * over; log two lines with --verbose; close both, in order or with a reset.
 * Returns how it ended. */
enum pump_fate stream_carry(struct stream *s, const char *from,
    const char *to);

/* The exit code of a pipe that ended so, having said why it failed. */
int stream_pipe_exit(const struct stream *s);

/* Before all else: raise the descriptor limit, and fit max_streams,
 * max_tasks and the gate into it; says so if that is less than was asked. */
void stream_prepare(struct tunnel *t);

/* Wait a little for what has run out to come back, or for a stop. */
void stream_pause(void);

/* Accept connections until stopped and give each to take(), which takes the
 * descriptor.  Running out of descriptors or memory is said and waited out. */
void stream_accept_all(struct tunnel *t, int lfd,
    void (*take)(struct tunnel *t, int fd, const struct net_addr *from));

/* The exit code, having said how many streams a stop had to reset. */
int stream_exit(struct tunnel *t);

/* Log a line that may come in floods: at most ten a second of each level, and
 * how many went unsaid. */
void stream_complain(struct tunnel *t, enum log_level level,
    const char *what);

#endif

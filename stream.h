/* SPDX-License-Identifier: MIT */
#ifndef STREAM_H
#define STREAM_H

#include <stdint.h>

#include "auth.h"
#include "conn.h"
#include "flow.h"
#include "gate.h"
#include "keeper.h"
#include "log.h"
#include "opt.h"
#include "pump.h"
#include "rate.h"
#include "rooms.h"
#include "roster.h"
#include "sandbox.h"
#include "secret.h"
#include "session.h"
#include "stats.h"
#include "tally.h"
#include "task.h"
#include "turn.h"
#include "waiter.h"

/* Beside as many links as streams: those that are about to be replaced, or
 * found dead. */
enum { STREAM_LINKS_SPARE = 8 };

/* How much was said of late: see stream_complain(). */
struct stream_quota {
	uint32_t since_ms;
	unsigned said, unsaid;
};

struct public;
struct tunnel;

/* What main waits for: ready() is called when fd is readable. */
struct stream_door {
	int fd;
	void (*ready)(struct tunnel *t, int fd);
};

/* What all connections of a process share. */
struct tunnel {
	const struct config *config;
	struct token token;		/* --plain */
	uint8_t w[BEAR_SCALAR];		/* sealed: what the token has become */
	_Atomic unsigned carried;	/* streams being forwarded now */
	_Atomic unsigned long last_id;
	unsigned max_streams;		/* what the descriptors allow */
	unsigned max_rooms;		/* relay: the same */
	unsigned max_tasks;		/* accept no more while so many live */
	struct gate gate;		/* server: not yet authenticated */
	struct turns turns;		/* server: key exchanges */
	struct sessions sessions;	/* server: links that are up */
	_Atomic unsigned links;		/* how many that is */
	struct roster roster;		/* clients; a client: itself */
	struct keeper keeper;		/* client: the link */
	struct waiter waiter;		/* server: places at relays */
	char secret[WORD_TEXT_MAX];	/* share: until it is told, by main */
	bool ticket_told;
	struct rooms rooms;		/* relay, and: */
	struct auth auth;		/* what it wants to know of servers;
					 * server: what a relay wants */
	struct sandbox_user user;	/* whom it becomes */
	struct tally sources;		/* of pairs */
	struct rate_table rates;	/* of rooms, with --rate */
	struct stats stats;
	uint8_t relay_id[MEET_ID];
	int64_t began_at;
	unsigned max_fds;
	const char *version;
	_Atomic unsigned listen_port;	/* client: what WELCOME said */
	struct stream_door door;	/* client: by main */
	atomic_bool failure_told;	/* client: since the link was up */
	atomic_bool pipe_taken;		/* stdin/stdout have a stream */
	_Atomic int pipe_exit;		/* exit code once the pipe is over */
	struct flow_table flows;	/* -u and --listen */
	int udp_fd;			/* -u and --listen: the shared socket */
	pthread_mutex_t quota_mu;	/* guards quota */
	struct stream_quota quota[LOG_STREAM + 1];
	_Atomic unsigned cut;		/* streams that a stop has reset */
};

/* One connection on its way through: a task and all that it needs. */
struct stream {
	struct task task;		/* first: task.c hands it back */
	struct tunnel *tunnel;
	int fd;				/* what was accepted */
	struct net_addr from;
	struct flow flow;		/* -u and --listen */
	struct waiter_call call;	/* server: the relay asks for it */
	struct public *public;		/* relay: a visitor of this one */
	uint64_t number;		/* client: the server asked for it */
	unsigned generation;		/* ... over this link */
	bool roomed, piped;		/* room is taken; stdin and stdout */
	bool tallied;			/* relay: source is counted */
	struct tally_entry source;
	struct rate rate;
	struct conn local, remote;
	struct pump pump;
	struct roster_member member;	/* of a client's, or nobody's */
	uint8_t *bufs;			/* datagrams: for conn and pump */
};

/* Allocate a stream, with buffers for datagrams if the config says so, after
 * freeing those that ended.  Returns NULL with errno ENOMEM. */
struct stream *stream_new(struct tunnel *t);
void stream_free(struct stream *s);

/* Start the thread of s, which only the caller knows so far.  Returns false if
 * there is none, with errno; s, if it is not NULL, is freed then. */
bool stream_launch(struct stream *s, void (*run)(struct task *));

/* Buffers for datagrams, if the config does not say so.  Returns 0, or -1
 * with errno ENOMEM. */
int stream_add_bufs(struct stream *s);

/* Free all that have ended. */
void stream_reap(void);

/* Count one more stream, if there is room; the same, saying so if there is
 * none for the one from there; count one less. */
bool stream_find_room(struct tunnel *t);
bool stream_take_room(struct tunnel *t, const struct net_addr *from);
void stream_give_room(struct tunnel *t);

/* Make s->remote of the tunnel's TCP socket, --plain: takes fd. */
void stream_set_remote(struct stream *s, int fd, const char *name);

/* Start run() for one more stream that came from `from`: its descriptor is
 * taken, or closed with a reset, having said why. */
void stream_start(struct tunnel *t, int fd, const struct net_addr *from,
    void (*run)(struct task *));

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

/* Serve doors until stopped; one with a descriptor of -1 is closed for now.
 * chores(t), if not NULL, is done whenever main is woken, and says when it
 * wants to be done again (task_now()'s clock). */
void stream_serve(struct tunnel *t, const struct stream_door *doors, int n,
    int64_t (*chores)(struct tunnel *));

/* For a door's ready(): accept a connection.  Returns a descriptor, or -1
 * having said why and waited a little. */
int stream_accept(struct tunnel *t, int lfd, struct net_addr *from);

/* For a door's ready(): read a datagram, hand it to its flow, or run() a new
 * one (whose local end is made by stream_set_local()). */
void stream_datagram(struct tunnel *t, int fd, void (*run)(struct task *));

/* Make s->local of what was accepted, or of the flow; and after the stream is
 * over, or if it never began: let go of what belongs to it. */
void stream_set_local(struct stream *s);
void stream_drop_local(struct stream *s);
void stream_over(struct stream *s);

/* The exit code, having said how many streams a stop had to reset. */
int stream_exit(struct tunnel *t);

/* Log a line that may come in floods: at most ten a second of each level, and
 * how many went unsaid.  Returns true if it was said. */
bool stream_complain(struct tunnel *t, enum log_level level,
    const char *what);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef DOOR_H
#define DOOR_H

#include <stddef.h>
#include <stdint.h>

#include "gate.h"
#include "net.h"

/* What both handshakes, plain and sealed, have in common: how they end, and
 * how a stranger's bytes are read at the server's door. */

enum {
	DOOR_HANDSHAKE_MS = 10000,	/* in total, however slow the bytes */
	DOOR_WHY_MAX = 512
};

enum door_verdict {
	DOOR_READY,	/* authenticated */
	DOOR_WRONG,	/* our own check says: not the same token */
	DOOR_REFUSED,	/* the other side says no */
	DOOR_PLAIN,	/* the other side does not encrypt */
	DOOR_BROKEN,	/* the peer broke off, or speaks something else */
	DOOR_FAILED,	/* not reached, or not in time */
	DOOR_ABSENT,	/* the relay was reached: nobody is there (yet) */
	DOOR_STOPPED	/* a stop came first */
};

/* Return the verdict, with a sentence in why; and the one that follows from
 * errno after a wait or a transfer has failed. */
enum door_verdict door_say(char why[DOOR_WHY_MAX], enum door_verdict verdict,
    const char *sentence);
enum door_verdict door_broke(char why[DOOR_WHY_MAX]);

/* What a client exits with for that: see README, Exit codes. */
int door_exit_code(enum door_verdict verdict);

/* A connection at the server's door. */
struct caller {
	int fd;				/* borrowed */
	const struct net_addr *from;
	struct gate *gate;
	uint64_t ticket;		/* 0: has not kept us waiting */
	struct net_wait wait;		/* the handshake's deadline */
};

/* Somebody is there: the deadline begins. */
void door_knock(struct caller *c, int fd, const struct net_addr *from,
    struct gate *g);

/* Queue up at the gate, if c has not yet; leave it: returns false if it had
 * to go meanwhile, and the socket is no good. */
void door_queue(struct caller *c);
bool door_leave(struct caller *c);

/* Read 1..n bytes.  Only who keeps us waiting must queue at the gate, so that
 * a client may open as many connections at once as it likes.  Returns how
 * many came, or -1 with errno (ECONNRESET at the end). */
ssize_t door_read_some(struct caller *c, void *buf, size_t n);

/* Read exactly n bytes.  Returns 0 or -1. */
int door_read(struct caller *c, void *buf, size_t n);

/* Say nothing, and let the deadline close it: a scanner learns no more than
 * from a port where nobody answers. */
void door_silence(struct caller *c);

/* Say one byte, and see to it that it arrives.  fd may then be closed. */
void door_refuse(struct caller *c, uint8_t status);

#endif

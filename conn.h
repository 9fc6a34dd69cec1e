/* SPDX-License-Identifier: MIT */
#ifndef CONN_H
#define CONN_H

#include <sys/socket.h>
#include <sys/types.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "net.h"
#include "seal.h"

/* A conn is a full-duplex stream of bytes, or of datagrams, with two
 * independent directions: one thread reads while another one writes, each
 * owning its half, and no lock is needed.  What wraps the bytes on the wire
 * is this file's business; pump.c sees the same calls for all of them. */

enum conn_kind {
	CONN_TCP,	/* raw bytes on a TCP socket */
	CONN_STDIO,	/* stdin and stdout, which are not ours to change */
	CONN_FRAMED,	/* datagrams on a TCP socket: PROTOCOL.md, frames */
	CONN_UDP,	/* a datagram socket to read and one to write */
	CONN_SEALED	/* records on a TCP socket: PROTOCOL.md 3 */
};

enum {
	/* A reader's buffer for datagrams: the longest that the wire carries
	 * and one byte more, so that one too long shows. */
	CONN_DATAGRAM_BUF = 65507 + 1,
	CONN_FRAME_BUF = 64 * 1024,	/* each half of a CONN_FRAMED */
	CONN_DEAD_MS = 10000,		/* a link's silence, waited for */
	CONN_LINK_TICK_MS = 1000
};

struct conn {
	enum conn_kind kind;
	int rfd, wfd;
	const struct net_addr *to;	/* CONN_UDP: where to send, or NULL if
					 * wfd is connected; borrowed */
	struct span in, out;		/* CONN_FRAMED */
	struct seal *seal;		/* CONN_SEALED */
	int watch;			/* CONN_STDIO: see conn_stdio() */
	int tick_ms;			/* how long a read may wait */
	atomic_bool ended;		/* our end has been passed on */
	bool stopped;			/* CONN_STDIO: the end that was read
					 * was a stop, not stdin's own */
	bool say_stopped;		/* CONN_SEALED: with our end */
	char name[NET_NAME_MAX];	/* for people */
};

/* Make a conn of a tuned TCP socket: takes fd. */
void conn_tcp(struct conn *c, int fd, const char *name);

/* The same, carrying datagrams.  bufs: 2 * CONN_FRAME_BUF bytes, borrowed. */
void conn_framed(struct conn *c, int fd, const char *name, uint8_t *bufs);

/* The same, carrying sealed records: takes seal, too. */
void conn_sealed(struct conn *c, int fd, const char *name, struct seal *s);

/* Make a conn of descriptors 0 and 1.  The death of the socket `watch` wakes
 * a reader of stdin (a tick); stdout's writer could be too stuck to see it. */
void conn_stdio(struct conn *c, int watch);

/* Make a conn of datagram sockets: takes rfd; borrows wfd, unless it is the
 * same, and to. */
void conn_udp(struct conn *c, int rfd, int wfd, const struct net_addr *to,
    const char *name);

/* Let reads return for a look around every ms. */
void conn_set_tick(struct conn *c, uint32_t ms);

/* Does c carry datagrams? */
bool conn_is_datagram(const struct conn *c);

/* Read what there is, at most cap bytes (datagrams: exactly one, cap being
 * CONN_DATAGRAM_BUF).  Returns the number of bytes, 0 at the end of a stream
 * (a datagram of 0 bytes sets *empty), or -1 with errno:
 *	EAGAIN		a tick, or a wake-up: look around, come again
 *	ECONNRESET	a reset (or the like: ETIMEDOUT, EHOSTUNREACH, ...)
 *	EPROTO		bytes that are not the peer's to send
 *	ECONNABORTED	CONN_SEALED: it ended without an END: cut off
 *	ECONNREFUSED	a pipe: the other side gives up
 *	ETIMEDOUT	a pipe: silent for CONN_DEAD_MS of waiting
 *	EPIPE		CONN_STDIO: nobody reads stdout any more */
ssize_t conn_read(struct conn *c, void *buf, size_t cap, bool *empty);

/* Write some of n >= 1 bytes (datagrams: all of n >= 0, or it is dropped
 * where datagrams may be).  Returns how many were taken, or -1 with errno:
 * EAGAIN took nothing.  What was taken may still be here, encoded. */
ssize_t conn_write(struct conn *c, const void *buf, size_t n);

/* Send what conn_write() has taken and not yet sent.  Returns 0 once nothing
 * is left, or -1 with errno; EAGAIN: come again. */
int conn_flush(struct conn *c);

/* Pass the end on: flush, then end our side.  Returns as conn_flush(). */
int conn_end(struct conn *c);

/* The descriptors to splice from and to, or -1 where bytes cannot pass as
 * they are.  What such a call returned goes through conn_got() or
 * conn_wrote(), which return what conn_read() or conn_write() would have. */
int conn_raw_in(const struct conn *c);
int conn_raw_out(const struct conn *c);
ssize_t conn_got(struct conn *c, ssize_t n);
ssize_t conn_wrote(ssize_t n);

/* Is it stream 0 of a link?  Then both sides say DONE when what they got has
 * been delivered, and the pair is over once both have heard it: */
bool conn_is_pipe(const struct conn *c);

/* Tell the other side that all up to its end is delivered.  By the writing
 * thread.  Returns as conn_flush(). */
int conn_done(struct conn *c);

/* Wait for the other side to say so.  By the reading thread, after its end.
 * Returns 0, or -1 as conn_read(). */
int conn_await_done(struct conn *c);

/* On a pipe, by the writing thread, at its ticks: say that we live if nothing
 * else was said for a while. */
void conn_keep_alive(struct conn *c);

/* Before conn_end(): it will not be the end of our input, we are stopped.
 * Returns false if a sealed c cannot say so, and an end would be a lie.  Did
 * the other side say so? */
bool conn_say_stopped(struct conn *c);
bool conn_was_stopped(const struct conn *c);

/* At a tick of that direction: give memory back. */
void conn_rest_in(struct conn *c);
void conn_rest_out(struct conn *c);

/* Has the socket died, as far as can be seen without reading it? */
bool conn_gone(const struct conn *c);

/* Close: in order if clean, else with a reset.  By the owner alone, once
 * nobody else uses c. */
void conn_close(struct conn *c, bool clean);

#endif

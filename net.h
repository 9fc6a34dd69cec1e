/* SPDX-License-Identifier: MIT */
#ifndef NET_H
#define NET_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NET_ID_MAX = 22,	/* port, IPv6 address, zone */
	NET_SOURCE = 16,	/* bytes that name a source */
	NET_PACKED = 18,	/* bytes of an address on the wire */
	NET_NAME_MAX = 80,	/* "[IPv6%zone]:65535" and its NUL */

	NET_ACCEPT_MS = 100,
	NET_CONNECT_MS = 5000,	/* for each address */
	NET_READ_TICK_MS = 5000,	/* SO_RCVTIMEO of every socket */
	NET_WRITE_TICK_MS = 1000,	/* SO_SNDTIMEO of every socket */
	NET_REFUSE_MS = 2000	/* how long a refused peer is listened to */
};

struct net_addr {
	struct sockaddr_storage ss;
	socklen_t len;
};

/* What ends a wait beside the thing waited for: a moment on task_now()'s
 * clock (ETIMEDOUT), the death of the socket `watch` (ECONNABORTED; -1: none),
 * and always a stop (ECANCELED). */
struct net_wait {
	int64_t until;
	int watch;
};

/* Write "192.0.2.1:80" or "[2001:db8::1]:80". */
void net_name(const struct net_addr *a, char name[NET_NAME_MAX]);

/* Write what tells addresses apart: port, host and zone.  (Not all of the
 * structure: it has padding, and IPv6's flow label may change.)  Returns how
 * many bytes that is.  And: are these two the same? */
size_t net_id(const struct net_addr *a, uint8_t id[NET_ID_MAX]);
bool net_same(const struct net_addr *a, const struct net_addr *b);

/* Write who that is, for limits per source: one IPv4 address, as such or
 * mapped into IPv6 (RFC 4291 2.5.5.2); or one IPv6 /64, the least a customer
 * gets (RFC 6177). */
void net_source(const struct net_addr *a, uint8_t source[NET_SOURCE]);

/* An address as it stands on the wire: IPv6, IPv4 being mapped (RFC 4291
 * 2.5.5.2), and the port; zones do not pass.  And back: mapped ones become
 * IPv4. */
void net_pack(const struct net_addr *a, uint8_t out[NET_PACKED]);
void net_unpack(const uint8_t in[NET_PACKED], struct net_addr *a);

/* Its port. */
uint16_t net_port(const struct net_addr *a);

/* Connect to one address, within NET_CONNECT_MS, unless the socket `watch`
 * (-1: none) dies meanwhile.  Returns a blocking, tuned descriptor that the
 * caller closes, or -1 with errno (net_wait's, or connect's). */
int net_connect(const struct net_addr *to, int type, int watch);

/* The same, within so many ms. */
int net_connect_within(const struct net_addr *to, int type, int watch,
    int64_t ms);

/* The same, from the address `from` of this machine (NULL: any). */
int net_connect_from(const struct net_addr *from, const struct net_addr *to,
    int type, int watch);

/* Which address of ours does this socket have?  Returns 0, or -1. */
int net_own(int fd, struct net_addr *own);

/* Listen at one address (SOCK_STREAM), or bind to it (SOCK_DGRAM).  Returns
 * a descriptor that the caller closes, non-blocking if it listens, and in
 * *bound the address it really has; or -1 with errno. */
int net_listen(const struct net_addr *at, int type, struct net_addr *bound);

/* Accept one connection from the listener lfd, which was found readable.
 * Returns a blocking, tuned descriptor; or -1 with errno ECANCELED (stop),
 * ETIMEDOUT (gone again), or that of a system call: EMFILE, ENFILE, ENOBUFS,
 * ENOMEM pass by. */
int net_accept(int lfd, struct net_addr *peer);

/* The same without waiting, and whether or not there was a stop. */
int net_accept_now(int lfd, struct net_addr *peer);

/* Wait for readability of fd.  Returns 0, or -1 with errno (net_wait). */
int net_await(int fd, const struct net_wait *w);

/* Is there something to be read now: bytes, the end, or an error? */
bool net_readable(int fd);

/* Wait for readability of one of n <= NET_ANY_MAX descriptors.  Returns which
 * one, or -1 as net_await(), or -1 with errno ETIMEDOUT. */
enum { NET_ANY_MAX = 17 };
int net_await_any(const int *fds, int n, int64_t until);

/* After a stop, which ends all other waits: wait for ms at most until one of n
 * descriptors is readable, and set ready[i] for each that is.  Read what is
 * there, as recv(): EAGAIN if there is nothing. */
void net_await_late(const int *fds, bool *ready, int n, int64_t ms);
ssize_t net_read_now(int fd, void *buf, size_t n);

/* Pause; returns -1 with errno ETIMEDOUT when w->until has come. */
int net_pause(const struct net_wait *w);

/* Read what is there, or comes first: 1..n bytes, 0 at the end, or -1. */
ssize_t net_read_some(int fd, void *buf, size_t n, const struct net_wait *w);

/* The same, at once; -1 with errno EAGAIN if nothing is there. */
ssize_t net_read_now(int fd, void *buf, size_t n);

/* Write n bytes.  Returns 0, or -1 with errno. */
int net_write(int fd, const void *buf, size_t n, const struct net_wait *w);

/* Write what goes out at once: 0..n bytes, or -1. */
ssize_t net_write_now(int fd, const void *buf, size_t n);

/* Nothing more will be written: the peer is to find the end behind it. */
void net_end_writing(int fd);

/* Let whoever waits for fd to become readable find an end. */
void net_end_reading(int fd);

/* How often blocking reads of fd come back to look around: ms >= 1. */
void net_set_read_tick(int fd, uint32_t ms);

/* Read on and forget, until the peer ends or the wait does. */
void net_discard(int fd, const struct net_wait *w);

/* What was written is our last: end our side, and read on until the peer
 * ends, for at most NET_REFUSE_MS.  (Closing with bytes unread would send a
 * reset, which could take our last words with it.)  fd may then be closed. */
void net_last_words(int fd);

/* How many descriptors below max are open? */
unsigned net_open_fds(unsigned max);

/* Close a socket whose two directions have ended. */
void net_close_clean(int fd);

#endif

/* SPDX-License-Identifier: MIT */
/* door.c - strangers at the server's door, until one handshake or the other
 * knows them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "door.h"
#include "task.h"

enum door_verdict
door_say(char why[DOOR_WHY_MAX], enum door_verdict verdict,
    const char *sentence)
{
	(void)snprintf(why, DOOR_WHY_MAX, "%s", sentence);
	return verdict;
}

enum door_verdict
door_broke(char why[DOOR_WHY_MAX])
{
	switch (errno) {
	case ECANCELED:
		return door_say(why, DOOR_STOPPED, "stopped");
	case ETIMEDOUT:
		return door_say(why, DOOR_FAILED, "no whole handshake in 10 s");
	case ECONNABORTED:
		return door_say(why, DOOR_FAILED, "no longer wanted");
	default:
		return door_say(why, DOOR_BROKEN, strerror(errno));
	}
}

int
door_exit_code(enum door_verdict verdict)
{
	switch (verdict) {
	case DOOR_READY:
		return 0;
	case DOOR_WRONG:
		return 3;
	case DOOR_PLAIN:
	case DOOR_BROKEN:
		return 4;
	case DOOR_REFUSED:
	case DOOR_FAILED:
	case DOOR_ABSENT:
	case DOOR_STOPPED:
	default:
		return 1;
	}
}

void
door_knock(struct caller *c, int fd, const struct net_addr *from,
    struct gate *g)
{
	c->fd = fd;
	c->from = from;
	c->gate = g;
	c->ticket = 0;
	c->wait.until = task_now() + DOOR_HANDSHAKE_MS;
	c->wait.watch = -1;
}

void
door_queue(struct caller *c)
{
	if (c->ticket == 0)
		c->ticket = gate_enter(c->gate, c->fd, c->from);
}

bool
door_leave(struct caller *c)
{
	bool stayed = gate_leave(c->gate, c->ticket);

	c->ticket = 0;
	return stayed;
}

ssize_t
door_read_some(struct caller *c, void *buf, size_t n)
{
	static const struct net_wait now = { 0, -1 };
	ssize_t got;

	for (;;) {
		got = net_read_some(c->fd, buf, n,
		    c->ticket == 0 ? &now : &c->wait);
		if (got > 0)
			return got;
		if (got == -1 && errno == ETIMEDOUT && c->ticket == 0) {
			door_queue(c);
			continue;
		}
		if (got == 0)
			errno = ECONNRESET;
		return -1;
	}
}

int
door_read(struct caller *c, void *buf, size_t n)
{
	uint8_t *p = buf;
	ssize_t got;

	while (n > 0) {
		if ((got = door_read_some(c, p, n)) == -1)
			return -1;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

void
door_silence(struct caller *c)
{
	door_queue(c);
	net_discard(c->fd, &c->wait);
}

void
door_refuse(struct caller *c, uint8_t status)
{
	struct net_wait w = { task_now() + NET_REFUSE_MS, -1 };

	door_queue(c);
	if (net_write(c->fd, &status, 1, &w) == 0)
		net_last_words(c->fd);
}

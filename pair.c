/* SPDX-License-Identifier: MIT */
/* pair.c - who has come to a relay, and whom it came for. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lobby.h"
#include "log.h"
#include "pair.h"
#include "public.h"

enum {
	FIRST_MAX = 4096,		/* a client's first bytes, kept */
	BEATS_MAX = 8,			/* under way when somebody comes */
	TRIES = 3,			/* connections of a server, for one */
	TAKEN_MS = 3000			/* until it says that it is taken */
};

/* What who has come said first: kept until a server has taken it. */
struct first {
	uint8_t bytes[FIRST_MAX];
	size_t n;
	bool raw, ended;		/* a visitor's: more may come */
};

/* More of it has come: hand that on, too.  Returns false if there will not be
 * a pair. */
static bool
take_more(int fd, const struct stream *s, struct first *f,
    const struct net_wait *w)
{
	ssize_t n = net_read_now(s->fd, f->bytes + f->n,
	    sizeof(f->bytes) - f->n);

	if (n == -1)
		return errno == EAGAIN;
	/* The pump meets the end once more. */
	if (n == 0)
		f->ended = true;
	else if (net_write(fd, f->bytes + f->n, (size_t)n, w) == -1)
		return false;
	f->n += (size_t)n;
	return true;
}

/* Wait until the server says something.  A visitor's bytes follow go as they
 * come: to wait with them would be a round trip. */
static bool
await_word(int fd, const struct stream *s, struct first *f,
    const struct net_wait *w)
{
	int fds[2] = { fd, s->fd };
	int i;

	while (f->raw && !f->ended && f->n < sizeof(f->bytes)) {
		i = net_await_any(fds, 2, w->until);
		if (i == 0)
			return true;
		if (i == -1 || !take_more(fd, s, f, w))
			return false;
	}
	return true;
}

/* Say go, with the first bytes, and wait until it is taken. */
static bool
hand_over(int fd, const struct stream *s, enum meet_what what,
    struct first *f)
{
	struct net_wait w = { task_now() + TAKEN_MS, s->fd };
	uint8_t go[MEET_GO + FIRST_MAX], addr[MEET_ADDR], byte = MEET_BEAT;
	int i;

	net_pack(&s->from, addr);
	meet_go_put(what, addr, go);
	memcpy(go + MEET_GO, f->bytes, f->n);
	if (net_write(fd, go, MEET_GO + f->n, &w) == -1)
		return false;
	/* Answers to our last signs of life may come before it. */
	for (i = 0; i < BEATS_MAX && byte == MEET_BEAT; i++) {
		if (!await_word(fd, s, f, &w) ||
		    net_read_some(fd, &byte, 1, &w) != 1)
			return false;
	}
	return byte == MEET_TAKEN;
}

/* Find a connection of the server in this room, and hand over: returns its
 * descriptor, or -1 with a status. */
static int
find_server(struct stream *s, const char *room, enum meet_what what,
    struct first *f, enum meet_status *status)
{
	struct call call;
	bool asked = false, gone;
	int i;

	*status = MEET_NO_SERVER;
	for (i = 0; i < TRIES && !asked; i++) {
		*status = rooms_call(&s->tunnel->rooms, room, &call, s->fd,
		    &asked);
		if (*status != MEET_JOINED)
			return -1;
		if (hand_over(call.fd, s, what, f))
			return call.fd;
		/* The client itself may have gone. */
		gone = errno == ECONNABORTED || errno == ECANCELED;
		/* Or the server may yet take what a visitor said, and nothing
		 * in that keeps it from being done twice. */
		gone = gone || (errno == ETIMEDOUT && f->raw && f->n > 0);
		(void)close(call.fd);
		*status = MEET_NO_SERVER;
		if (gone)
			break;
	}
	return -1;
}

/* Is there room for one more pair, from there?  If not, it was told. */
static bool
take_place(struct stream *s, struct caller *c, const char *name)
{
	struct tunnel *t = s->tunnel;
	char why[80];

	if (!stream_find_room(t)) {
		(void)snprintf(why, sizeof(why), "at the limit of %u pairs "
		    "(--max-conns)", t->max_streams);
		lobby_turn_away(s, c, STATS_FULL, name, why, MEET_FULL);
		return false;
	}
	s->tallied = tally_enter(&t->sources, &s->source, &s->from);
	if (s->tallied)
		return true;
	stream_give_room(t);
	(void)snprintf(why, sizeof(why), "at the limit of %u pairs from one "
	    "address (--max-per-source)", t->sources.max);
	lobby_turn_away(s, c, STATS_SOURCE_FULL, name, why, MEET_FULL);
	return false;
}

static void
give_place(struct stream *s)
{
	if (s->tallied)
		tally_leave(&s->tunnel->sources, &s->source);
	stream_give_room(s->tunnel);
}

/* What a client says first goes to the server before there is a pair. */
static int
join(struct stream *s, struct caller *c, const char *name, const char *room)
{
	static const uint8_t joined = MEET_JOINED;
	struct first f;
	enum meet_status status;
	ssize_t n;
	int fd;

	if ((n = door_read_some(c, f.bytes, sizeof(f.bytes))) == -1) {
		lobby_drop(s, c, name);
		return -1;
	}
	f.n = (size_t)n;
	f.raw = f.ended = false;
	if (!door_leave(c)) {
		(void)close(s->fd);
		return -1;
	}
	if (!take_place(s, c, name))
		return -1;
	fd = find_server(s, room, MEET_CLIENT, &f, &status);
	if (fd == -1) {
		give_place(s);
		if (task_stopping())
			status = MEET_STOPPING;
		lobby_turn_away(s, c, status == MEET_NO_ROOM ? STATS_NO_ROOM :
		    status == MEET_STOPPING ? STATS_DRAINING :
		    STATS_NO_SERVER, name, meet_status_text((uint8_t)status),
		    (int)status);
		return -1;
	}
	s->pump.early = f.n;
	if (net_write_now(s->fd, &joined, 1) == 1)
		return fd;
	(void)close(fd);
	(void)close(s->fd);
	give_place(s);
	return -1;
}

/* Copy, count, and keep to the room's limit. */
static void
carry(struct stream *s, const char *room)
{
	struct stats *stats = &s->tunnel->stats;

	s->pump.stats = stats;
	if (s->tunnel->config->rate > 0) {
		rate_join(&s->tunnel->rates, &s->rate, room, task_now());
		s->pump.rate = &s->rate;
	}
	stats_up(stats, STATS_PAIRS);
	stats_up(stats, STATS_PAIRS_TOTAL);
	stats_bytes(stats, s->pump.early, 0);
	(void)stream_carry(s, s->local.name, room);
	stats_down(stats, STATS_PAIRS);
	if (s->pump.rate != NULL)
		rate_leave(&s->rate);
}

void
pair_dial(struct stream *s, struct caller *c, const char *name)
{
	uint8_t n, text[MEET_ROOM_MAX];
	char room[MEET_ROOM_MAX + 1];
	int fd;

	if (door_read(c, &n, 1) == -1 ||
	    (n >= 1 && n <= MEET_ROOM_MAX && door_read(c, text, n) == -1)) {
		lobby_drop(s, c, name);
		return;
	}
	if (!meet_room_get(text, n, room)) {
		lobby_ignore(s, c, name);
		return;
	}
	if ((fd = join(s, c, name, room)) == -1)
		return;
	conn_tcp(&s->local, s->fd, name);
	conn_tcp(&s->remote, fd, room);
	carry(s, room);
	give_place(s);
}

/* A server for a visitor, who may speak first, or wait to be spoken to. */
static int
meet_visitor(struct stream *s, enum meet_status *status)
{
	bool udp = s->public->udp;
	struct first f;
	int fd;

	f.n = 0;
	f.raw = !udp;
	f.ended = false;
	fd = find_server(s, s->public->room, udp ? MEET_VISITOR_UDP :
	    MEET_VISITOR_TCP, &f, status);
	s->pump.early = f.n;
	return fd;
}

/* Somebody at a published port. */
void
pair_visit(struct task *task)
{
	struct stream *s = (struct stream *)task;
	const char *room = s->public->room;
	char name[NET_NAME_MAX], line[NET_NAME_MAX + 160];
	enum meet_status status;
	int fd;

	net_name(&s->from, name);
	if ((fd = meet_visitor(s, &status)) == -1) {
		(void)snprintf(line, sizeof(line), "no stream for visitor %s "
		    "of room %s: %.60s", name, room,
		    meet_status_text((uint8_t)status));
		(void)stream_complain(s->tunnel, LOG_STREAM, line);
		stats_up(&s->tunnel->stats, STATS_TIMEOUT);
		public_drop(s);
	} else {
		stats_up(&s->tunnel->stats, STATS_VISITORS_TOTAL);
		public_set_local(s, name);
		stream_set_remote(s, fd, room);
		carry(s, room);
	}
	public_over(s);
}

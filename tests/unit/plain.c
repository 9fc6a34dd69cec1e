/* SPDX-License-Identifier: MIT */
/* plain.c - both sides of the plain handshake, and everything that is not
 * one. */

#include "plain.h"
#include "proto.h"
#include "task.h"
#include "unit.h"

enum { DELAY_MS = 1000 };	/* before a wrong token is refused */

static struct gate gate;
static struct token token;
static char why[DOOR_WHY_MAX];
static struct net_addr from;

static void
init(void)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&from.ss;

	REQUIRE(task_init() == 0);
	gate_init(&gate, GATE_MAX);
	memset(&token, 0, sizeof(token));
	memcpy(token.bytes, "secret", 6);
	token.len = 6;
	memset(&from, 0, sizeof(from));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.len = sizeof(*sin);
}

static bool
room(void *arg)
{
	return arg != NULL;
}

/* How many are at the gate? */
static unsigned
waiting(void)
{
	unsigned i, n = 0;

	for (i = 0; i < gate.max; i++)
		n += gate.slot[i].ticket != 0;
	return n;
}

/* The server's side of the handshake on fd. */
static enum door_verdict
accept_from(int fd, bool (*may)(void *), void *arg, char said[DOOR_WHY_MAX])
{
	struct caller c;

	door_knock(&c, fd, &from, &gate);
	return plain_accept(&c, &token, may, arg, said);
}

/* What a client sends, at which pace; and what it got. */
struct client {
	int fd;
	const char *say;
	size_t n, step;
	int pause_ms;
	bool ends, resets;
	char got[8];
	ssize_t ngot;
};

static void *
be_client(void *arg)
{
	struct client *c = arg;
	size_t off, k;

	for (off = 0; off < c->n; off += k) {
		k = c->n - off < c->step ? c->n - off : c->step;
		if (send(c->fd, c->say + off, k, MSG_NOSIGNAL) != (ssize_t)k)
			break;
		unit_sleep(c->pause_ms);
	}
	if (c->resets) {
		unit_reset(c->fd);
		return NULL;
	}
	if (c->ends)
		(void)shutdown(c->fd, SHUT_WR);
	c->ngot = recv(c->fd, c->got, sizeof(c->got), 0);
	if (c->ngot != 1)		/* not accepted: end, so that it can */
		(void)shutdown(c->fd, SHUT_WR);
	return NULL;
}

static void
accepts(void)
{
	static const struct {
		const char *say;
		size_t n, step;
		bool ends, resets, room;
		enum door_verdict verdict;
		int answer;		/* -1: none */
		const char *why;
	} rows[] = {
		{ "\0\6secret", 8, 99, false, false, true, DOOR_READY, 1, "" },
		{ "\0\6secret", 8, 1, false, false, true, DOOR_READY, 1, "" },
		{ "\0\6secret", 8, 99, true, false, true, DOOR_READY, 1, "" },
		{ "\0\6secret", 8, 99, false, false, false, DOOR_REFUSED, 0,
		    "busy" },
		{ "\0\6Secret", 8, 99, true, false, true, DOOR_REFUSED, 0,
		    "wrong token" },
		{ "\0\5secre", 7, 99, true, false, true, DOOR_REFUSED, 0,
		    "wrong token" },
		{ "\0\7secrets", 9, 99, true, false, true, DOOR_REFUSED, 0,
		    "wrong token" },
		{ "\xad\x17", 2, 99, true, false, true, DOOR_REFUSED, 0,
		    "it encrypts, this side does not" },
		{ "\0\6secre", 7, 99, true, false, true, DOOR_BROKEN, -1,
		    NULL },
		{ "\0", 1, 99, true, false, true, DOOR_BROKEN, -1, NULL },
		{ "", 0, 99, true, false, true, DOOR_BROKEN, -1, NULL },
		{ "\0\6secre", 7, 99, false, true, true, DOOR_BROKEN, -1,
		    NULL },
		{ "GET / HTTP/1.1\r\n", 16, 99, true, false, true, DOOR_BROKEN,
		    -1, "not this protocol" },
		{ "\0\0", 2, 99, true, false, true, DOOR_BROKEN, -1,
		    "not this protocol" }
	};
	struct client c;
	pthread_t t;
	size_t i;
	int fd[2];

	init();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		unit_tcp(fd);
		memset(&c, 0, sizeof(c));
		c.fd = fd[1];
		c.say = rows[i].say;
		c.n = rows[i].n;
		c.step = rows[i].step;
		c.pause_ms = rows[i].step == 1 ? 5 : 0;
		c.ends = rows[i].ends;
		c.resets = rows[i].resets;
		c.ngot = -1;
		why[0] = '\0';
		REQUIRE(pthread_create(&t, NULL, be_client, &c) == 0);
		CHECK_EQ(accept_from(fd[0], room, rows[i].room ? &c : NULL,
		    why), rows[i].verdict);
		CHECK_EQ(waiting(), 0);
		if (rows[i].verdict != DOOR_READY)
			net_close_clean(fd[0]);
		(void)pthread_join(t, NULL);
		if (rows[i].answer != -1) {
			CHECK_EQ(c.ngot, 1);
			CHECK_EQ(c.got[0], rows[i].answer);
		} else
			CHECK(c.ngot <= 0);
		if (rows[i].why != NULL)
			CHECK_STR(why, rows[i].why);
		else
			CHECK(why[0] != '\0');
	}
}

/* What stands behind a hello is data and is still there. */
static void
data_behind(void)
{
	char got[8];
	int fd[2];

	init();
	unit_tcp(fd);
	CHECK_EQ(write(fd[1], "\0\6secretdata", 12), 12);
	CHECK_EQ(accept_from(fd[0], room, &gate, why), DOOR_READY);
	CHECK_EQ(recv(fd[0], got, sizeof(got), 0), 4);
	CHECK_BYTES(got, "data", 4);
}

/* Somebody else's arrival may cost us our place while our token is being
 * looked at.  Then the socket is shut for reading, and what a client sends
 * would silently be missing: it must not count as ready. */
static bool
room_for_all(void *arg)
{
	struct net_addr other = from;
	unsigned i;
	int fd[2];

	(void)arg;
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	for (i = 0; i < gate.max; i++)
		gate.slot[i].since -= GATE_GRACE_MS;
	for (i = 0; i < GATE_PER_SOURCE; i++)
		(void)gate_enter(&gate, fd[0], &other);
	return true;
}

static void
evicted(void)
{
	struct client c = { .say = "\0\6secret", .n = 8, .step = 4,
	    .pause_ms = 100, .ngot = -1 };
	enum door_verdict v;
	pthread_t t;
	char byte;
	int fd[2];

	init();
	unit_tcp(fd);
	c.fd = fd[1];
	REQUIRE(pthread_create(&t, NULL, be_client, &c) == 0);
	v = accept_from(fd[0], room_for_all, NULL, why);
	if (v == DOOR_READY) {
		(void)pthread_join(t, NULL);
		CHECK_EQ(recv(fd[0], &byte, 1, MSG_DONTWAIT), -1);
		return;
	}
	CHECK_EQ(v, DOOR_BROKEN);
	unit_reset(fd[0]);
	(void)pthread_join(t, NULL);
	CHECK(c.ngot <= 0);
}

/* A wrong token waits for a second, a right one beside it does not, and a
 * second wrong one of that source does not either. */
static void *
guess(void *arg)
{
	struct client *c = arg;
	int64_t begin = task_now();

	(void)be_client(c);
	c->pause_ms = (int)(task_now() - begin);
	return NULL;
}

static void *
serve(void *arg)
{
	char unused[DOOR_WHY_MAX];
	int fd = *(int *)arg;

	if (accept_from(fd, room, &gate, unused) != DOOR_READY)
		net_close_clean(fd);
	return NULL;
}

static void
delays(void)
{
	static const char *const say[] = {
		"\0\6Secret", "\0\6Secret", "\0\6secret"
	};
	struct client c[3];
	pthread_t t[3], s[3];
	int fd[3][2], i;

	init();
	for (i = 0; i < 3; i++) {
		unit_tcp(fd[i]);
		memset(&c[i], 0, sizeof(c[i]));
		c[i].fd = fd[i][1];
		c[i].say = say[i];
		c[i].n = c[i].step = 8;
		REQUIRE(pthread_create(&t[i], NULL, guess, &c[i]) == 0);
		REQUIRE(pthread_create(&s[i], NULL, serve, &fd[i][0]) == 0);
		unit_sleep(50);
	}
	for (i = 0; i < 3; i++) {
		(void)pthread_join(t[i], NULL);
		unit_row("client %d", i);
		CHECK_EQ(c[i].ngot, 1);
		CHECK_EQ(c[i].got[0], i == 2);
		CHECK_EQ(c[i].pause_ms >= DELAY_MS - 50, i == 0);
		(void)shutdown(c[i].fd, SHUT_WR);
	}
	for (i = 0; i < 3; i++)
		(void)pthread_join(s[i], NULL);
	CHECK_EQ(waiting(), 0);
}

static void *
stop_soon(void *arg)
{
	(void)arg;
	unit_sleep(50);
	task_stop();
	return NULL;
}

static void
stopped(void)
{
	int64_t begin;
	pthread_t t;
	int fd[2];

	init();
	unit_tcp(fd);
	begin = task_now();
	REQUIRE(pthread_create(&t, NULL, stop_soon, NULL) == 0);
	CHECK_EQ(accept_from(fd[0], room, &gate, why), DOOR_STOPPED);
	CHECK(unit_within(task_now() - begin, 1000));
	CHECK_EQ(waiting(), 0);
	(void)pthread_join(t, NULL);
}

/* The client's side, against a server that does as the row says. */
struct server {
	int lfd;
	const char *answer;
	size_t n;
	bool resets;
	char got[16];
	ssize_t ngot;
};

static void *
be_server(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->lfd, NULL, NULL);

	s->ngot = recv(fd, s->got, 8, MSG_WAITALL);
	(void)send(fd, s->answer, s->n, MSG_NOSIGNAL);
	if (s->resets)
		unit_reset(fd);
	else
		(void)close(fd);
	return NULL;
}

static void
dials(void)
{
	static const struct {
		const char *answer;
		size_t n;
		bool resets;
		enum door_verdict verdict;
		const char *why;	/* its end */
	} rows[] = {
		{ "\1", 1, false, DOOR_READY, "" },
		{ "\1data", 5, false, DOOR_READY, "" },
		{ "\0", 1, false, DOOR_REFUSED, "refused: wrong token, "
		    "busy, or the server encrypts (leave out --plain)" },
		{ "", 0, false, DOOR_BROKEN, "during the handshake" },
		{ "", 0, true, DOOR_BROKEN, "Connection reset by peer" },
		{ "\2", 1, false, DOOR_BROKEN, "no adit server" },
		{ "SSH-2.0", 7, false, DOOR_BROKEN, "no adit server" }
	};
	struct sockaddr_in sin;
	struct net_addr peer;
	struct hostport hp = { "127.0.0.1", 0 };
	struct server s;
	unsigned before;
	pthread_t t;
	char got[8];
	size_t i, n;
	int fd;

	init();
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		memset(&s, 0, sizeof(s));
		s.lfd = unit_listener(&sin, 1);
		s.answer = rows[i].answer;
		s.n = rows[i].n;
		s.resets = rows[i].resets;
		hp.port = ntohs(sin.sin_port);
		before = unit_open_fds();
		REQUIRE(pthread_create(&t, NULL, be_server, &s) == 0);
		why[0] = '\0';
		fd = -1;
		CHECK_EQ(plain_dial(&hp, &token, -1, &fd, &peer, why),
		    rows[i].verdict);
		(void)pthread_join(t, NULL);
		CHECK_EQ(s.ngot, 8);
		CHECK_BYTES(s.got, "\0\6secret", 8);
		n = strlen(why);
		CHECK(n >= strlen(rows[i].why));
		CHECK_STR(why + n - strlen(rows[i].why), rows[i].why);
		if (fd != -1) {
			CHECK_EQ(recv(fd, got, 8, 0), (ssize_t)rows[i].n - 1);
			(void)close(fd);
		}
		CHECK_EQ(unit_open_fds(), before);
		(void)close(s.lfd);
	}
	CHECK_EQ(plain_dial(&hp, &token, -1, &fd, &peer, why), DOOR_FAILED);
	CHECK(strstr(why, "refused (is the server running?)") != NULL);
}

int
main(void)
{
	unit_case("plain: accepts, refuses, drops", accepts);
	unit_case("plain: data behind a hello", data_behind);
	unit_case("plain: evicted at the last moment", evicted);
	unit_case("plain: only one wrong token waits", delays);
	unit_case("plain: a stop", stopped);
	unit_case("plain: dials", dials);
	return unit_end();
}

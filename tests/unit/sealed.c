/* SPDX-License-Identifier: MIT */
/* sealed.c - the sealed handshakes over real sockets: both sides against each
 * other, and each against everything that is none. */

#include "entropy.h"
#include "sealed.h"
#include "secret.h"
#include "task.h"
#include "unit.h"

static struct gate gate;
static struct turns turns;
static struct net_addr from;
static uint8_t w[BEAR_SCALAR], other_w[BEAR_SCALAR];

static void
init(void)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&from.ss;

	REQUIRE(task_init() == 0);
	REQUIRE(entropy_init() == 0);
	gate_init(&gate, GATE_MAX);
	turn_init(&turns, true);
	memset(&from, 0, sizeof(from));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.len = sizeof(*sin);
	bear_sha256("w", 1, w);
	bear_sha256("another w", 9, other_w);
	REQUIRE(bear_p256_scalar(w) && bear_p256_scalar(other_w));
}

static unsigned
waiting(void)
{
	unsigned i, n = 0;

	for (i = 0; i < gate.max; i++)
		n += gate.slot[i].ticket != 0;
	return n;
}

/* Begin to count guesses: with a weak token each that is not given back can be
 * seen for a second. */
static void
count_guesses(void)
{
	turn_init(&turns, false);
}

static int
guesses_lost(void)
{
	int64_t late = turns.guess.full_at - task_now();

	return late <= 0 ? 0 :
	    (int)((late + GUESS_EVERY_MS - 1) / GUESS_EVERY_MS);
}

static bool
begin(struct kex *k, const uint8_t *w_, const uint8_t *x)
{
	kex_init(k, KEX_KIND_LINK, "");
	return kex_client_start(k, w_, x);
}

/* The server's side of one handshake, in a thread of its own. */
struct server {
	pthread_t t;
	int lfd, fd;			/* lfd -1: fd is there already */
	enum door_verdict verdict;
	struct sealed_caller who;
	char why[DOOR_WHY_MAX];
	int lost;
};

static void *
serve(void *arg)
{
	struct server *s = arg;
	struct net_addr peer;
	struct caller c;

	if (s->lfd != -1) {
		do
			s->fd = net_accept(s->lfd, &peer);
		while (s->fd == -1 && errno == ETIMEDOUT);
	}
	REQUIRE(s->fd != -1);
	door_knock(&c, s->fd, &from, &gate);
	s->verdict = sealed_accept(&c, w, "", &turns, &s->who, s->why);
	s->lost = guesses_lost();
	(void)door_leave(&c);
	if (s->verdict != DOOR_READY)
		net_close_clean(s->fd);
	return NULL;
}

static void
start_server(struct server *s, int lfd, int fd)
{
	memset(s, 0, sizeof(*s));
	s->lfd = lfd;
	s->fd = fd;
	REQUIRE(pthread_create(&s->t, NULL, serve, s) == 0);
}

/* Does this text end so? */
static void
check_end(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	CHECK_STR(n >= k ? text + n - k : text, end);
}

/* A record each way, under the link's keys of both sides. */
static void
talk(int client, const struct kex_keys *ck, int server,
    const struct kex_keys *sk)
{
	struct net_wait wait = { task_now() + 10000, -1 };
	struct seal *c, *s;
	enum record_type type;
	const uint8_t *out;
	uint8_t *body;
	size_t n, room;

	REQUIRE((c = sealed_link_new(ck, KEX_CLIENT)) != NULL);
	REQUIRE((s = sealed_link_new(sk, KEX_SERVER)) != NULL);
	CHECK_EQ(seal_put(c, RECORD_CONTROL, "ping", 4), 0);
	CHECK_EQ(sealed_flush(c, client, &wait), 0);
	CHECK_EQ(sealed_read(s, server, &wait, &type, &body, &n), 0);
	CHECK_EQ(type, RECORD_CONTROL);
	CHECK_EQ(n, 4);
	CHECK_BYTES(body, "ping", 4);
	CHECK_EQ(sealed_flush(s, server, &wait), 0);	/* nothing to send */
	CHECK_EQ(seal_put(s, RECORD_CONTROL, "pong", 4), 0);
	CHECK_EQ(sealed_flush(s, server, &wait), 0);
	CHECK_EQ(sealed_read(c, client, &wait, &type, &body, &n), 0);
	CHECK_BYTES(body, "pong", 4);
	/* Each direction has a key of its own: what goes back is refused. */
	CHECK_EQ(seal_put(c, RECORD_CONTROL, "ping", 4), 0);
	out = seal_pending(c, &n);
	body = seal_room(c, &room);
	REQUIRE(room >= n);
	memcpy(body, out, n);
	seal_came(c, n);
	CHECK_EQ(seal_get(c, &type, &body, &n), CRYPT_BAD);
	seal_free(c);
	seal_free(s);
}

static void
right_token(void)
{
	struct hostport hp = { "127.0.0.1", 0 };
	struct kex_keys keys, before;
	struct sockaddr_in sin;
	struct net_addr peer;
	char why[DOOR_WHY_MAX];
	struct server s;
	int lfd, fd, i;

	init();
	lfd = unit_listener(&sin, 4);
	hp.port = ntohs(sin.sin_port);
	memset(&before, 0, sizeof(before));
	for (i = 0; i < 3; i++) {
		unit_row("handshake %d", i);
		count_guesses();
		start_server(&s, lfd, -1);
		why[0] = '\0';
		CHECK_EQ(sealed_dial(&hp, "", w, &fd, &peer, &keys, why),
		    DOOR_READY);
		(void)pthread_join(s.t, NULL);
		CHECK_EQ(s.verdict, DOOR_READY);
		CHECK_EQ(s.who.kind, KEX_KIND_LINK);
		CHECK_STR(why, "");
		CHECK_EQ(waiting(), 0);
		CHECK_EQ(s.lost, 0);
		CHECK_BYTES(keys.prk, s.who.keys.prk, BEAR_HASH);
		CHECK_BYTES(keys.sid, s.who.keys.sid, KEX_SID);
		CHECK_EQ(keys.suite, s.who.keys.suite);
		CHECK_EQ(keys.suite, (bear_suites() & BEAR_AES256_GCM) ?
		    BEAR_AES256_GCM : BEAR_CHACHA20_POLY1305);
		/* Each session has keys of its own. */
		CHECK(memcmp(keys.prk, before.prk, BEAR_HASH) != 0);
		CHECK(memcmp(keys.sid, before.sid, KEX_SID) != 0);
		before = keys;
		CHECK_EQ(ntohs(((struct sockaddr_in *)&peer.ss)->sin_port),
		    hp.port);
		talk(fd, &keys, s.fd, &s.who.keys);
		(void)close(fd);
		(void)close(s.fd);
	}
	CHECK_EQ(turns.open.n, 0);
	CHECK(turns.computing == NULL);
}

/* The client sees it first, and says nothing more; the server counts that as
 * a guess. */
static void
wrong_token(void)
{
	struct hostport hp = { "127.0.0.1", 0 };
	struct kex_keys keys;
	struct sockaddr_in sin;
	struct net_addr peer;
	char why[DOOR_WHY_MAX];
	struct server s;
	unsigned before;
	int lfd, fd = -1;

	init();
	lfd = unit_listener(&sin, 1);
	hp.port = ntohs(sin.sin_port);
	before = unit_open_fds();
	count_guesses();
	start_server(&s, lfd, -1);
	CHECK_EQ(sealed_dial(&hp, "", other_w, &fd, &peer, &keys, why),
	    DOOR_WRONG);
	CHECK_STR(why, "refused: wrong token (or somebody in between)");
	CHECK_EQ(fd, -1);
	(void)pthread_join(s.t, NULL);
	CHECK_EQ(s.verdict, DOOR_REFUSED);
	CHECK_STR(s.why, "wrong token, or it gave up");
	CHECK_EQ(s.lost, 1);
	CHECK_EQ(turns.open.n, 0);
	CHECK_EQ(unit_open_fds(), before);
}

/* Strangers: what they say, how they go on, what they hear. */
struct stranger {
	const char *say;
	size_t n, step;
	bool ends;			/* then, or reads on */
	int hears;			/* a status; -1: nothing */
	enum door_verdict verdict;
	const char *why;
};

/* Somebody has had a turn, since count_guesses(), and it is over. */
static bool
has_had_its_turn(void)
{
	bool had;

	(void)pthread_mutex_lock(&turns.mu);
	had = turns.guess.source[0].served > 0 && turns.computing == NULL &&
	    turns.open.n == 0;
	(void)pthread_mutex_unlock(&turns.mu);
	return had;
}

static const char m1_head[] = "\xad\x17\1\1\1";

static void
strangers(void)
{
	static char bad_point[KEX_M1], no_suite[KEX_M1], stream[KEX_HELLO];
	static char cut[KEX_M1];
	static const struct stranger rows[] = {
		{ "\0\6secret", 8, 9, false, KEX_NOT_SEALED, DOOR_REFUSED,
		    "it does not encrypt (--plain), this side does" },
		{ "\0\1", 2, 1, false, KEX_NOT_SEALED, DOOR_REFUSED,
		    "it does not encrypt (--plain), this side does" },
		{ "\4\0", 2, 9, true, KEX_NOT_SEALED, DOOR_REFUSED,
		    "it does not encrypt (--plain), this side does" },
		{ "\xad\x17\2\1", 4, 9, false, KEX_VERSION, DOOR_REFUSED,
		    "it speaks another version of the protocol" },
		{ "\xad\x17\0\2....", 8, 1, false, KEX_VERSION, DOOR_REFUSED,
		    "it speaks another version of the protocol" },
		{ "\xad\x17\1\3", 4, 9, true, -1, DOOR_BROKEN,
		    "not this protocol" },
		{ "\xad\x17\1\0", 4, 1, true, -1, DOOR_BROKEN,
		    "not this protocol" },
		{ "\xad\x16\1\1", 4, 9, true, -1, DOOR_BROKEN,
		    "not this protocol" },
		{ "\0\0", 2, 9, true, -1, DOOR_BROKEN, "not this protocol" },
		{ "\4\1", 2, 9, true, -1, DOOR_BROKEN, "not this protocol" },
		{ "GET / HTTP/1.1\r\n\r\n", 18, 9, true, -1, DOOR_BROKEN,
		    "not this protocol" },
		{ "SSH-2.0-x\r\n", 11, 1, true, -1, DOOR_BROKEN,
		    "not this protocol" },
		{ bad_point, KEX_M1, 99, true, -1, DOOR_BROKEN,
		    "its first message is not valid" },
		{ no_suite, KEX_M1, 99, true, -1, DOOR_BROKEN,
		    "its first message is not valid" },
		{ "", 0, 1, true, -1, DOOR_BROKEN,
		    "Connection reset by peer" },
		{ "\xad", 1, 1, true, -1, DOOR_BROKEN,
		    "Connection reset by peer" },
		{ "\xad\x17", 2, 9, true, -1, DOOR_BROKEN,
		    "Connection reset by peer" },
		{ "\xad\x17\1", 3, 9, true, -1, DOOR_BROKEN,
		    "Connection reset by peer" },
		{ "\xad\x17\1\1", 4, 9, true, -1, DOOR_BROKEN,
		    "Connection reset by peer" },
		{ cut, KEX_M1 - 1, 99, true, -1, DOOR_BROKEN,
		    "Connection reset by peer" },
		{ "\xad\x17\1\2", 4, 9, true, -1, DOOR_BROKEN,
		    "Connection reset by peer" },
		{ stream, KEX_HELLO - 1, 99, true, -1, DOOR_BROKEN,
		    "Connection reset by peer" },
		{ stream, KEX_HELLO, 99, false, -1, DOOR_READY, "" },
		{ stream, KEX_HELLO, 1, false, -1, DOOR_READY, "" }
	};
	const struct stranger *r;
	struct server s;
	size_t i, off, k;
	uint8_t got[4];
	ssize_t n;
	int fd[2];

	init();
	memcpy(bad_point, m1_head, 5);
	memcpy(no_suite, m1_head, 4);
	no_suite[4] = 2;
	memcpy(no_suite + 5, bear_p256_generator(), BEAR_POINT);
	memcpy(cut, m1_head, 5);
	memcpy(cut + 5, bear_p256_generator(), BEAR_POINT);
	unit_fill((uint8_t *)stream, sizeof(stream), 3);
	memcpy(stream, "\xad\x17\1\2\1", 5);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		r = &rows[i];
		unit_row("row %zu", i);
		unit_tcp(fd);
		count_guesses();
		start_server(&s, -1, fd[0]);
		for (off = 0; off < r->n; off += k) {
			k = r->n - off < r->step ? r->n - off : r->step;
			CHECK_EQ(send(fd[1], r->say + off, k, MSG_NOSIGNAL),
			    (ssize_t)k);
			if (r->step == 1)
				unit_sleep(2);
		}
		/* Who is gone when its turn comes is not looked at. */
		if (r->say == bad_point || r->say == no_suite)
			UNIT_AWAIT(has_had_its_turn());
		if (r->ends)
			(void)shutdown(fd[1], SHUT_WR);
		if (r->verdict != DOOR_READY) {
			n = recv(fd[1], got, sizeof(got), 0);
			if (r->hears == -1)
				CHECK(n <= 0);
			else {
				CHECK_EQ(n, 1);
				CHECK_EQ(got[0], r->hears);
				CHECK_EQ(recv(fd[1], got, 1, 0), 0);
			}
			(void)shutdown(fd[1], SHUT_WR);
		}
		(void)pthread_join(s.t, NULL);
		CHECK_EQ(s.verdict, r->verdict);
		CHECK_EQ(s.lost, 0);
		if (s.verdict == DOOR_READY) {
			CHECK_EQ(s.who.kind, KEX_KIND_STREAM);
			CHECK_BYTES(s.who.hello, stream, KEX_HELLO);
			(void)close(fd[0]);
		} else
			CHECK_STR(s.why, r->why);
		CHECK_EQ(waiting(), 0);
		CHECK_EQ(turns.open.n, 0);
		(void)close(fd[1]);
	}
}

/* A client that does everything right up to m3. */
static void
third_message(void)
{
	static const struct {
		int how;		/* 0: m3, 1: bytewise, 2: wrong, 3: cut,
					 * 4: closed, 5: reset, 6: cB back */
		enum door_verdict verdict;
		int hears;
		const char *why;
		int lost;
	} rows[] = {
		{ 0, DOOR_READY, -1, "", 0 },
		{ 1, DOOR_READY, -1, "", 0 },
		{ 2, DOOR_REFUSED, KEX_WRONG_TOKEN, "wrong token", 1 },
		{ 3, DOOR_REFUSED, -1, "wrong token, or it gave up", 1 },
		{ 4, DOOR_REFUSED, -1, "wrong token, or it gave up", 1 },
		{ 5, DOOR_REFUSED, -1, "wrong token, or it gave up", 1 },
		{ 6, DOOR_REFUSED, KEX_WRONG_TOKEN, "wrong token", 1 }
	};
	uint8_t x[BEAR_SCALAR], m2[KEX_M2], got[2];
	struct server s;
	struct kex k;
	size_t i, j;
	int fd[2];

	init();
	bear_sha256("x", 1, x);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		count_guesses();
		unit_tcp(fd);
		start_server(&s, -1, fd[0]);
		REQUIRE(begin(&k, w, x));
		CHECK_EQ(send(fd[1], k.m1, KEX_M1, 0), KEX_M1);
		CHECK_EQ(recv(fd[1], m2, KEX_M2, MSG_WAITALL), KEX_M2);
		CHECK_EQ(m2[0], KEX_GO_ON);
		CHECK(kex_client_finish(&k, m2));
		/* Nothing is said before the right m3. */
		unit_sleep(20);
		CHECK_EQ(recv(fd[1], got, 1, MSG_DONTWAIT), -1);
		if (rows[i].how == 2)
			k.m3[7] ^= 0x10;
		else if (rows[i].how == 6)
			memcpy(k.m3, m2 + KEX_M2 - BEAR_HASH, BEAR_HASH);
		if (rows[i].how == 1) {
			for (j = 0; j < KEX_M3; j++) {
				CHECK_EQ(send(fd[1], k.m3 + j, 1, 0), 1);
				unit_sleep(1);
			}
		} else if (rows[i].how == 3) {
			CHECK_EQ(send(fd[1], k.m3, KEX_M3 - 1, 0), KEX_M3 - 1);
			(void)shutdown(fd[1], SHUT_WR);
		} else if (rows[i].how == 4)
			(void)shutdown(fd[1], SHUT_WR);
		else if (rows[i].how == 5)
			unit_reset(fd[1]);
		else
			CHECK_EQ(send(fd[1], k.m3, KEX_M3, 0), KEX_M3);
		if (rows[i].hears != -1) {
			CHECK_EQ(recv(fd[1], got, 2, MSG_WAITALL), 1);
			CHECK_EQ(got[0], rows[i].hears);
			(void)shutdown(fd[1], SHUT_WR);
		}
		(void)pthread_join(s.t, NULL);
		CHECK_EQ(s.verdict, rows[i].verdict);
		CHECK_EQ(s.lost, rows[i].lost);
		if (s.verdict == DOOR_READY) {
			CHECK_BYTES(s.who.keys.prk, k.keys.prk, BEAR_HASH);
			(void)close(fd[0]);
		} else
			CHECK_STR(s.why, rows[i].why);
		CHECK_EQ(turns.open.n, 0);
		CHECK_EQ(waiting(), 0);
		if (rows[i].how != 5)
			(void)close(fd[1]);
	}
}

/* Too many before it: that is said, and costs nothing. */
static void
crowded(void)
{
	uint8_t x[BEAR_SCALAR], got[2];
	struct server s;
	struct kex k;
	int fd[2];

	init();
	count_guesses();
	bear_sha256("x", 1, x);
	REQUIRE(begin(&k, w, x));
	unit_tcp(fd);
	turns.waiting.n = TURN_WAITING_MAX;	/* as if they were there */
	start_server(&s, -1, fd[0]);
	CHECK_EQ(send(fd[1], k.m1, KEX_M1, 0), KEX_M1);
	CHECK_EQ(recv(fd[1], got, 2, MSG_WAITALL), 1);
	CHECK_EQ(got[0], KEX_CROWDED);
	(void)shutdown(fd[1], SHUT_WR);
	(void)pthread_join(s.t, NULL);
	CHECK_EQ(s.verdict, DOOR_REFUSED);
	CHECK_STR(s.why, "too many handshakes at once");
	CHECK_EQ(s.lost, 0);
	CHECK_EQ(waiting(), 0);
}

/* Servers of all kinds, that the client meets. */
struct impostor {
	pthread_t t;
	int lfd;
	const uint8_t *say;
	size_t n, step;
	bool resets;
	uint8_t got[KEX_M1 + KEX_M3 + 1];
	size_t ngot;			/* m1, and what came after the answer */
};

static void *
impose(void *arg)
{
	struct impostor *im = arg;
	int fd = accept(im->lfd, NULL, NULL);
	size_t off, k;
	ssize_t n;

	im->ngot = (size_t)recv(fd, im->got, KEX_M1, MSG_WAITALL);
	for (off = 0; off < im->n; off += k) {
		k = im->n - off < im->step ? im->n - off : im->step;
		if (send(fd, im->say + off, k, MSG_NOSIGNAL) == -1)
			break;
		if (im->step == 1)
			unit_sleep(1);
	}
	if (im->resets)
		unit_reset(fd);
	else {
		(void)shutdown(fd, SHUT_WR);
		while (im->ngot < sizeof(im->got) && (n = recv(fd, im->got +
		    im->ngot, sizeof(im->got) - im->ngot, 0)) > 0)
			im->ngot += (size_t)n;
		(void)close(fd);
	}
	return NULL;
}

static void
impostors(void)
{
	static uint8_t m2[KEX_M2], off_curve[KEX_M2], suite[KEX_M2];
	static const struct {
		const uint8_t *say;
		size_t n, step;
		bool resets;
		enum door_verdict verdict;
		const char *why;	/* its end */
	} rows[] = {
		{ (const uint8_t *)"\0", 1, 9, false, DOOR_PLAIN,
		    "the other side, or something in between, does not "
		    "encrypt; refused" },
		{ (const uint8_t *)"\x21", 1, 9, false, DOOR_REFUSED,
		    "refused: the server speaks another version of the "
		    "protocol" },
		{ (const uint8_t *)"\x22", 1, 9, false, DOOR_REFUSED,
		    "refused for now: too many handshakes at the server" },
		{ (const uint8_t *)"\x25", 1, 9, false, DOOR_REFUSED,
		    "refused: the server says that our token is wrong" },
		/* What a link has no use for, and what nobody says. */
		{ (const uint8_t *)"\x23", 1, 9, false, DOOR_BROKEN,
		    "the other side is no adit server" },
		{ (const uint8_t *)"\1", 1, 9, false, DOOR_BROKEN,
		    "the other side is no adit server" },
		{ (const uint8_t *)"\x24", 1, 9, false, DOOR_BROKEN,
		    "the other side is no adit server" },
		{ (const uint8_t *)"HTTP/1.1 400 Bad Request\r\n", 26, 9,
		    false, DOOR_BROKEN, "the other side is no adit server" },
		{ (const uint8_t *)"SSH-2.0\r\n", 9, 1, false, DOOR_BROKEN,
		    "the other side is no adit server" },
		{ (const uint8_t *)"", 0, 9, false, DOOR_BROKEN,
		    "the server closed the connection during the handshake" },
		{ (const uint8_t *)"", 0, 9, true, DOOR_BROKEN,
		    "the server closed the connection during the handshake" },
		{ m2, 1, 9, false, DOOR_BROKEN, NULL },
		{ m2, KEX_M2 - 1, 99, false, DOOR_BROKEN, NULL },
		{ m2, KEX_M2 - 1, 99, true, DOOR_BROKEN, NULL },
		/* A share that is one, of somebody who does not know w. */
		{ m2, KEX_M2, 99, false, DOOR_WRONG,
		    "wrong token (or somebody in between)" },
		{ m2, KEX_M2, 1, false, DOOR_WRONG,
		    "wrong token (or somebody in between)" },
		{ off_curve, KEX_M2, 99, false, DOOR_WRONG,
		    "wrong token (or somebody in between)" },
		{ suite, KEX_M2, 99, false, DOOR_WRONG,
		    "wrong token (or somebody in between)" }
	};
	struct hostport hp = { "127.0.0.1", 0 };
	struct kex_keys keys;
	struct sockaddr_in sin;
	struct net_addr peer;
	char why[DOOR_WHY_MAX];
	struct impostor im;
	unsigned before;
	size_t i;
	int fd;

	init();
	m2[0] = KEX_GO_ON;
	m2[1] = BEAR_CHACHA20_POLY1305;
	memcpy(m2 + 2, bear_p256_generator(), BEAR_POINT);
	memcpy(off_curve, m2, sizeof(m2));
	off_curve[50] ^= 1;
	memcpy(suite, m2, sizeof(m2));
	suite[1] = 4;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu", i);
		memset(&im, 0, sizeof(im));
		im.lfd = unit_listener(&sin, 1);
		im.say = rows[i].say;
		im.n = rows[i].n;
		im.step = rows[i].step;
		im.resets = rows[i].resets;
		hp.port = ntohs(sin.sin_port);
		before = unit_open_fds();
		REQUIRE(pthread_create(&im.t, NULL, impose, &im) == 0);
		fd = -1;
		why[0] = '\0';
		CHECK_EQ(sealed_dial(&hp, "", w, &fd, &peer, &keys, why),
		    rows[i].verdict);
		(void)pthread_join(im.t, NULL);
		CHECK_EQ(fd, -1);
		if (rows[i].why != NULL)
			check_end(why, rows[i].why);
		CHECK(why[0] != '\0');
		/* m1, and never a word behind it. */
		CHECK_EQ(im.ngot, KEX_M1);
		CHECK_BYTES(im.got, "\xad\x17\1\1", 4);
		CHECK_EQ(im.got[4], bear_suites());
		CHECK_EQ(unit_open_fds(), before);
		(void)close(im.lfd);
	}
	unit_row("nobody there");
	CHECK_EQ(sealed_dial(&hp, "", w, &fd, &peer, &keys, why), DOOR_FAILED);
	check_end(why, "refused (is the server running?)");
}

/* Somebody in between who changes one byte of what passes; the handshake goes
 * wrong for both, or for one of them before the other has done anything. */
struct between {
	pthread_t t;
	int lfd, port;
	int message;			/* 1, 2 or 3 */
	size_t at;
};

static void
pass(int in, int out, size_t n, long flip)
{
	uint8_t buf[KEX_M2];
	ssize_t got = recv(in, buf, n, MSG_WAITALL);

	if (got <= 0)
		return;
	if (flip >= 0 && flip < got)
		buf[flip] ^= 0x20;
	(void)send(out, buf, (size_t)got, MSG_NOSIGNAL);
}

static void *
be_between(void *arg)
{
	struct between *b = arg;
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)b->port) };
	int client = accept(b->lfd, NULL, NULL);
	int server = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	REQUIRE(connect(server, (struct sockaddr *)&to, sizeof(to)) == 0);
	unit_timeouts(client, 300);
	unit_timeouts(server, 300);
	pass(client, server, KEX_M1, b->message == 1 ? (long)b->at : -1);
	pass(server, client, KEX_M2, b->message == 2 ? (long)b->at : -1);
	pass(client, server, KEX_M3, b->message == 3 ? (long)b->at : -1);
	(void)shutdown(client, SHUT_WR);
	(void)shutdown(server, SHUT_WR);
	pass(server, client, 1, -1);
	(void)close(client);
	(void)close(server);
	return NULL;
}

static void
in_between(void)
{
	static const struct {
		int message;
		size_t at;
		enum door_verdict client, server;
	} rows[] = {
		{ 0, 0, DOOR_READY, DOOR_READY },
		{ 1, 4, DOOR_WRONG, DOOR_REFUSED },	/* suites */
		{ 1, 30, DOOR_BROKEN, DOOR_BROKEN },	/* no point */
		{ 1, 2, DOOR_REFUSED, DOOR_REFUSED },	/* version */
		{ 1, 1, DOOR_BROKEN, DOOR_BROKEN },
		{ 2, 0, DOOR_PLAIN, DOOR_REFUSED },	/* made 00 */
		{ 2, 1, DOOR_WRONG, DOOR_REFUSED },
		{ 2, 40, DOOR_WRONG, DOOR_REFUSED },
		{ 2, 90, DOOR_WRONG, DOOR_REFUSED },
		{ 3, 0, DOOR_READY, DOOR_REFUSED },
		{ 3, 31, DOOR_READY, DOOR_REFUSED }
	};
	struct hostport hp = { "127.0.0.1", 0 };
	struct kex_keys keys;
	struct sockaddr_in sin;
	struct net_addr peer;
	char why[DOOR_WHY_MAX];
	struct between b;
	struct server s;
	size_t i;
	int lfd, fd;

	init();
	lfd = unit_listener(&sin, 4);
	b.port = ntohs(sin.sin_port);
	b.lfd = unit_listener(&sin, 4);
	hp.port = ntohs(sin.sin_port);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("byte %zu of m%d", rows[i].at, rows[i].message);
		b.message = rows[i].message;
		b.at = rows[i].at;
		start_server(&s, lfd, -1);
		REQUIRE(pthread_create(&b.t, NULL, be_between, &b) == 0);
		CHECK_EQ(sealed_dial(&hp, "", w, &fd, &peer, &keys, why),
		    rows[i].client);
		if (rows[i].client == DOOR_READY)
			(void)close(fd);
		(void)pthread_join(b.t, NULL);
		(void)pthread_join(s.t, NULL);
		CHECK_EQ(s.verdict, rows[i].server);
		if (s.verdict == DOOR_READY)
			(void)close(s.fd);
	}
}

/* Streams ----------------------------------------------------------------- */

static struct kex_keys session;

static void
make_session(void)
{
	init();
	unit_fill(session.prk, sizeof(session.prk), 1);
	unit_fill(session.sid, sizeof(session.sid), 2);
	session.suite = BEAR_CHACHA20_POLY1305;
}

/* Who answers a stream's hello, and how. */
enum answer_kind {
	OPENS, REFUSES, NO_SESSION, CROWDED, HALF, NO_RECORD, GARBAGE,
	OTHER_KEYS, OTHER_RA, DATA_FIRST, BAD_REASON, CLOSES, SECOND_FIRST
};
struct acceptor {
	pthread_t t;
	int fd;
	enum record_use use;
	enum answer_kind kind;
	size_t nearly;			/* what comes behind OPEN */
	struct kex_hello hello;
	struct ctl open;
	uint8_t early[5000];
	size_t got;
};

/* Read what is there behind OPEN. */
static void
read_early(struct acceptor *a, struct seal *s, const struct net_wait *wait)
{
	enum record_type type;
	uint8_t *body;
	size_t n;

	while (a->got < a->nearly &&
	    sealed_read(s, a->fd, wait, &type, &body, &n) == 0) {
		CHECK_EQ(type, a->use == RECORD_FLOW ? RECORD_DATAGRAM :
		    RECORD_DATA);
		memcpy(a->early + a->got, body, n);
		a->got += n;
	}
}

static void *
accept_stream(void *arg)
{
	struct acceptor *a = arg;
	struct net_wait wait = { task_now() + 10000, -1 };
	struct ctl no = { .reason = CTL_UNREACHABLE, .text = "no db" };
	uint8_t hello[KEX_HELLO], r[KEX_ANSWER + CRYPT_OVERHEAD], text[300];
	struct seal_keys both = { .suite = session.suite };
	struct kex_keys keys = session;
	enum record_type type;
	struct seal *s;
	uint8_t *body;
	size_t n;

	REQUIRE(recv(a->fd, hello, KEX_HELLO, MSG_WAITALL) == KEX_HELLO);
	CHECK_EQ(kex_kind(hello), KEX_KIND_STREAM);
	CHECK(kex_hello_get(&a->hello, hello));
	unit_fill(r, sizeof(r), 9);
	r[0] = KEX_GO_ON;
	r[KEX_ANSWER] = 0;		/* a record's length, which is right */
	r[KEX_ANSWER + 1] = CRYPT_LEN_MIN;
	kex_dialler_keys(&keys, hello, both.in);
	if (a->kind == OTHER_KEYS)
		keys.prk[0] ^= 1;
	kex_acceptor_keys(&keys, hello, r, both.out);
	REQUIRE((s = seal_new(a->use, false, &both)) != NULL);
	CHECK_EQ(sealed_read(s, a->fd, &wait, &type, &body, &n), 0);
	CHECK_EQ(type, RECORD_OPEN);
	CHECK(ctl_open_get(&a->open, body, n));
	read_early(a, s, &wait);
	if (a->kind == REFUSES || a->kind == BAD_REASON) {
		no.reason = a->kind == REFUSES ? CTL_UNREACHABLE : 99;
		n = ctl_refused_put(&no, text);
		(void)seal_put(s, RECORD_REFUSED, text, n);
	} else if (a->kind == DATA_FIRST)
		(void)crypt_seal(&s->out.record.crypt, RECORD_DATA, "x", 1,
		    &s->out.wire);
	else if (a->kind == SECOND_FIRST)
		(void)crypt_seal(&s->out.record.crypt, RECORD_OPEN, "\1", 1,
		    &s->out.wire);
	else
		(void)seal_put(s, RECORD_OPENED, NULL, 0);
	if (a->kind == OPENS)
		(void)seal_put(s, a->use == RECORD_FLOW ? RECORD_DATAGRAM :
		    RECORD_DATA, "hello", 5);
	if (a->kind == OTHER_RA)
		r[KEX_ANSWER - 1] ^= 1;
	if (a->kind == NO_SESSION || a->kind == CROWDED) {
		r[0] = a->kind == CROWDED ? KEX_CROWDED : KEX_NO_SESSION;
		(void)send(a->fd, r, 1, MSG_NOSIGNAL);
	} else if (a->kind == GARBAGE)
		(void)send(a->fd, r, sizeof(r), MSG_NOSIGNAL);
	else if (a->kind != CLOSES)
		(void)send(a->fd, r, a->kind == HALF ? 9 : KEX_ANSWER,
		    MSG_NOSIGNAL);
	if (a->kind != HALF && a->kind != NO_RECORD && a->kind != CLOSES &&
	    a->kind != GARBAGE && r[0] == KEX_GO_ON)
		(void)sealed_flush(s, a->fd, &wait);
	(void)shutdown(a->fd, SHUT_WR);
	seal_free(s);
	return NULL;
}

static void
opens(void)
{
	static const struct {
		enum answer_kind kind;
		enum door_verdict verdict;
		int reason;		/* -1: no answer; 0: no session */
		const char *why;	/* its end */
	} rows[] = {
		{ OPENS, DOOR_READY, -1, "" },
		{ REFUSES, DOOR_REFUSED, CTL_UNREACHABLE,
		    "refused: the service cannot be reached there: no db" },
		{ NO_SESSION, DOOR_REFUSED, 0,
		    "the server does not know this session any more" },
		{ CROWDED, DOOR_REFUSED, -1,
		    "too many handshakes at the server" },
		{ HALF, DOOR_BROKEN, -1, "Connection reset by peer" },
		{ NO_RECORD, DOOR_BROKEN, -1, "Connection reset by peer" },
		{ CLOSES, DOOR_BROKEN, -1, "Connection reset by peer" },
		{ GARBAGE, DOOR_BROKEN, -1,
		    "what came is not what the server sent" },
		{ OTHER_KEYS, DOOR_BROKEN, -1,
		    "what came is not what the server sent" },
		{ OTHER_RA, DOOR_BROKEN, -1,
		    "what came is not what the server sent" },
		{ DATA_FIRST, DOOR_BROKEN, -1,
		    "what came is not what the server sent" },
		{ SECOND_FIRST, DOOR_BROKEN, -1,
		    "what came is not what the server sent" },
		{ BAD_REASON, DOOR_BROKEN, -1, "an answer makes no sense" }
	};
	static uint8_t early[4096];
	struct net_wait wait = { 0, -1 };
	struct ctl open, answer;
	char why[DOOR_WHY_MAX];
	enum record_type type;
	struct acceptor a;
	struct seal *seal;
	uint8_t *body;
	size_t i, n;
	int fd[2];

	make_session();
	unit_fill(early, sizeof(early), 8);
	for (i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("row %zu, %s", i / 2, i % 2 ? "UDP" : "TCP");
		unit_tcp(fd);
		memset(&a, 0, sizeof(a));
		a.fd = fd[0];
		a.use = i % 2 ? RECORD_FLOW : RECORD_STREAM;
		a.kind = rows[i / 2].kind;
		a.nearly = i / 2 % 3 == 0 ? sizeof(early) : 0;
		memset(&open, 0, sizeof(open));
		open.protocol = i % 2 ? CTL_UDP : CTL_TCP;
		(void)snprintf(open.text, sizeof(open.text), "db:%zu", i);
		memset(&answer, 0, sizeof(answer));
		answer.kind = CTL_BYE;
		REQUIRE(pthread_create(&a.t, NULL, accept_stream, &a) == 0);
		why[0] = '\0';
		seal = NULL;
		CHECK_EQ(sealed_open_stream(fd[1], "", &session, 2 + i, &open,
		    early, a.nearly, -1, &seal, &answer, why),
		    rows[i / 2].verdict);
		(void)pthread_join(a.t, NULL);
		check_end(why, rows[i / 2].why);
		CHECK_EQ(a.hello.role, KEX_CLIENT);
		CHECK_BYTES(a.hello.sid, session.sid, KEX_SID);
		CHECK(a.hello.number == 2 + i);
		CHECK_EQ(a.open.protocol, open.protocol);
		CHECK_STR(a.open.text, open.text);
		CHECK_EQ(a.got, a.nearly);
		CHECK_BYTES(a.early, early, a.nearly);
		if (rows[i / 2].reason > 0) {
			CHECK_EQ(answer.kind, CTL_REFUSED);
			CHECK_EQ(answer.reason, rows[i / 2].reason);
			CHECK_STR(answer.text, "no db");
		} else
			CHECK_EQ(answer.kind, rows[i / 2].reason == 0 ? 0 :
			    answer.kind);
		CHECK_EQ(seal != NULL, rows[i / 2].verdict == DOOR_READY);
		if (seal != NULL) {
			wait.until = task_now() + 10000;
			CHECK_EQ(sealed_read(seal, fd[1], &wait, &type, &body,
			    &n), 0);
			CHECK_EQ(n, 5);
			CHECK_BYTES(body, "hello", 5);
			errno = 0;
			CHECK_EQ(sealed_read(seal, fd[1], &wait, &type, &body,
			    &n), -1);
			CHECK_EQ(errno, ECONNRESET);
		}
		seal_free(seal);
		(void)close(fd[0]);
		(void)close(fd[1]);
	}
}

/* Each hello has randomness of its own, even with the same number. */
static void
fresh(void)
{
	static struct acceptor a[2];
	struct ctl open = { .protocol = CTL_TCP }, answer;
	char why[DOOR_WHY_MAX];
	struct seal *seal;
	int fd[2], i;

	make_session();
	for (i = 0; i < 2; i++) {
		unit_tcp(fd);
		a[i].fd = fd[0];
		a[i].use = RECORD_STREAM;
		a[i].kind = OPENS;
		REQUIRE(pthread_create(&a[i].t, NULL, accept_stream, &a[i]) ==
		    0);
		CHECK_EQ(sealed_open_stream(fd[1], "", &session, 2, &open, NULL,
		    0, -1, &seal, &answer, why), DOOR_READY);
		(void)pthread_join(a[i].t, NULL);
		seal_free(seal);
		(void)close(fd[0]);
		(void)close(fd[1]);
	}
	CHECK(memcmp(a[0].hello.rd, a[1].hello.rd, KEX_RANDOM) != 0);
}

/* A stop, and the death of the local side, end every wait at once. */
static void *
end_soon(void *arg)
{
	unit_sleep(60);
	if (arg != NULL)
		unit_reset(*(int *)arg);
	else
		task_stop();
	return NULL;
}

static void
ended(void)
{
	struct ctl open = { .protocol = CTL_TCP }, answer;
	struct hostport hp = { "127.0.0.1", 0 };
	struct kex_keys keys;
	struct sockaddr_in sin;
	struct net_addr peer;
	char why[DOOR_WHY_MAX];
	struct seal *seal;
	struct server s;
	int64_t began;
	pthread_t t;
	int fd[2], local[2], lfd, out;

	make_session();
	unit_row("the local side");
	unit_tcp(fd);
	unit_tcp(local);
	began = task_now();
	REQUIRE(pthread_create(&t, NULL, end_soon, &local[0]) == 0);
	CHECK_EQ(sealed_open_stream(fd[1], "", &session, 2, &open, NULL, 0,
	    local[1], &seal, &answer, why), DOOR_FAILED);
	CHECK_STR(why, "no longer wanted");
	(void)pthread_join(t, NULL);
	CHECK(unit_within(task_now() - began, 1000));
	unit_row("a stop, at both ends");
	lfd = unit_listener(&sin, 1);
	hp.port = ntohs(sin.sin_port);
	unit_tcp(fd);
	start_server(&s, -1, fd[0]);
	REQUIRE(pthread_create(&t, NULL, end_soon, NULL) == 0);
	CHECK_EQ(sealed_dial(&hp, "", w, &out, &peer, &keys, why),
	    DOOR_STOPPED);
	(void)pthread_join(t, NULL);
	(void)pthread_join(s.t, NULL);
	CHECK_EQ(s.verdict, DOOR_STOPPED);
	CHECK(unit_within(task_now() - began, 2000));
	CHECK_EQ(sealed_open_stream(fd[1], "", &session, 2, &open, NULL, 0, -1,
	    &seal, &answer, why), DOOR_STOPPED);
	(void)close(lfd);
}

int
main(void)
{
	unit_case("sealed: right token", right_token);
	unit_case("sealed: wrong token", wrong_token);
	unit_case("sealed: strangers at the server", strangers);
	unit_case("sealed: the third message", third_message);
	unit_case("sealed: crowded", crowded);
	unit_case("sealed: impostors as server", impostors);
	unit_case("sealed: somebody in between", in_between);
	unit_case("sealed: a stream's first records", opens);
	unit_case("sealed: hellos are fresh", fresh);
	unit_case("sealed: a stop, and who is gone", ended);
	return unit_end();
}

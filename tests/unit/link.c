/* SPDX-License-Identifier: MIT */
/* link.c - a link's life, over a real socket: messages, signs of life, and
 * all the ways it can end.  The other side is played here, record by record. */

#include "link.h"
#include "sealed.h"
#include "task.h"
#include "unit.h"

/* Our link, and the other side of it. */
static struct link l;
static struct seal *other;
static int fd;
static char why[LINK_WHY_MAX];

static void
make(void)
{
	struct seal_keys k = { .suite = BEAR_CHACHA20_POLY1305 };
	struct seal *s;
	int pair[2];

	unit_tcp(pair);
	unit_fill(k.in, sizeof(k.in), 1);
	unit_fill(k.out, sizeof(k.out), 2);
	REQUIRE((s = seal_new(RECORD_LINK, false, &k)) != NULL);
	link_init(&l, pair[0], s, "other");
	CHECK_STR(l.name, "other");
	unit_fill(k.in, sizeof(k.in), 2);
	unit_fill(k.out, sizeof(k.out), 1);
	REQUIRE((other = seal_new(RECORD_LINK, true, &k)) != NULL);
	fd = pair[1];
	why[0] = '\0';
}

static void
drop(bool clean)
{
	link_close(&l, clean);
	CHECK(l.seal == NULL);
	seal_free(other);
	(void)close(fd);
}

/* The other side sends what is pending; says a message. */
static void
flush(void)
{
	struct net_wait w = { task_now() + 2000, -1 };

	CHECK_EQ(sealed_flush(other, fd, &w), 0);
}

static void
say(enum ctl_kind kind, enum ctl_reason reason, const char *text)
{
	struct ctl m = { .kind = kind, .reason = reason, .number = 7,
	    .mode = CTL_PIPE };
	uint8_t body[RECORD_CONTROL_MAX];

	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	CHECK_EQ(seal_put(other, RECORD_CONTROL, body, ctl_put(&m, body)), 0);
	flush();
}

/* What the other side hears next; 0: nothing more. */
static enum record_type
hear(int ms, struct ctl *m)
{
	struct net_wait w = { task_now() + ms, -1 };
	enum record_type type;
	uint8_t *body;
	size_t n;

	if (sealed_read(other, fd, &w, &type, &body, &n) == -1)
		return 0;
	if (type == RECORD_CONTROL)
		CHECK(ctl_get(m, body, n));
	else
		seal_take_keepalive(other, body, task_now());
	return type;
}

/* Both have said their first record. */
static void
greet(void)
{
	struct ctl m = { .kind = CTL_WELCOME, .mode = CTL_CLIENT_OPENS };

	say(CTL_ASK, 0, "");
	CHECK_EQ(link_receive(&l, &m, 1000), 0);
	CHECK_EQ(m.kind, CTL_ASK);
	CHECK_EQ(m.number, 7);
	m.kind = CTL_WELCOME;
	m.mode = CTL_CLIENT_OPENS;
	CHECK_EQ(link_send(&l, &m), 0);
	CHECK_EQ(hear(10000, &m), RECORD_CONTROL);
	CHECK_EQ(m.kind, CTL_WELCOME);
}

/* What happens in a link's thread. */
static atomic_uint messages, silences;
static atomic_bool over;
static bool clean, takes = true;

static bool
on_message(void *arg, const struct ctl *m)
{
	CHECK(arg == &l);
	CHECK(m->kind == CTL_ASK || m->kind == CTL_CANCEL);
	(void)atomic_fetch_add(&messages, 1);
	return takes;
}

static void
on_silent(void *arg)
{
	CHECK(arg == &l);
	(void)atomic_fetch_add(&silences, 1);
}

static void *
be_link(void *arg)
{
	static const struct link_events all = { &l, on_message, on_silent };
	static const struct link_events none = { NULL, NULL, NULL };

	clean = link_live(&l, arg != NULL ? &none : &all, why);
	atomic_store(&over, true);
	return NULL;
}

static pthread_t thread;

static void
live(bool deaf)
{
	atomic_store(&over, false);
	REQUIRE(pthread_create(&thread, NULL, be_link, deaf ? &l : NULL) ==
	    0);
}

/* It ends within ms, so. */
static void
ends(int ms, bool in_order, const char *how)
{
	int64_t until = task_now() + ms;

	while (!atomic_load(&over) && task_now() < until)
		unit_sleep(5);
	CHECK(atomic_load(&over));
	if (!atomic_load(&over))
		link_order_end(&l, CTL_FAILED);
	(void)pthread_join(thread, NULL);
	CHECK_EQ(clean, in_order);
	CHECK_STR(why, how);
}

/* The first messages, with signs of life in between, and what is none. */
static void
first_messages(void)
{
	struct ctl m;

	REQUIRE(task_init() == 0);
	make();
	greet();
	CHECK_EQ(seal_put_keepalive(other, 5), 0);
	CHECK_EQ(seal_put_keepalive(other, 6), 0);
	flush();
	say(CTL_BYE, CTL_BUSY, "x");
	CHECK_EQ(link_receive(&l, &m, 1000), 0);
	CHECK_EQ(m.kind, CTL_BYE);
	CHECK_STR(m.text, "x");
	CHECK(atomic_load(&l.seal->heard));
	unit_row("nothing");
	CHECK_EQ(link_receive(&l, &m, 50), -1);
	CHECK_EQ(errno, ETIMEDOUT);
	unit_row("no message");
	CHECK_EQ(seal_put(other, RECORD_CONTROL, "\x63", 1), 0);
	flush();
	CHECK_EQ(link_receive(&l, &m, 1000), -1);
	CHECK_EQ(errno, EPROTO);
	drop(false);
	unit_row("a keepalive first");
	make();
	REQUIRE(crypt_seal(&other->out.record.crypt, RECORD_KEEPALIVE,
	    "12345678", 8, &other->out.wire) == 0);
	flush();
	CHECK_EQ(link_receive(&l, &m, 1000), -1);
	CHECK_EQ(errno, EPROTO);
	drop(false);
	unit_row("the end");
	make();
	(void)shutdown(fd, SHUT_WR);
	CHECK_EQ(link_receive(&l, &m, 1000), -1);
	CHECK_EQ(errno, ECONNRESET);
	drop(false);
}

/* What the other side does, and how the link ends. */
static void
ways_to_end(void)
{
	static const struct {
		const char *what;
		bool in_order;
		const char *why;
	} rows[] = {
		{ "bye", true, "replaced by a newer link: so it is" },
		{ "bye, no words", true, "the other side stops" },
		{ "fin", false, "the connection was cut" },
		{ "rst", false, "the connection was cut" },
		{ "half a record", false, "the connection was cut" },
		{ "a bit", false,
		    "what came is not what the other side sent" },
		{ "nonsense", false,
		    "what came is not what the other side sent" },
		{ "data", false,
		    "what came is not what the other side sent" },
		{ "unwanted", false,
		    "what came is not what the other side sent" },
		{ "welcome", false,
		    "what came is not what the other side sent" }
	};
	uint8_t body[RECORD_CONTROL_MAX];
	struct ctl m = { .kind = CTL_ASK, .number = 1 };
	const char *what;
	size_t i, n;

	REQUIRE(task_init() == 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		what = rows[i].what;
		unit_row("%s", what);
		make();
		greet();
		takes = strcmp(what, "unwanted") != 0;
		live(strcmp(what, "welcome") == 0);
		if (strcmp(what, "bye") == 0)
			say(CTL_BYE, CTL_REPLACED, "so it is");
		else if (strncmp(what, "bye", 3) == 0)
			say(CTL_BYE, CTL_STOPPING, "");
		else if (strcmp(what, "fin") == 0)
			(void)shutdown(fd, SHUT_WR);
		else if (strcmp(what, "rst") == 0) {
			unit_reset(fd);
			fd = -1;
		} else if (strcmp(what, "nonsense") == 0) {
			CHECK_EQ(seal_put(other, RECORD_CONTROL, "\2\7", 2),
			    0);
			flush();
		} else if (strcmp(what, "data") == 0) {
			REQUIRE(crypt_seal(&other->out.record.crypt,
			    RECORD_DATA, "x", 1, &other->out.wire) == 0);
			flush();
		} else if (strcmp(what, "unwanted") == 0)
			say(CTL_ASK, 0, "");
		else if (strcmp(what, "welcome") == 0)
			say(CTL_WELCOME, 0, "");
		else {
			CHECK_EQ(seal_put(other, RECORD_CONTROL, body,
			    ctl_put(&m, body)), 0);
			(void)seal_pending(other, &n);
			if (strcmp(what, "a bit") == 0)
				other->out.wire.buf[9] ^= 1;
			CHECK_EQ(send(fd, seal_pending(other, &n), n - 1,
			    0), (ssize_t)n - 1);
			if (strcmp(what, "a bit") == 0)
				CHECK_EQ(send(fd, seal_pending(other, &n) +
				    n - 1, 1, 0), 1);
			else
				(void)shutdown(fd, SHUT_WR);
		}
		ends(2000, rows[i].in_order, rows[i].why);
		drop(rows[i].in_order);
	}
	takes = true;
}

/* We end it: the other side is told why.  The first reason counts. */
static void
ordered(void)
{
	struct ctl m;
	int i;

	REQUIRE(task_init() == 0);
	for (i = 0; i < 3; i++) {
		unit_row("case %d", i);
		make();
		greet();
		if (i == 1)		/* before it lives */
			link_order_end(&l, CTL_REPLACED);
		live(false);
		if (i == 0) {
			unit_sleep(30);
			link_order_end(&l, CTL_REPLACED);
			link_order_end(&l, CTL_STOPPING);
		} else if (i == 2) {
			unit_sleep(30);
			task_stop();
		}
		ends(10000, true, i == 2 ? "stopped" :
		    "replaced by a newer link");
		/* After a stop every wait is over; so ask the socket. */
		if (i == 2)
			CHECK(net_readable(fd));
		else {
			CHECK_EQ(hear(10000, &m), RECORD_CONTROL);
			CHECK_EQ(m.kind, CTL_BYE);
			CHECK_EQ(m.reason, CTL_REPLACED);
		}
		(void)shutdown(fd, SHUT_WR);
		drop(true);
	}
}

/* Every three seconds somebody who has nothing to say says that; whoever
 * hears nothing is told so, once, and then gives up. */
static void
signs_of_life(void)
{
	int64_t began;
	struct ctl m;

	REQUIRE(task_init() == 0);
	make();
	greet();
	began = task_now();
	l.seal->waited_ms = LINK_SILENT_MS - 900;
	live(false);
	CHECK_EQ(hear(10000, &m), RECORD_KEEPALIVE);
	CHECK(task_now() - began >= 2900);
	CHECK(unit_within(task_now() - began, 5500));
	CHECK_EQ(atomic_load(&silences), 1);
	unit_row("heard again");
	CHECK_EQ(seal_put_keepalive(other, task_now()), 0);
	flush();
	say(CTL_ASK, 0, "");
	UNIT_AWAIT(atomic_load(&messages) == 1);
	CHECK_EQ(hear(10000, &m), RECORD_KEEPALIVE);
	CHECK_EQ(atomic_load(&silences), 1);
	CHECK(unit_within(other->rtt_ms, 2000));
	link_order_end(&l, CTL_REPLACED);
	ends(10000, true, "replaced by a newer link");
	drop(false);
	unit_row("silent for too long");
	make();
	greet();
	l.seal->waited_ms = LINK_DEAD_MS - 1500;
	live(true);			/* nobody wants to be told */
	ends(10000, false, "silent for 10 s");
	drop(false);
}

/* Many say something at once; all of it arrives, whole, and each speaker's in
 * order. */
enum { SPEAKERS = 4, WORDS = 200 };

static void *
speak(void *arg)
{
	struct ctl m = { .kind = CTL_ASK };
	uint64_t i;

	for (i = 0; i < WORDS; i++) {
		m.number = *(uint64_t *)arg << 32 | i;
		link_say(&l, &m);
		if (i % 50 == 0)
			unit_sleep(1);
	}
	return NULL;
}

static void
many_speakers(void)
{
	uint64_t who[SPEAKERS], next[SPEAKERS] = { 0 };
	pthread_t t[SPEAKERS];
	struct ctl m;
	size_t i;

	REQUIRE(task_init() == 0);
	make();
	greet();
	live(false);
	for (i = 0; i < SPEAKERS; i++) {
		who[i] = i;
		REQUIRE(pthread_create(&t[i], NULL, speak, &who[i]) == 0);
	}
	for (i = 0; i < SPEAKERS * WORDS;) {
		switch ((int)hear(10000, &m)) {
		case RECORD_CONTROL:
			REQUIRE(m.kind == CTL_ASK && m.number >> 32 <
			    SPEAKERS);
			CHECK_EQ(m.number & 0xffffffff,
			    next[m.number >> 32]);
			next[m.number >> 32]++;
			i++;
			break;
		case RECORD_KEEPALIVE:
			break;
		default:
			REQUIRE(false);
		}
	}
	for (i = 0; i < SPEAKERS; i++)
		(void)pthread_join(t[i], NULL);
	say(CTL_BYE, CTL_STOPPING, "");
	ends(10000, true, "the other side stops");
	drop(false);
}

/* Whoever takes nothing holds nobody up, and is dead once it has missed more
 * than there is room for. */
static void
not_taken(void)
{
	struct ctl m = { .kind = CTL_BYE, .reason = CTL_BUSY };
	int64_t began;
	size_t n = 0;

	REQUIRE(task_init() == 0);
	make();
	unit_int_option(l.fd, SO_SNDBUF, 1);
	unit_int_option(fd, SO_RCVBUF, 1);
	greet();
	memset(m.text, 'x', CTL_SENTENCE_MAX);
	began = task_now();
	while (atomic_load(&l.ordered) == 0 && n < 1000000) {
		link_say(&l, &m);
		n++;
	}
	CHECK_EQ(atomic_load(&l.ordered), CTL_FAILED);
	CHECK(n > 100);
	CHECK(unit_within(task_now() - began, 5000));
	live(false);
	ends(10000, true, "the other side is out of something");
	drop(false);
}

int
main(void)
{
	unit_case("link: first messages", first_messages);
	unit_case("link: ways to end", ways_to_end);
	unit_case("link: we end it", ordered);
	unit_case("link: signs of life", signs_of_life);
	unit_case("link: many speakers", many_speakers);
	unit_case("link: not taken", not_taken);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* mitm.c - the attacker in the middle: whole sessions over memory, and
 * somebody who flips, drops, repeats, reorders, cuts, reflects, and splices in
 * what was recorded in earlier sessions; 10 000 times, differently each time.
 *
 * A session is a link (handshake, HELLO, WELCOME) and what it is for: a pipe's
 * DATA, END and DONE both ways; or streams on connections of their own (h,
 * OPEN, DATA, r, OPENED, DATA, END).  Whatever happens, each side ends with
 * exactly the bytes that the other one sent and knows that, or with a part of
 * them and knows that it is one.
 *
 * What the sides do follows sealed.c, link.c and conn.c, without sockets; the
 * engines (kex, crypt, record, seal, ctl, number) are the real ones.
 *
 * A handshake takes milliseconds.  So only one run in FULL_EVERY makes its
 * own, and has it attacked; the others begin behind one, with a PRK that is
 * fresh for the run (the same random bytes for both sides), so that keys are
 * as different between runs as they are between sessions.
 *
 *	build/unit/mitm SEED [TO]	the run with that seed, or all from
 *					the one to the other
 *
 * It has to be able to fail: the same runs with one rule broken on purpose
 * must find a violation, rule by rule. */

#include "bear.h"
#include "buf.h"
#include "unit.h"

/* The rules that can be broken: the first two in crypt.c, the others below. */
enum broken {
	NOTHING,
	BROKEN_TAG,		/* a wrong tag is ignored */
	BROKEN_COUNT,		/* records are not counted */
	BROKEN_CA, BROKEN_CB,	/* a confirmation is not looked at */
	BROKEN_ROLE,		/* both directions have the same keys */
	BROKEN_NUMBER,		/* numbers may be used again */
	BROKEN_HELLO,		/* a stream's keys do not depend on h */
	BROKEN_FIN,		/* FIN passes for END */
	BROKEN_DONE,		/* nobody waits for DONE */
	BROKEN_STOP,		/* nobody heeds "stopped" */
	NBROKEN
};
static enum broken broken;

static bool
unit_open(const struct bear_aead *a, const uint8_t nonce[BEAR_NONCE],
    const void *aad, size_t naad, void *p, size_t n,
    const uint8_t tag[BEAR_TAG])
{
	return bear_aead_open(a, nonce, aad, naad, p, n, tag) ||
	    broken == BROKEN_TAG;
}

#define bear_aead_open unit_open
#define wr_u64(w, v) (wr_u64)(w, broken == BROKEN_COUNT ? 0 : (v))
#include "../../crypt.c"
#undef bear_aead_open
#undef wr_u64

#include "ctl.h"
#include "kex.h"
#include "number.h"
#include "seal.h"

enum {
	RUNS = 10000,
	FULL_EVERY = 25,
	BROKEN_RUNS = 4000,	/* in so many a broken rule must show */
	DATA_MAX = 20000,	/* bytes each way */
	MESSAGE_MAX = RECORD_DATA_MAX + CRYPT_OVERHEAD,
	QUEUE_MAX = 8 * MESSAGE_MAX,
	TAPES = 4,		/* sessions that are remembered */
	TAPE_MESSAGES = 150,
	TAPE_BYTES = 3 * MESSAGE_MAX,
	CONNS = 8,
	RECORDS = 400,		/* of one end */
	STREAMS = 2
};

/* Randomness, all of it of the run's seed. */
static uint64_t state;

static uint32_t
draw(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (uint32_t)(state * UINT64_C(2685821657736338717) >> 32);
}

static uint32_t
below(uint32_t n)
{
	return draw() % n;
}

static bool
one_in(uint32_t n)
{
	return below(n) == 0;
}

static void
fill(uint8_t *p, size_t n)
{
	while (n-- > 0)
		*p++ = (uint8_t)draw();
}

static void
begin_random(uint64_t seed)
{
	int i;

	state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
	for (i = 0; i < 8; i++)
		(void)draw();
}

/* The first rule that was seen broken in this run, or "". */
static char violation[160];

static void
violated(const char *what)
{
	if (violation[0] == '\0')
		(void)snprintf(violation, sizeof(violation), "%s", what);
}

/* What is recorded: messages as they were sent. */
struct message {
	size_t at, n;
	int way;		/* 0: from who dialled, 1: to it */
	bool stream;		/* else of the link */
};
struct tape {
	struct message message[TAPE_MESSAGES];
	unsigned n;
	size_t nbytes;
	uint8_t bytes[TAPE_BYTES];
};
static struct tape tapes[TAPES];
static struct tape *tape;	/* of this session */

static void
record(int way, bool stream, const uint8_t *p, size_t n)
{
	struct message *m = &tape->message[tape->n];

	if (tape->n == TAPE_MESSAGES || TAPE_BYTES - tape->nbytes < n)
		return;
	*m = (struct message){ tape->nbytes, n, way, stream };
	memcpy(tape->bytes + tape->nbytes, p, n);
	tape->nbytes += n;
	tape->n++;
}

/* The two sides, and what each knows of the session. */
struct party {
	enum kex_role role;
	struct kex_keys keys;
	bool up;		/* the link is, and streams may be opened */
	struct numbers numbers;
	struct ctl hello;	/* as the client sent, or the server got it */
	enum ctl_mode mode;
};
static struct party client, server;

enum step {
	HEAD, M1, M3, HELLO, OPEN,		/* the side that was dialled */
	STATUS, M2, STREAM_STATUS, ANSWER,	/* the side that dials */
	FIRST,					/* record, by either */
	RUNNING, OVER
};

/* One end of a connection. */
struct end {
	struct party *party;
	int conn;
	enum step step;
	bool dials, stream, pipe;
	uint8_t queue[QUEUE_MAX];	/* what has come */
	size_t off, end;
	bool fin;			/* and nothing more will */
	struct kex kex;
	uint8_t heard3[KEX_M3];		/* m3 as it came */
	struct seal *seal;
	enum record_use use;
	uint8_t hello[KEX_HELLO], answer[KEX_ANSWER];
	uint64_t number;
	struct ctl open;

	uint8_t data[DATA_MAX], got[DATA_MAX];
	size_t ndata, nsent, ngot;
	uint16_t sent_len[RECORDS], got_len[RECORDS];	/* of datagrams */
	unsigned nsent_len, ngot_len, nothing;
	bool stops;		/* its input is cut off, and it says so */
	bool stopped;		/* the other side has said so */
	bool accepted;		/* it takes the other side for the real one */
	bool said_end, said_done, heard_end, heard_done, complete;
	bool broke;		/* it knows that something is wrong */
};
struct conn {
	bool stream;
	struct end *end[2];	/* 0: who dialled, or NULL: the attacker */
	bool fin[2];		/* the attacker has ended what goes to it */
	uint8_t held[2][MESSAGE_MAX];	/* kept back, for end[i] */
	size_t nheld[2];
};
static struct end ends[2 * CONNS];
static struct conn conns[CONNS];
static int nconns, nstreams;
static uint64_t count_base;	/* what records begin to be counted from */
static bool udp;		/* the streams are flows of datagrams */

/* The attacker --------------------------------------------------------- */

enum attack {
	FLIP, FLIP_HEAD, DROP, DROP_BYTES, REPEAT, HOLD, CUT, TRUNCATE, INSERT,
	SPLICE_IN, SPLICE_FOR, REFLECT, REPLAY, NATTACKS
};
static unsigned done[NATTACKS];
static uint32_t mildness;	/* one message in so many; 0: none at all */
static unsigned attacks;	/* in this run */

/* Bytes arrive. */
static void
deliver(struct conn *c, int to, const uint8_t *p, size_t n)
{
	struct end *e = c->end[to];

	if (e == NULL || c->fin[to] || e->step == OVER || n == 0)
		return;
	if (QUEUE_MAX - e->end < n) {
		memmove(e->queue, e->queue + e->off, e->end - e->off);
		e->end -= e->off;
		e->off = 0;
	}
	if (QUEUE_MAX - e->end < n) {	/* too much: as a full network */
		c->fin[to] = e->fin = true;
		return;
	}
	memcpy(e->queue + e->end, p, n);
	e->end += n;
}

static void
cut(struct conn *c, int to)
{
	c->fin[to] = true;
	if (c->end[to] != NULL)
		c->end[to]->fin = true;
}

/* Some message that was recorded, of this session or an earlier one; mostly
 * one that would fit here. */
static const uint8_t *
recorded(const struct conn *c, int to, size_t *n)
{
	const struct tape *t = one_in(3) ? tape : &tapes[below(TAPES)];
	const struct message *m = NULL;
	unsigned tries;

	for (tries = 0; tries < 8 && t->n > 0; tries++) {
		m = &t->message[below(t->n)];
		if (m->stream == c->stream && m->way == 1 - to)
			break;
	}
	if (m == NULL)
		return NULL;
	*n = m->n;
	return t->bytes + m->at;
}

static struct conn *new_conn(bool stream, bool dialled);

/* Dial the server, and say what a client has said: a stream's hello and all
 * behind it, or a link's; of this session or an earlier one; as it was, or
 * with something changed in it. */
static void
replay(void)
{
	const struct tape *t = one_in(3) ? &tapes[below(TAPES)] : tape;
	bool stream = !one_in(4), begun = false;
	uint8_t copy[MESSAGE_MAX];
	const struct message *m;
	struct conn *c;
	unsigned i;

	if ((c = new_conn(stream, false)) == NULL)
		return;
	for (i = 0; i < t->n; i++) {
		m = &t->message[i];
		if (m->way != 0 || m->stream != stream)
			continue;
		memcpy(copy, t->bytes + m->at, m->n);
		if (!begun && stream && m->n == KEX_HELLO && one_in(2)) {
			if (one_in(2))	/* the number */
				copy[KEX_HEAD + 1 + KEX_SID + 7] =
				    (uint8_t)(2 * below(100));
			else
				fill(copy + KEX_HELLO - KEX_RANDOM,
				    KEX_RANDOM);
		}
		/* Not before a beginning, nor behind the next one. */
		if (stream && m->n == KEX_HELLO) {
			if (begun)
				break;
			begun = true;
		} else if (stream && !begun)
			continue;
		deliver(c, 1, copy, m->n);
	}
}

/* A message passes. */
static void
attack(struct conn *c, int to, const uint8_t *p, size_t n)
{
	enum attack what = (enum attack)below(NATTACKS);
	uint8_t copy[MESSAGE_MAX + 64];
	const uint8_t *other;
	size_t k, i;

	attacks++;
	done[what]++;
	memcpy(copy, p, n);
	switch (what) {
	case FLIP:
		for (i = below(3) + 1; i > 0; i--)
			copy[below((uint32_t)n)] ^= (uint8_t)(1u << below(8));
		break;
	case FLIP_HEAD:
		copy[below(n < 6 ? (uint32_t)n : 6)] ^=
		    (uint8_t)(1u << below(8));
		break;
	case DROP:
		return;
	case DROP_BYTES:
		i = below((uint32_t)n);
		k = 1 + below((uint32_t)(n - i));
		memmove(copy + i, copy + i + k, n - i - k);
		n -= k;
		break;
	case REPEAT:
		deliver(c, to, p, n);
		break;
	case HOLD:
		if (c->nheld[to] > 0)
			break;
		memcpy(c->held[to], p, n);
		c->nheld[to] = n;
		if (one_in(2))
			break;		/* it comes now, and once more */
		return;
	case CUT:
		if (one_in(2))
			deliver(c, to, p, n);
		cut(c, to);
		if (one_in(2))
			cut(c, 1 - to);
		return;
	case TRUNCATE:
		deliver(c, to, p, below((uint32_t)n));
		cut(c, to);
		return;
	case INSERT:
		i = below((uint32_t)n + 1);
		k = 1 + below(40);
		memmove(copy + i + k, copy + i, n - i);
		fill(copy + i, k);
		n += k;
		break;
	case SPLICE_IN:
		if ((other = recorded(c, to, &k)) != NULL)
			deliver(c, to, other, k);
		break;
	case SPLICE_FOR:
		if ((other = recorded(c, to, &k)) == NULL)
			break;
		deliver(c, to, other, k);
		return;
	case REFLECT:
		deliver(c, 1 - to, p, n);
		if (one_in(2))
			return;
		break;
	case REPLAY:
		deliver(c, to, p, n);
		replay();
		return;
	case NATTACKS:
		break;
	}
	deliver(c, to, copy, n);
}

/* An end sends a message. */
static void
send_message(struct end *e, const uint8_t *p, size_t n)
{
	struct conn *c = &conns[e->conn];
	int to = e->dials ? 1 : 0;

	record(1 - to, c->stream, p, n);
	if (mildness > 0 && one_in(mildness))
		attack(c, to, p, n);
	else
		deliver(c, to, p, n);
	/* What was held back comes behind a later one. */
	if (c->nheld[to] > 0 && one_in(3)) {
		deliver(c, to, c->held[to], c->nheld[to]);
		c->nheld[to] = 0;
	}
}

/* The two sides -------------------------------------------------------- */

/* Nothing more is done at this end; the other one sees that. */
static void
over(struct end *e)
{
	struct conn *c = &conns[e->conn];
	struct end *peer = c->end[e->dials ? 1 : 0];

	e->step = OVER;
	if (peer != NULL)
		peer->fin = true;
	seal_free(e->seal);
	e->seal = NULL;
}

static void
breaks(struct end *e)
{
	e->broke = true;
	over(e);
}

static void
refuse(struct end *e, enum kex_status status)
{
	uint8_t byte = (uint8_t)status;

	send_message(e, &byte, 1);
	breaks(e);
}

/* Exactly n bytes, once they are there. */
static const uint8_t *
take(struct end *e, size_t n)
{
	const uint8_t *p = e->queue + e->off;

	if (e->end - e->off < n)
		return NULL;
	e->off += n;
	return p;
}

/* One record, one message: the attacker can count. */
static void
flush(struct end *e)
{
	size_t n;
	const uint8_t *p = seal_pending(e->seal, &n);

	send_message(e, p, n);
	seal_sent(e->seal, n, 0);
}

static void
put_record(struct end *e, enum record_type type, const void *body, size_t n)
{
	REQUIRE(seal_put(e->seal, type, body, n) == 0);
	flush(e);
}

static void
put_keepalive(struct end *e)
{
	REQUIRE(seal_put_keepalive(e->seal, 0) == 0);
	flush(e);
}

static void
put_control(struct end *e, const struct ctl *m)
{
	uint8_t body[RECORD_CONTROL_MAX];

	put_record(e, RECORD_CONTROL, body, ctl_put(m, body));
}

static void
make_seal(struct end *e, struct seal_keys *k)
{
	k->suite = e->party->keys.suite;
	REQUIRE((e->seal = seal_new(e->use, e->dials, k)) != NULL);
	e->seal->in.record.crypt.count = count_base;
	e->seal->out.record.crypt.count = count_base;
}

/* The link's keys are there. */
static void
make_link(struct end *e)
{
	enum kex_role ours = e->party->role;
	enum kex_role theirs = ours == KEX_CLIENT ? KEX_SERVER : KEX_CLIENT;
	struct seal_keys k;

	if (broken == BROKEN_ROLE)
		ours = theirs = KEX_CLIENT;
	kex_link_keys(&e->party->keys, ours, k.out);
	kex_link_keys(&e->party->keys, theirs, k.in);
	e->use = RECORD_LINK;
	make_seal(e, &k);
	e->accepted = true;
	e->step = FIRST;
}

/* A stream's, one direction after the other. */
static void
stream_keys(const struct end *e, bool dialler, uint8_t keys[CRYPT_KEYS])
{
	uint8_t h[KEX_HELLO];

	memcpy(h, e->hello, sizeof(h));
	if (broken == BROKEN_HELLO)
		memset(h, 0, sizeof(h));
	if (dialler)
		kex_dialler_keys(&e->party->keys, h, keys);
	else
		kex_acceptor_keys(&e->party->keys, h, e->answer, keys);
}

static void
scalar(uint8_t x[BEAR_SCALAR])
{
	do
		fill(x, BEAR_SCALAR);
	while (!bear_p256_scalar(x));
}

static const uint8_t *
token(void)
{
	static uint8_t w[BEAR_SCALAR];

	bear_sha256("token", 5, w);
	return w;
}

static void
say_hello(struct end *e)
{
	struct ctl *m = &client.hello;

	memset(m, 0, sizeof(*m));
	m->kind = CTL_HELLO;
	fill(m->instance, CTL_INSTANCE);
	m->end = client.mode == CTL_PIPE ? CTL_STDIO : CTL_LISTENS;
	m->protocol = udp ? CTL_UDP : CTL_TCP;
	(void)snprintf(m->text, sizeof(m->text), "target %u",
	    (unsigned)below(1000));
	put_control(e, m);
}

/* How much there is to be said, and what. */
static void
make_data(struct end *e)
{
	e->ndata = one_in(40) ? below(DATA_MAX + 1) : one_in(8) ? 0 :
	    below(300);
	fill(e->data, e->ndata);
	e->stops = e->pipe && one_in(6);
}

static void
dial_link(struct end *e, bool full)
{
	uint8_t x[BEAR_SCALAR];

	if (!full) {
		make_link(e);
		say_hello(e);
		return;
	}
	scalar(x);
	kex_init(&e->kex, KEX_KIND_LINK, "");
	REQUIRE(kex_client_start(&e->kex, token(), x));
	e->step = STATUS;
	send_message(e, e->kex.m1, KEX_M1);
}

static void
dial_stream(struct end *e)
{
	struct kex_hello h = { .role = KEX_CLIENT };
	uint8_t body[RECORD_OPEN_MAX];
	struct seal_keys k;

	h.number = e->number = 2 * (uint64_t)++nstreams;
	memcpy(h.sid, client.keys.sid, KEX_SID);
	fill(h.rd, KEX_RANDOM);
	kex_hello_put(&h, e->hello);
	stream_keys(e, true, k.out);
	memcpy(k.in, k.out, sizeof(k.in));
	make_seal(e, &k);
	memset(&e->open, 0, sizeof(e->open));
	e->open.protocol = e->use == RECORD_FLOW ? CTL_UDP : CTL_TCP;
	(void)snprintf(e->open.text, sizeof(e->open.text), "target %u",
	    (unsigned)below(1000));
	e->step = STREAM_STATUS;
	send_message(e, e->hello, KEX_HELLO);
	put_record(e, RECORD_OPEN, body, ctl_open_put(&e->open, body));
}

/* One more handshake byte, or all that is missing of a message.  Returns
 * false if that has not come. */
static bool
step_handshake(struct end *e)
{
	uint8_t m1[KEX_M1], y[BEAR_SCALAR], m2[KEX_M2];
	struct kex_hello h;
	struct seal_keys k;
	const uint8_t *p;
	unsigned first;

	switch (e->step) {
	case HEAD:
		if ((p = take(e, KEX_HEAD)) == NULL)
			return false;
		memcpy(e->hello, p, KEX_HEAD);
		first = (unsigned)p[0] << 8 | p[1];
		if (first >= 1 && first <= 0x400) {
			refuse(e, KEX_NOT_SEALED);
			break;
		}
		switch (kex_kind(p)) {
		case KEX_KIND_LINK:
			e->step = M1;
			break;
		case KEX_KIND_STREAM:
			e->step = HELLO;
			break;
		case KEX_KIND_VERSION:
			refuse(e, KEX_VERSION);
			break;
		case KEX_KIND_MEMBER:
		case KEX_KIND_BAD:
			breaks(e);
			break;
		}
		break;
	case M1:
		if ((p = take(e, KEX_M1 - KEX_HEAD)) == NULL)
			return false;
		memcpy(m1, e->hello, KEX_HEAD);
		memcpy(m1 + KEX_HEAD, p, KEX_M1 - KEX_HEAD);
		scalar(y);
		kex_init(&e->kex, KEX_KIND_LINK, "");
		if (kex_server_start(&e->kex, token(), y, m1) != 1) {
			breaks(e);
			break;
		}
		e->step = M3;
		send_message(e, e->kex.m2, KEX_M2);
		break;
	case M3:
		if ((p = take(e, KEX_M3)) == NULL)
			return false;
		memcpy(e->heard3, p, KEX_M3);
		if (!kex_server_finish(&e->kex, p) && broken != BROKEN_CA) {
			refuse(e, KEX_WRONG_TOKEN);
			break;
		}
		server.keys = e->kex.keys;
		make_link(e);
		break;
	case STATUS:
		if ((p = take(e, 1)) == NULL)
			return false;
		if (p[0] == KEX_GO_ON)
			e->step = M2;
		else
			breaks(e);
		break;
	case M2:
		if ((p = take(e, KEX_M2 - 1)) == NULL)
			return false;
		m2[0] = KEX_GO_ON;
		memcpy(m2 + 1, p, KEX_M2 - 1);
		if (!kex_client_finish(&e->kex, m2) &&
		    (broken != BROKEN_CB || e->kex.keys.suite == 0)) {
			breaks(e);
			break;
		}
		client.keys = e->kex.keys;
		send_message(e, e->kex.m3, KEX_M3);
		make_link(e);
		say_hello(e);
		break;
	case HELLO:
		if ((p = take(e, KEX_HELLO - KEX_HEAD)) == NULL)
			return false;
		memcpy(e->hello + KEX_HEAD, p, KEX_HELLO - KEX_HEAD);
		if (!kex_hello_get(&h, e->hello) || h.role != KEX_CLIENT ||
		    !server.up || server.mode != CTL_CLIENT_OPENS ||
		    memcmp(h.sid, server.keys.sid, KEX_SID) != 0 ||
		    (!number_free(&server.numbers, h.number) &&
		    broken != BROKEN_NUMBER)) {
			refuse(e, KEX_NO_SESSION);
			break;
		}
		e->number = h.number;
		e->stream = true;
		e->use = server.hello.protocol == CTL_UDP ? RECORD_FLOW :
		    RECORD_STREAM;
		e->answer[0] = KEX_GO_ON;
		fill(e->answer + 1, KEX_RANDOM);
		stream_keys(e, true, k.in);
		stream_keys(e, false, k.out);
		make_seal(e, &k);
		e->step = OPEN;
		break;
	case STREAM_STATUS:
		if ((p = take(e, 1)) == NULL)
			return false;
		e->answer[0] = p[0];
		if (p[0] == KEX_GO_ON)
			e->step = ANSWER;
		else
			breaks(e);
		break;
	case ANSWER:
		if ((p = take(e, KEX_ANSWER - 1)) == NULL)
			return false;
		memcpy(e->answer + 1, p, KEX_ANSWER - 1);
		stream_keys(e, false, k.in);
		crypt_init(&e->seal->in.record.crypt, client.keys.suite,
		    k.in);
		e->seal->in.record.crypt.count = count_base;
		e->step = FIRST;
		break;
	case OPEN:
	case FIRST:
	case RUNNING:
	case OVER:
		return false;
	}
	return true;
}

static bool
same_ctl(const struct ctl *a, const struct ctl *b)
{
	return a->end == b->end && a->protocol == b->protocol &&
	    memcmp(a->instance, b->instance, CTL_INSTANCE) == 0 &&
	    strcmp(a->text, b->text) == 0;
}

/* The first record of the other side. */
static void
first_record(struct end *e, enum record_type type, const uint8_t *body,
    size_t n)
{
	struct ctl m, welcome = { .kind = CTL_WELCOME, .mode = server.mode };
	struct ctl no = { .reason = CTL_FULL };
	uint8_t text[RECORD_REFUSED_MAX];

	if (e->stream && e->dials) {
		if (type == RECORD_OPENED) {
			e->accepted = true;
			e->step = RUNNING;
		} else
			breaks(e);		/* refused */
	} else if (e->stream) {
		if (!ctl_open_get(&e->open, body, n) ||
		    (!number_free(&server.numbers, e->number) &&
		    broken != BROKEN_NUMBER)) {
			breaks(e);
			return;
		}
		number_use(&server.numbers, e->number);
		e->accepted = true;
		e->step = RUNNING;
		make_data(e);
		send_message(e, e->answer, KEX_ANSWER);
		if (one_in(20)) {
			put_record(e, RECORD_REFUSED, text,
			    ctl_refused_put(&no, text));
			breaks(e);
		} else
			put_record(e, RECORD_OPENED, NULL, 0);
	} else if (type != RECORD_CONTROL || !ctl_get(&m, body, n)) {
		breaks(e);
	} else if (e->dials) {
		if (m.kind != CTL_WELCOME) {
			breaks(e);
			return;
		}
		if (m.mode != server.mode)
			violated("WELCOME is not what the server said");
		e->pipe = m.mode == CTL_PIPE;
		client.up = !e->pipe;
		e->step = RUNNING;
		if (e->pipe) {
			seal_become_pipe(e->seal);
			make_data(e);
		}
	} else {
		if (m.kind != CTL_HELLO) {
			breaks(e);
			return;
		}
		server.hello = m;
		if (!same_ctl(&m, &client.hello))
			violated("HELLO is not what the client said");
		put_control(e, &welcome);
		e->pipe = server.mode == CTL_PIPE;
		server.up = !e->pipe;
		memset(&server.numbers, 0, sizeof(server.numbers));
		e->step = RUNNING;
		if (e->pipe) {
			seal_become_pipe(e->seal);
			make_data(e);
		}
	}
}

static void
take_data(struct end *e, const uint8_t *body, size_t n)
{
	if (DATA_MAX - e->ngot < n || e->ngot_len == RECORDS) {
		violated("more than there was");
		return;
	}
	if (n > 0)
		memcpy(e->got + e->ngot, body, n);
	e->ngot += n;
	e->got_len[e->ngot_len++] = (uint16_t)n;
}

static void
next_record(struct end *e, enum record_type type, const uint8_t *body,
    size_t n)
{
	struct ctl m;

	switch (type) {
	case RECORD_DATA:
	case RECORD_DATAGRAM:
		take_data(e, body, n);
		break;
	case RECORD_END:
		e->heard_end = true;
		break;
	case RECORD_DONE:
		if (e->said_end)
			e->heard_done = true;
		else
			breaks(e);
		break;
	case RECORD_KEEPALIVE:
		seal_take_keepalive(e->seal, body, 0);
		break;
	case RECORD_CONTROL:
		if (e->pipe && ctl_get(&m, body, n) && m.kind == CTL_BYE &&
		    m.reason == CTL_STOPPING && !e->heard_end)
			e->stopped = broken != BROKEN_STOP;
		else
			breaks(e);
		break;
	case RECORD_ACK:
	case RECORD_OPEN:
	case RECORD_OPENED:
	case RECORD_REFUSED:
		breaks(e);
		break;
	}
}

/* Take what has come, in pieces; returns true if anything happened. */
static bool
take_records(struct end *e)
{
	enum record_type type;
	uint8_t *p, *body;
	size_t n, room;

	switch (seal_get(e->seal, &type, &body, &n)) {
	case CRYPT_BAD:
		breaks(e);
		return true;
	case CRYPT_RECORD:
		if (e->step == RUNNING)
			next_record(e, type, body, n);
		else
			first_record(e, type, body, n);
		return true;
	case CRYPT_MORE:
		break;
	}
	if (e->off == e->end)
		return false;
	p = seal_room(e->seal, &room);
	n = e->end - e->off;
	if (one_in(3))
		n = 1 + below((uint32_t)n);
	if (n > room)
		n = room;
	REQUIRE(n > 0);
	memcpy(p, e->queue + e->off, n);
	e->off += n;
	seal_came(e->seal, n);
	return true;
}

/* Say one more thing, if there is any. */
static bool
say(struct end *e)
{
	static const struct ctl stopped = {
		.kind = CTL_BYE, .reason = CTL_STOPPING
	};
	bool early = e->stream && e->dials &&
	    (e->step == STREAM_STATUS || e->step == ANSWER ||
	    e->step == FIRST);
	size_t n, left = e->ndata - e->nsent;

	if (e->step != RUNNING && !early)
		return false;
	if (!e->stream && !e->pipe) {	/* a link: now and then */
		if (!one_in(4) || e->nothing++ > 20)
			return false;
		put_keepalive(e);
		return true;
	}
	if (e->pipe && !(e->said_end && e->said_done) && one_in(8) &&
	    e->nothing++ < 20) {
		put_keepalive(e);
		return true;
	}
	if (e->pipe && e->heard_end && !e->said_done && one_in(2)) {
		e->said_done = true;
		put_record(e, RECORD_DONE, NULL, 0);
		return true;
	}
	if (!e->said_end && (left == 0 || (e->stops && one_in(6)))) {
		if (e->stops)
			put_control(e, &stopped);
		e->said_end = true;
		put_record(e, RECORD_END, NULL, 0);
		return true;
	}
	if (!e->said_end) {
		n = left > 1000 ? left / 3 + 1 : 1 + below(60);
		if (n > left)
			n = left;
		if (e->use == RECORD_FLOW && one_in(9))
			n = 0;
		if (e->nsent_len < RECORDS)
			e->sent_len[e->nsent_len++] = (uint16_t)n;
		e->nsent += n;
		put_record(e, e->use == RECORD_FLOW ? RECORD_DATAGRAM :
		    RECORD_DATA, e->data + e->nsent - n, n);
		return true;
	}
	return false;
}

/* Is all over, and well, for this end? */
static bool
is_complete(const struct end *e)
{
	if (e->pipe)
		return e->said_end && e->said_done && e->heard_end &&
		    (e->heard_done || broken == BROKEN_DONE);
	return e->stream && e->said_end && e->heard_end;
}

/* Nothing more comes. */
static void
ended(struct end *e)
{
	if (broken == BROKEN_FIN && e->step == RUNNING && !e->heard_end &&
	    (e->pipe || e->stream))
		e->heard_end = true;
	else
		breaks(e);
}

static bool
work(struct end *e)
{
	bool some = false;

	if (e->party == NULL || e->step == OVER)
		return false;
	if (e->seal == NULL || e->step < OPEN || (e->step > OPEN &&
	    e->step < FIRST))
		some = step_handshake(e);
	else
		some = take_records(e);
	if (e->step == OVER)
		return true;
	/* A stream that has heard the end may have more to say. */
	if (!some && e->fin && !(e->heard_end && e->stream)) {
		ended(e);
		return true;
	}
	if (one_in(2))
		some |= say(e);
	else if (!some)
		some = say(e);
	if (e->step != OVER && is_complete(e)) {
		e->complete = true;
		over(e);
		some = true;
	}
	return some;
}

/* Runs ----------------------------------------------------------------- */

static struct end *
new_end(int conn, bool dials, struct party *party)
{
	struct end *e = &ends[2 * conn + (dials ? 0 : 1)];

	memset(e, 0, offsetof(struct end, queue));
	memset(&e->off, 0, offsetof(struct end, data) -
	    offsetof(struct end, off));
	memset(&e->ndata, 0, sizeof(*e) - offsetof(struct end, ndata));
	e->party = party;
	e->conn = conn;
	e->dials = dials;
	e->step = HEAD;
	return e;
}

/* A connection to the server, by the client or the attacker; NULL: enough. */
static struct conn *
new_conn(bool stream, bool dialled)
{
	struct conn *c = &conns[nconns];

	if (nconns == CONNS)
		return NULL;
	c->stream = stream;
	c->fin[0] = c->fin[1] = false;
	c->nheld[0] = c->nheld[1] = 0;
	c->end[0] = dialled ? new_end(nconns, true, &client) : NULL;
	c->end[1] = new_end(nconns, false, &server);
	if (dialled)
		c->end[0]->stream = stream;
	nconns++;
	return c;
}

/* One end's bytes are what the other one sent, as far as they go; and all of
 * them if it thinks so. */
static void
check_bytes(const struct end *e, const struct end *from)
{
	if (e->ngot > from->nsent ||
	    memcmp(e->got, from->data, e->ngot) != 0)
		violated("wrong bytes");
	else if (e->use == RECORD_FLOW && (e->ngot_len > from->nsent_len ||
	    memcmp(e->got_len, from->sent_len, e->ngot_len *
	    sizeof(e->got_len[0])) != 0))
		violated("datagrams merged, or split");
	else if (e->heard_end && (!from->said_end || e->ngot != from->nsent ||
	    (e->use == RECORD_FLOW && e->ngot_len != from->nsent_len)))
		violated("an end before the end");
	if (e->complete && !e->stopped && e->ngot != from->ndata)
		violated("complete, and yet it is not all");
	if (e->complete && e->pipe && from->ngot != e->nsent)
		violated("complete, and yet not all was delivered");
}

static void
check_link(const struct end *c, const struct end *s)
{
	bool full = memcmp(c->kex.m1, "\xad\x17", 2) == 0;

	if (!full)
		return;
	if (c->accepted && (memcmp(c->kex.m1, s->kex.m1, KEX_M1) != 0 ||
	    memcmp(c->kex.m2, s->kex.m2, KEX_M2) != 0))
		violated("the client took a handshake that was changed");
	if (s->accepted && (!c->accepted ||
	    memcmp(c->kex.m1, s->kex.m1, KEX_M1) != 0 ||
	    memcmp(c->kex.m2, s->kex.m2, KEX_M2) != 0 ||
	    memcmp(c->kex.m3, s->heard3, KEX_M3) != 0))
		violated("the server took a handshake that was changed");
}

/* Each stream that the server took is one of the client's, and no two are the
 * same. */
static void
check_streams(void)
{
	const struct end *s, *c;
	int i, k, taken;

	for (i = 1; i < nconns; i++) {
		s = conns[i].end[1];
		if (!s->accepted)
			continue;
		if (!s->stream) {
			violated("the server took somebody else's link");
			continue;
		}
		for (k = 1, c = NULL; k < nconns && (c == NULL ||
		    c->number != s->number); k++)
			c = conns[k].end[0];
		if (c == NULL || c->number != s->number) {
			violated("a stream that nobody opened");
			continue;
		}
		if (s->open.protocol != c->open.protocol ||
		    strcmp(s->open.text, c->open.text) != 0)
			violated("OPEN is not what the client said");
		check_bytes(s, c);
		for (k = 1, taken = 0; k < nconns; k++)
			taken += conns[k].end[1]->accepted &&
			    conns[k].end[1]->number == s->number;
		if (taken > 1)
			violated("a stream was taken twice");
	}
	for (i = 1; i < nconns; i++) {
		if ((c = conns[i].end[0]) == NULL)
			continue;
		/* Who answered?  With this answer nobody else can have. */
		for (k = 1, s = NULL; k < nconns; k++) {
			if (conns[k].end[1]->accepted && memcmp(c->answer,
			    conns[k].end[1]->answer, KEX_ANSWER) == 0)
				s = conns[k].end[1];
		}
		if (c->accepted && s == NULL)
			violated("an answer that nobody gave");
		else if (c->accepted)
			check_bytes(c, s);
	}
}

static void
begin_session(bool full)
{
	bool aes = (bear_suites() & BEAR_AES256_GCM) != 0;
	struct conn *c;
	int i;

	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client.role = KEX_CLIENT;
	server.role = KEX_SERVER;
	client.mode = server.mode = one_in(2) ? CTL_PIPE : CTL_CLIENT_OPENS;
	fill(client.keys.prk, BEAR_HASH);
	fill(client.keys.sid, KEX_SID);
	client.keys.suite = aes && one_in(2) ? BEAR_AES256_GCM :
	    BEAR_CHACHA20_POLY1305;
	server.keys = client.keys;
	count_base = one_in(6) ? CRYPT_REKEY - 1 - below(8) : 0;
	nconns = nstreams = 0;
	tape = &tapes[below(TAPES)];
	tape->n = 0;
	tape->nbytes = 0;
	for (i = 0; i < 2 * CONNS; i++)
		ends[i].party = NULL;
	REQUIRE((c = new_conn(false, true)) != NULL);
	udp = client.mode != CTL_PIPE && one_in(3);
	if (!full)
		make_link(c->end[1]);
	dial_link(c->end[0], full);
}

static bool
work_all(void)
{
	bool some = false;
	int i, k;

	for (k = 0; k < 2 * nconns; k++) {
		i = (int)below(2 * (uint32_t)nconns);
		some |= work(&ends[i]);
	}
	for (i = 0; i < 2 * nconns; i++)
		some |= work(&ends[i]);
	return some;
}

static void
open_stream(void)
{
	struct conn *c;
	struct end *e;

	if (!client.up || nstreams == STREAMS || nconns > CONNS - 2 ||
	    (c = new_conn(true, true)) == NULL)
		return;
	e = c->end[0];
	e->use = udp ? RECORD_FLOW : RECORD_STREAM;
	make_data(e);
	dial_stream(e);
}

/* One session under attack.  Returns true if it went well for all. */
static bool
run(uint64_t seed)
{
	bool well = true, some, full;
	int i, quiet;

	begin_random(seed);
	violation[0] = '\0';
	attacks = 0;
	full = seed % FULL_EVERY == 0;
	mildness = one_in(10) ? 0 : full || one_in(4) ? 6 : 25;
	begin_session(full);
	for (quiet = 0; quiet < 4;) {
		some = work_all();
		if (client.up && nstreams < STREAMS && one_in(3)) {
			open_stream();
			some = true;
		}
		quiet = some ? 0 : quiet + 1;
	}
	/* Then everybody's patience is over. */
	for (i = 0; i < nconns; i++) {
		cut(&conns[i], 0);
		cut(&conns[i], 1);
	}
	while (work_all())
		continue;
	check_link(conns[0].end[0], conns[0].end[1]);
	if (conns[0].end[0]->pipe)
		check_bytes(conns[0].end[0], conns[0].end[1]);
	if (conns[0].end[1]->pipe)
		check_bytes(conns[0].end[1], conns[0].end[0]);
	check_streams();
	for (i = 0; i < nconns; i++) {
		if (i == 0 && client.mode != CTL_PIPE)
			well = well && conns[0].end[0]->accepted &&
			    conns[0].end[1]->accepted && client.up;
		else
			well = well && conns[i].end[0] != NULL &&
			    conns[i].end[0]->complete &&
			    conns[i].end[1]->complete;
	}
	for (i = 0; i < 2 * nconns; i++) {
		if ((ends[i].pipe || ends[i].stream) && ends[i].step != OVER)
			violated("one side does not know how it ended");
		if (ends[i].complete && ends[i].broke)
			violated("complete and broken");
		seal_free(ends[i].seal);
		ends[i].seal = NULL;
	}
	return well;
}

/* What kinds of sessions there were, that went well. */
enum kind { PIPES, TCP, UDP, WHOLE, AES, REKEYED, NKINDS };

static void
runs(uint64_t from, uint64_t to)
{
	unsigned well = 0, unharmed = 0, spoilt = 0, kinds[NKINDS] = { 0 };
	uint64_t seed;
	int i;

	broken = NOTHING;
	for (seed = from; seed < to; seed++) {
		unit_row("seed %lu", (unsigned long)seed);
		if (run(seed)) {
			well++;
			unharmed += attacks > 0;
			kinds[client.mode == CTL_PIPE ? PIPES : udp ? UDP :
			    TCP]++;
			kinds[WHOLE] += seed % FULL_EVERY == 0;
			kinds[AES] += client.keys.suite == BEAR_AES256_GCM;
			kinds[REKEYED] += count_base > 0;
		} else if (mildness == 0)
			spoilt++;	/* a refusal is no attack */
		if (violation[0] != '\0')
			unit_fail(__FILE__, __LINE__, "%s", violation);
	}
	/* The attacker was there, in every way; and sometimes it was not, or
	 * not so that it mattered: then all is well. */
	for (i = 0; i < NATTACKS; i++) {
		unit_row("attack %d", i);
		CHECK(done[i] > RUNS / 40);
	}
	for (i = 0; i < NKINDS; i++) {
		unit_row("kind %d: %u", i, kinds[i]);
		CHECK(kinds[i] > 0 || (i == AES &&
		    (bear_suites() & BEAR_AES256_GCM) == 0));
	}
	unit_row("%u well, %u of them attacked, %u refused by chance", well,
	    unharmed, spoilt);
	CHECK(well > RUNS / 40 && well < RUNS / 8);
	CHECK(unharmed > 10);
	CHECK(spoilt < RUNS / 200);
}

/* A quarter each, for the time limit of a case. */
static void
first(void)
{
	runs(0, RUNS / 4);
}

static void
second(void)
{
	runs(RUNS / 4, RUNS / 2);
}

static void
third(void)
{
	runs(RUNS / 2, RUNS / 4 * 3);
}

static void
fourth(void)
{
	runs(RUNS / 4 * 3, RUNS);
}

/* With this rule broken, does a violation show? */
static void
shows(enum broken rule, const char *what)
{
	uint64_t seed = 0, step = 1;
	int i;

	unit_row("%s", what);
	broken = rule;
	violation[0] = '\0';
	/* What is about handshakes shows only where they are. */
	if (rule == BROKEN_CA || rule == BROKEN_CB)
		step = FULL_EVERY;
	for (i = 0; i < BROKEN_RUNS && violation[0] == '\0'; i++) {
		(void)run(seed);
		seed += step;
	}
	CHECK(violation[0] != '\0');
}

static void
self_check(void)
{
	shows(BROKEN_TAG, "tags ignored");
	shows(BROKEN_COUNT, "records not counted");
	shows(BROKEN_CA, "cA ignored");
	shows(BROKEN_CB, "cB ignored");
	shows(BROKEN_ROLE, "one key for both directions");
	shows(BROKEN_NUMBER, "numbers used again");
	shows(BROKEN_HELLO, "h not in the keys");
	shows(BROKEN_FIN, "FIN for END");
	shows(BROKEN_DONE, "DONE not awaited");
	shows(BROKEN_STOP, "a stop not heeded");
}

static int
by_hand(uint64_t from, uint64_t to)
{
	unsigned well = 0, n = 0;

	for (; from <= to; from++, n++) {
		well += run(from);
		if (violation[0] == '\0')
			continue;
		printf("seed %llu: %s\n", (unsigned long long)from,
		    violation);
		return 1;
	}
	printf("%u runs, %u well\n", n, well);
	return 0;
}

int
main(int argc, char *argv[])
{
	if (argc > 1)
		return by_hand(strtoull(argv[1], NULL, 10),
		    strtoull(argv[argc - 1], NULL, 10));
	unit_case("mitm: 10000 sessions under attack, 1 of 4", first);
	unit_case("mitm: 10000 sessions under attack, 2 of 4", second);
	unit_case("mitm: 10000 sessions under attack, 3 of 4", third);
	unit_case("mitm: 10000 sessions under attack, 4 of 4", fourth);
	unit_case("mitm: broken rules show", self_check);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* record.c - a peer that has the key, and one that has not, send records.
 *
 * Input: one byte for the kind of connection, one for how the wire is cut,
 * then records to seal, of whatever type and length, and what happens to them
 * on the way.  What seal.c takes is compared with PROTOCOL.md 3.3 as a
 * table, and what it sends with records that are sealed here. */

#include "bear.h"
#include "ctl.h"
#include "fuzz.h"
#include "kdf.h"
#include "seal.h"

enum {
	RECORDS_MAX = 40, EDITS_MAX = 16,
	BODY_MAX = 65535,
	WIRE_MAX = 3 * 65536
};

/* What was sealed, and whether it may be taken if all before it was. */
struct made {
	size_t at, len;			/* on the wire */
	uint8_t type;
	size_t n;
	int good;
	int bare;			/* a tag alone, not even a type */
};

struct edit { uint8_t kind, where, from, what; };

/* One input. */
struct play {
	enum record_use use;
	int dialler;			/* who sends in this direction */
	uint64_t first;			/* the number of the first record */
	uint8_t cut;
	int pipe_at;			/* before this record it is a pipe */
	struct made made[RECORDS_MAX];
	int nmade;
	struct edit edits[EDITS_MAX];
	int nedits;
	uint8_t wire[WIRE_MAX], sent[WIRE_MAX + EDITS_MAX * 256];
	size_t nwire, nsent;
};

static struct play play;
static uint8_t body_buf[BODY_MAX];

/* Sealing ------------------------------------------------------------------ */

static struct {
	enum bear_suite suite;
	struct bear_aead aead;		/* of the key */
	uint8_t key[BEAR_KEY], iv[BEAR_NONCE];
	uint64_t count;
} sealer;

/* The body of record number k: no two are alike, nor the same at two places,
 * so that the wrong one shows. */
static uint8_t *
body_of(int k, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		body_buf[i] = (uint8_t)((unsigned)k * 41u + i + (i >> 8) * 3);
	return body_buf;
}

static void
set_keys(const uint8_t keys[CRYPT_KEYS])
{
	memcpy(sealer.key, keys, BEAR_KEY);
	memcpy(sealer.iv, keys + BEAR_KEY, BEAR_NONCE);
	bear_aead_init(&sealer.aead, sealer.suite, sealer.key);
}

/* Seal n bytes as PROTOCOL.md says; returns how many that makes. */
static size_t
seal(uint8_t *out, const uint8_t *p, size_t n)
{
	uint8_t nonce[BEAR_NONCE], prk[BEAR_HASH];
	uint8_t keys[BEAR_KEY + BEAR_NONCE];
	size_t len = n + BEAR_TAG;
	int i;

	MUST(len <= 65535);
	if (sealer.count > play.first && sealer.count % 1048576 == 0) {
		bear_hmac("", 0, sealer.key, sizeof(sealer.key), prk);
		kdf_expand(prk, "adit rekey", 10, keys, sizeof(keys));
		set_keys(keys);
	}
	memcpy(nonce, sealer.iv, sizeof(nonce));
	for (i = 0; i < 8; i++)
		nonce[4 + i] ^= (uint8_t)(sealer.count >> (56 - 8 * i) & 0xff);
	sealer.count++;
	out[0] = (uint8_t)(len >> 8);
	out[1] = (uint8_t)(len & 0xff);
	memmove(out + 2, p, n);
	bear_aead_seal(&sealer.aead, nonce, out, 2, out + 2, n, out + 2 + n);
	return 2 + len;
}

/* The rules ---------------------------------------------------------------- */

/* The table of 3.3: where is T, a stream of TCP; U, one of UDP; L, a link;
 * P, one with stream 0. */
static const struct rule {
	size_t min, max;
	const char *where;
} rules[] = {
	{ 1, 0, "" },
	{ 1, 16384, "TP" },		/* DATA */
	{ 0, 65507, "U" },		/* DATAGRAM */
	{ 1, 1024, "LP" },		/* CONTROL */
	{ 0, 0, "TUP" },		/* END */
	{ 0, 0, "P" },			/* DONE */
	{ 8, 8, "LP" },			/* KEEPALIVE */
	{ 1, 0, "" },			/* ACK */
	{ 1, 512, "TU" },		/* OPEN */
	{ 0, 0, "TU" },			/* OPENED */
	{ 1, 256, "TU" }		/* REFUSED */
};

static int
has_come(int k, uint8_t type)
{
	while (k-- > 0)
		if (play.made[k].type == type)
			return 1;
	return 0;
}

/* May record k come, if all before it were good? */
static int
is_good(int k)
{
	const struct made *m = &play.made[k];
	int link = play.use == RECORD_LINK;
	int here = play.use == RECORD_STREAM ? 'T' :
	    play.use == RECORD_FLOW ? 'U' : play.pipe_at <= k ? 'P' : 'L';
	const struct rule *r;

	if (m->bare || m->type >= sizeof(rules) / sizeof(rules[0]))
		return 0;
	r = &rules[m->type];
	if (strchr(r->where, here) == NULL || m->n < r->min || m->n > r->max)
		return 0;
	/* The first one, and no other, opens a stream or answers that. */
	if (!link && (k == 0) != (m->type >= 8))
		return 0;
	if (k == 0 && (link ? m->type != 3 : play.dialler ? m->type != 8 :
	    m->type == 8))
		return 0;
	/* Nothing follows on REFUSED; nor on END and DONE on a link. */
	if (has_come(k, 10) || (link && has_come(k, 4) && has_come(k, 5)))
		return 0;
	if (has_come(k, 4) && (m->type == 1 || m->type == 2 || m->type == 4))
		return 0;
	return m->type != 5 || !has_come(k, 5);
}

/* Reading the input -------------------------------------------------------- */

static void
add_record(struct fuzz_in *in, uint8_t op)
{
	static const uint16_t lengths[] = {
		255, 256, 257, 511, 512, 513, 1023, 1024, 1025, 4078, 4079,
		16383, 16384, 16385, 32768, 65506, 65507, 65508, 65518
	};
	static const uint16_t usual[] = { 0, 2, 2, 9, 0, 0, 8, 3, 4, 0, 6 };
	struct made *m = &play.made[play.nmade];
	uint8_t how;

	m->type = op & 15;
	m->bare = 0;
	m->n = m->type < 11 ? usual[m->type] : 5;
	if ((op & 0x20) != 0) {
		how = fuzz_u8(in);
		m->bare = how == 255;
		m->n = how < 200 ? how : how < 219 ? lengths[how - 200] :
		    how < 240 ? 16u * how : how < 250 ? fuzz_u16(in) : 0;
	}
	if ((op & 0x10) != 0)
		m->type = fuzz_u8(in);
	if (m->n > BODY_MAX - 1 - 16)
		m->n = BODY_MAX - 1 - 16;
	m->at = play.nwire;
	m->len = 2 + 1 + m->n + 16 - (size_t)m->bare;
	if (m->at + m->len > WIRE_MAX)
		return;
	if (m->bare)
		(void)seal(play.wire + m->at, body_buf, 0);
	else {
		(void)body_of(play.nmade, m->n);
		memmove(body_buf + 1, body_buf, m->n);
		body_buf[0] = m->type;
		(void)seal(play.wire + m->at, body_buf, 1 + m->n);
	}
	play.nwire += m->len;
	play.nmade++;
}

static void
read_input(struct fuzz_in *in)
{
	struct edit *e;
	uint8_t op;

	while (in->n > 0) {
		op = fuzz_u8(in);
		if (op < 0x80 && play.nmade < RECORDS_MAX)
			add_record(in, op);
		else if (op < 0xc0 && play.use == RECORD_LINK) {
			if (play.pipe_at > RECORDS_MAX)
				play.pipe_at = play.nmade;
		} else if (op >= 0xc0 && play.nedits < EDITS_MAX) {
			e = &play.edits[play.nedits++];
			e->kind = op;
			e->where = fuzz_u8(in);
			e->from = fuzz_u8(in);
			e->what = fuzz_u8(in);
		}
	}
}

/* Change what is on the wire. */
static void
edit_wire(const struct edit *e)
{
	const struct made *m, *other;
	size_t at, n;
	uint8_t *p;

	if (play.nmade == 0)
		return;
	m = &play.made[e->where % play.nmade];
	other = &play.made[e->from % play.nmade];
	/* Somewhere in it, counted from its beginning or its end. */
	at = e->from < 128 ? e->from % m->len :
	    m->len - 1 - (255u - e->from) % m->len;
	if (m->at + at >= play.nsent)
		return;
	p = play.sent + m->at + at;
	n = play.nsent - m->at - at;
	switch (e->kind & 7) {
	case 0:
		*p = e->what;
		break;
	case 1:
		*p ^= (uint8_t)(1 << (e->what & 7));
		break;
	case 2:				/* cut off */
		play.nsent -= n;
		break;
	case 3:				/* some bytes are missing */
		at = e->what < n ? e->what : n;
		memmove(p, p + at, n - at);
		play.nsent -= at;
		break;
	case 4:				/* and some are new */
		memmove(p + e->what, p, n);
		memset(p, e->from, e->what);
		play.nsent += e->what;
		break;
	case 5:				/* a record instead of another */
		n = other->len < m->len ? other->len : m->len;
		if (m->at + n <= play.nsent)
			memcpy(play.sent + m->at, play.wire + other->at, n);
		break;
	case 6:				/* one is lost */
		at = m->at + m->len;
		if (at > play.nsent)
			break;
		memmove(play.sent + m->at, play.sent + at, play.nsent - at);
		play.nsent -= m->len;
		break;
	default:			/* one comes twice, if it is short */
		at = m->at + m->len;
		if (m->len > 256 || at > play.nsent)
			break;
		memmove(play.sent + at + m->len, play.sent + at,
		    play.nsent - at);
		memcpy(play.sent + at, play.sent + m->at, m->len);
		play.nsent += m->len;
		break;
	}
}

/* Both ends ---------------------------------------------------------------- */

/* As long as all is well, record k is what we would have sent. */
static void
check_sending(struct seal *s)
{
	const struct made *m;
	const uint8_t *p;
	size_t n;
	int k;

	for (k = 0; k < play.nmade && play.made[k].good; k++) {
		m = &play.made[k];
		if (play.pipe_at == k)
			seal_become_pipe(s);
		MUST(seal_put(s, (enum record_type)m->type, body_of(k, m->n),
		    m->n) == 0);
		p = seal_pending(s, &n);
		MUST(n == m->len && memcmp(p, play.wire + m->at, n) == 0);
		seal_sent(s, n / 2, 0);
		p = seal_pending(s, &n);
		MUST(n == m->len - m->len / 2);
		seal_sent(s, n, 0);
		if ((play.cut & 1) != 0)
			seal_shrink(&s->out);
	}
}

/* What must come of the n bytes at p, of which record k is due. */
static enum crypt_verdict
should_be(const uint8_t *p, size_t n, int k)
{
	const struct made *m = &play.made[k];
	size_t len;

	if (n < 2)
		return CRYPT_MORE;
	len = (size_t)p[0] << 8 | p[1];
	if (len < 17 || len > 65524)
		return CRYPT_BAD;
	if (n < 2 + len)
		return CRYPT_MORE;
	return k < play.nmade && m->len == 2 + len && m->good &&
	    memcmp(p, play.wire + m->at, m->len) == 0 ? CRYPT_RECORD :
	    CRYPT_BAD;
}

static void
check_receiving(struct seal *s)
{
	enum crypt_verdict v, want;
	size_t come = 0, off = 0, room, n;
	uint32_t random = play.cut;
	enum record_type type;
	uint8_t *p, *body;
	int k = 0, is_pipe = 0;

	for (;;) {
		if (play.pipe_at == k && !is_pipe) {
			seal_become_pipe(s);
			is_pipe = 1;
		}
		want = should_be(play.sent + off, come - off, k);
		body = NULL;
		n = SIZE_MAX;
		v = seal_get(s, &type, &body, &n);
		MUST(v == want);
		if (v == CRYPT_BAD)
			break;
		if (v == CRYPT_RECORD) {
			MUST((unsigned)type == play.made[k].type);
			MUST(n == play.made[k].n);
			MUST(memcmp(body, body_of(k, n), n) == 0);
			off += play.made[k++].len;
			continue;
		}
		if (come == play.nsent)
			return;
		if (random % 5 == 0)
			seal_shrink(&s->in);
		p = seal_room(s, &room);
		MUST(room > 0);		/* or it would wait for ever */
		/* Byte by byte, as it comes, or of all sizes. */
		n = play.nsent - come;
		random = random * 1664525u + 1013904223u;
		if (play.cut == 1)
			n = 1;
		else if (play.cut > 1)
			n = 1 + (random >> 12) % (1u << play.cut % 18);
		if (n > play.nsent - come)
			n = play.nsent - come;
		if (n > room)
			n = room;
		memcpy(p, play.sent + come, n);
		seal_came(s, n);
		come += n;
	}
	/* It stays bad, whatever else comes. */
	p = seal_room(s, &room);
	if (room > 0) {
		*p = 0;
		seal_came(s, 1);
	}
	MUST(seal_get(s, &type, &body, &n) == CRYPT_BAD);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum record_use uses[] = {
		RECORD_LINK, RECORD_STREAM, RECORD_FLOW, RECORD_LINK
	};
	/* Where new keys are due, and where numbers become longer. */
	static const uint64_t numbers[] = {
		0, 1048574, (UINT64_C(1) << 32) - 3, (UINT64_C(1) << 56) + 5
	};
	static unsigned suites;
	struct fuzz_in in = { data, size };
	struct seal_keys keys;
	struct seal *us, *them;
	uint8_t kind;
	size_t i;

	kind = fuzz_u8(&in);
	play.use = uses[kind & 3];
	play.dialler = kind >> 2 & 1;
	play.first = numbers[kind >> 3 & 3];
	play.cut = fuzz_u8(&in);
	play.pipe_at = RECORDS_MAX + 1;
	play.nmade = play.nedits = 0;
	play.nwire = 0;

	/* Asking the processor takes longer than most inputs do. */
	if (suites == 0)
		suites = bear_suites();
	keys.suite = (kind & 0x20) != 0 && (suites & BEAR_AES256_GCM) != 0 ?
	    BEAR_AES256_GCM : BEAR_CHACHA20_POLY1305;
	for (i = 0; i < CRYPT_KEYS; i++)
		keys.in[i] = keys.out[i] = (uint8_t)(i * 5 + 1);
	sealer.suite = keys.suite;
	set_keys(keys.in);
	sealer.count = play.first;
	read_input(&in);
	for (i = 0; i < (size_t)play.nmade; i++)
		play.made[i].good = is_good((int)i);
	memcpy(play.sent, play.wire, play.nwire);
	play.nsent = play.nwire;
	for (i = 0; i < (size_t)play.nedits; i++)
		edit_wire(&play.edits[i]);

	us = seal_new(play.use, !play.dialler, &keys);
	them = seal_new(play.use, play.dialler, &keys);
	MUST(us != NULL && them != NULL);
	us->in.record.crypt.count = play.first;
	them->out.record.crypt.count = play.first;
	check_sending(them);
	check_receiving(us);
	seal_free(us);
	seal_free(them);
	return 0;
}

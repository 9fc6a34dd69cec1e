/* SPDX-License-Identifier: MIT */
/* meet.c - the relay's wire, against bytes written by hand from PROTOCOL.md
 * section 10. */

#include "meet.h"
#include "unit.h"

#define ID "00112233445566778899aabbccddeeff"
#define FOUR "00000000000000000000ffffc0000201d903"	/* 192.0.2.1:55555 */
#define SIX "20010db8000000000000000000000001ffff"
#define X32 "3031323334353637383961626364656678797a5f2e3031323334353637383961"
#define T32 "0123456789abcdefxyz_.0123456789a"

enum { HEX_MAX = 512 };

/* Bytes of a string of hexadecimal digits. */
static size_t
bytes(const char *hex, uint8_t out[HEX_MAX])
{
	size_t n = 0;
	unsigned v;

	for (; *hex != '\0'; hex += 2) {
		REQUIRE(n < HEX_MAX && sscanf(hex, "%2x", &v) == 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static const uint8_t id[MEET_ID] = {
	0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
	0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff
};

/* What stands in a body before its text, or all of it; how long the text may
 * be. */
static const struct form {
	size_t fixed, text_min, text_max;
} forms[] = {
	[MEET_M_WAIT] = { 21, 1, 32 },
	[MEET_M_WAITING] = { 38, 0, 0 },
	[MEET_M_REFUSED] = { 2, 0, 255 },
	[MEET_M_CALL] = { 17, 0, 0 },
	[MEET_M_GRANT] = { 17, 0, 0 },
	[MEET_M_PING] = { 5, 0, 0 },
	[MEET_M_PONG] = { 5, 0, 0 },
	[MEET_M_BYE] = { 2, 0, 255 }
};

static const struct row {
	const char *hex;
	enum meet_message kind;
	uint8_t parked;
	enum meet_publish publish;
	uint16_t port;
	const char *addr;
	enum meet_reason reason;
	uint32_t stamp;
	const char *text;
} rows[] = {
	{ "01" ID "02" "00" "0000" "61", MEET_M_WAIT, .parked = 2,
	    .text = "a" },
	{ "01" ID "00" "01" "1f90" "612e62", MEET_M_WAIT,
	    .publish = MEET_PUBLISH_TCP, .port = 8080, .text = "a.b" },
	{ "01" ID "08" "02" "ffff" X32, MEET_M_WAIT, .parked = 8,
	    .publish = MEET_PUBLISH_UDP, .port = 65535, .text = T32 },
	{ "02" ID "00" "0000" FOUR, MEET_M_WAITING, .addr = FOUR },
	{ "02" ID "02" "1234" SIX, MEET_M_WAITING,
	    .publish = MEET_PUBLISH_UDP, .port = 0x1234, .addr = SIX },
	{ "03" "01", MEET_M_REFUSED, .reason = MEET_R_BUSY },
	{ "03" "02" "66756c6c", MEET_M_REFUSED, .reason = MEET_R_FULL,
	    .text = "full" },
	{ "03" "03", MEET_M_REFUSED, .reason = MEET_R_MEMBERS },
	{ "03" "04", MEET_M_REFUSED, .reason = MEET_R_NOT_ALLOWED },
	{ "04" ID, MEET_M_CALL, .text = NULL },
	{ "05" ID, MEET_M_GRANT, .text = NULL },
	{ "06" "01020304", MEET_M_PING, .stamp = 0x01020304 },
	{ "06" "00000000", MEET_M_PING, .stamp = 0 },
	{ "07" "fffefdfc", MEET_M_PONG, .stamp = 0xfffefdfc },
	{ "08" "05", MEET_M_BYE, .reason = MEET_R_REPLACED },
	{ "08" "06" "c3a4", MEET_M_BYE, .reason = MEET_R_STOPPING,
	    .text = "\xc3\xa4" },
	{ "08" "07", MEET_M_BYE, .reason = MEET_R_NONSENSE },
	{ "08" "08" "78", MEET_M_BYE, .reason = MEET_R_FAILED, .text = "x" }
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static bool
has_id(enum meet_message kind)
{
	return kind == MEET_M_WAIT || kind == MEET_M_WAITING ||
	    kind == MEET_M_CALL || kind == MEET_M_GRANT;
}

/* The message of a row; what it does not have is zero. */
static void
make(struct meet *m, const struct row *r)
{
	uint8_t addr[HEX_MAX];

	memset(m, 0, sizeof(*m));
	m->kind = r->kind;
	if (has_id(r->kind))
		memcpy(m->id, id, sizeof(id));
	m->parked = r->parked;
	m->publish = r->publish;
	m->port = r->port;
	m->reason = r->reason;
	m->stamp = r->stamp;
	if (r->addr != NULL) {
		REQUIRE(bytes(r->addr, addr) == MEET_ADDR);
		memcpy(m->addr, addr, MEET_ADDR);
	}
	if (r->text != NULL)
		(void)snprintf(m->text, sizeof(m->text), "%s", r->text);
}

static void
check_same(const struct meet *is, const struct meet *should)
{
	CHECK_EQ(is->kind, should->kind);
	CHECK_BYTES(is->id, should->id, MEET_ID);
	CHECK_EQ(is->parked, should->parked);
	CHECK_EQ(is->publish, should->publish);
	CHECK_EQ(is->port, should->port);
	CHECK_BYTES(is->addr, should->addr, MEET_ADDR);
	CHECK_EQ(is->reason, should->reason);
	CHECK_EQ(is->stamp, should->stamp);
	CHECK_STR(is->text, should->text);
}

/* Read n bytes, where the one behind them cannot be touched, into what was
 * something else before. */
static bool
get(struct meet *m, const void *p, size_t n)
{
	memset(m, 0xa5, sizeof(*m));
	return meet_get(m, unit_guard(p, n), n);
}

static void
golden(void)
{
	uint8_t body[HEX_MAX], out[MEET_BODY_MAX];
	struct meet m, should;
	size_t i, n;

	for (i = 0; i < NROWS; i++) {
		unit_row("%s", rows[i].hex);
		n = bytes(rows[i].hex, body);
		make(&should, &rows[i]);
		memset(out, 0xa5, sizeof(out));
		CHECK_EQ(meet_put(&should, out), n);
		CHECK_BYTES(out, body, n);
		CHECK_EQ(out[n], 0xa5);
		CHECK(get(&m, body, n));
		check_same(&m, &should);
	}
}

/* Every prefix of every message, and each with more behind it: only text may
 * be shorter or longer. */
static void
lengths(void)
{
	uint8_t body[HEX_MAX];
	const struct form *f;
	struct meet m;
	size_t i, n, k;
	bool good;

	for (i = 0; i < NROWS; i++) {
		f = &forms[rows[i].kind];
		n = bytes(rows[i].hex, body);
		memset(body + n, 'a', sizeof(body) - n);
		for (k = 0; k <= MEET_BODY_MAX; k++) {
			unit_row("%zu bytes of %s", k, rows[i].hex);
			good = k >= f->fixed + f->text_min &&
			    k <= f->fixed + f->text_max;
			CHECK_EQ(get(&m, body, k), good);
			if (!good || f->text_max == 0)
				continue;
			CHECK_EQ(strlen(m.text), k - f->fixed);
			CHECK_BYTES(m.text, body + f->fixed, k - f->fixed);
		}
	}
	/* With nothing at all there is no pointer, either. */
	CHECK(!meet_get(&m, NULL, 0));
}

/* One byte of a message is another one: all 256 of it. */
static void
hostile(void)
{
	static const struct {
		const char *hex;
		size_t at;
		unsigned from, to;	/* these are good */
	} tries[] = {
		{ "01" ID "02" "00" "0000" "61", 17, 0, 8 },
		{ "01" ID "02" "00" "0000" "61", 18, 0, 2 },
		{ "01" ID "02" "00" "0000" "61", 19, 0, 255 },
		{ "01" ID "02" "00" "0000" "61", 20, 0, 255 },
		{ "01" ID "02" "00" "0000" "61", 1, 0, 255 },
		{ "02" ID "00" "0000" FOUR, 17, 0, 2 },
		{ "02" ID "00" "0000" FOUR, 18, 0, 255 },
		{ "02" ID "00" "0000" FOUR, 20, 0, 255 },
		{ "02" ID "00" "0000" FOUR, 37, 0, 255 },
		{ "03" "01" "7878", 1, 1, 8 },
		{ "03" "01" "7878", 2, 1, 255 },
		{ "03" "01" "7878", 3, 1, 255 },
		{ "08" "01" "7878", 1, 1, 8 },
		{ "08" "01" "7878", 3, 1, 255 },
		{ "08" "01", 1, 1, 8 },
		{ "04" ID, 0, 4, 5 },
		{ "06" "01020304", 0, 6, 7 },
		{ "06" "01020304", 1, 0, 255 }
	};
	uint8_t body[HEX_MAX];
	struct meet m;
	size_t i, n;
	unsigned v;

	for (i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		n = bytes(tries[i].hex, body);
		for (v = 0; v < 256; v++) {
			/* What is no ticket may be a sentence. */
			if (tries[i].at == 0 && (v == MEET_M_REFUSED ||
			    v == MEET_M_BYE))
				continue;
			unit_row("%s, byte %zu is %02x", tries[i].hex,
			    tries[i].at, v);
			body[tries[i].at] = (uint8_t)v;
			CHECK_EQ(get(&m, body, n), v >= tries[i].from &&
			    v <= tries[i].to);
		}
	}
	for (v = 0; v < 256; v++) {
		n = bytes("01" ID "02" "00" "0000" "6161", body);
		body[n - 1] = (uint8_t)v;
		unit_row("a room with %02x", v);
		CHECK_EQ(get(&m, body, n), (v >= 'a' && v <= 'z') ||
		    (v >= '0' && v <= '9') || v == '_' || v == '.');
	}
	/* No kind, whatever follows. */
	for (v = 0; v < 256; v++) {
		if (v >= MEET_M_WAIT && v <= MEET_M_BYE)
			continue;
		for (n = 1; n < 64; n++) {
			memset(body, 1, n);
			body[0] = (uint8_t)v;
			unit_row("%zu bytes of kind %02x", n, v);
			CHECK(!get(&m, body, n));
		}
	}
}

/* The longest of all fit, and what would not is cut, not written. */
static void
longest(void)
{
	uint8_t out[MEET_BODY_MAX];
	struct meet m, back;
	size_t n;

	memset(&m, 0, sizeof(m));
	m.kind = MEET_M_BYE;
	m.reason = MEET_R_FAILED;
	memset(m.text, 'x', MEET_SENTENCE_MAX);
	n = meet_put(&m, out);
	CHECK_EQ(n, 257);
	CHECK(get(&back, out, n));
	check_same(&back, &m);
	m.kind = MEET_M_WAIT;
	n = meet_put(&m, out);
	CHECK_EQ(n, 53);
	CHECK(get(&back, out, n));
	CHECK_EQ(strlen(back.text), MEET_ROOM_MAX);
}

static void
heads(void)
{
	uint8_t head[MEET_HEAD];
	unsigned i, v;

	for (v = 0; v < 256; v++) {
		unit_row("kind %02x", v);
		memcpy(head, "\xad\x17\x01", 3);
		head[3] = (uint8_t)v;
		CHECK_EQ(meet_kind(unit_guard(head, 4)), v >= 3 && v <= 7 ?
		    (int)v : MEET_KIND_BAD);
		unit_row("version %02x", v);
		head[2] = (uint8_t)v;
		head[3] = 3;
		CHECK_EQ(meet_kind(head), v == 1 ? (int)MEET_WAIT :
		    MEET_KIND_VERSION);
		/* Of another version the kinds are not known. */
		head[3] = 0xee;
		CHECK_EQ(meet_kind(head), v == 1 ? MEET_KIND_BAD :
		    MEET_KIND_VERSION);
		for (i = 0; i < 2; i++) {
			unit_row("byte %u is %02x", i, v);
			memcpy(head, "\xad\x17\x01\x04", 4);
			head[i] = (uint8_t)v;
			CHECK_EQ(meet_kind(head), v == (i == 0 ? 0xadu :
			    0x17u) ? (int)MEET_DIAL : MEET_KIND_BAD);
		}
	}
	CHECK_EQ(MEET_WAIT, 3);
	CHECK_EQ(MEET_DIAL, 4);
	CHECK_EQ(MEET_ACCEPT_KIND, 5);
	CHECK_EQ(MEET_MEMBER, 6);
	CHECK_EQ(MEET_STATUS, 7);
	for (v = MEET_WAIT; v <= MEET_STATUS; v++) {
		unit_row("kind %u", v);
		meet_head_put((enum meet_kind)v, head);
		CHECK_BYTES(head, "\xad\x17\x01", 3);
		CHECK_EQ(head[3], v);
	}
}

static void
rooms(void)
{
	static const struct {
		const char *room;
		bool good;
	} names[] = {
		{ "a", true }, { "z", true }, { "0", true }, { "9", true },
		{ "_", true }, { ".", true }, { "..", true },
		{ "8442", true }, { T32, true },
		{ "", false }, { T32 "b", false }, { T32 T32, false },
		{ "A", false }, { "aB", false }, { "a-b", false },
		{ "-", false }, { "a b", false }, { " ", false },
		{ "a/b", false }, { "a\n", false }, { "\xc3\xa4", false },
		{ "a:1", false }, { "{", false }, { "`", false }
	};
	uint8_t out[MEET_DIAL_MAX], want[HEX_MAX], p[MEET_ROOM_MAX + 8];
	char room[MEET_ROOM_MAX + 1];
	size_t i, n;
	unsigned v;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unit_row("\"%s\"", names[i].room);
		n = strlen(names[i].room);
		CHECK_EQ(meet_room_valid(names[i].room), names[i].good);
		CHECK_EQ(meet_room_get(unit_guard(names[i].room, n), n, room),
		    names[i].good);
		if (names[i].good)
			CHECK_STR(room, names[i].room);
	}
	for (n = 0; n < 256; n++) {
		/* A length of the wire's says how much there should be; what
		 * is too long is not looked at. */
		unit_row("a length of %zu", n);
		memset(p, 'r', sizeof(p));
		CHECK_EQ(meet_room_get(unit_guard(p, n <= MEET_ROOM_MAX ? n :
		    0), n, room), n >= 1 && n <= MEET_ROOM_MAX);
	}
	for (n = 1; n <= MEET_ROOM_MAX; n++) {
		for (i = 0; i < n; i++) {
			unit_row("zero at %zu of %zu", i, n);
			memset(p, 'r', sizeof(p));
			p[i] = 0;
			CHECK(!meet_room_get(p, n, room));
		}
	}
	for (v = 0; v < 256; v++) {
		unit_row("%02x in a room", v);
		memset(p, 'r', sizeof(p));
		p[1] = (uint8_t)v;
		CHECK_EQ(meet_room_get(p, 3, room), (v >= 'a' && v <= 'z') ||
		    (v >= '0' && v <= '9') || v == '_' || v == '.');
	}
	unit_row("dial");
	n = bytes("ad170104" "05" "68656c6c6f", want);
	CHECK_EQ(meet_dial_put("hello", out), n);
	CHECK_BYTES(out, want, n);
	n = bytes("ad170104" "20" X32, want);
	CHECK_EQ(n, MEET_DIAL_MAX);
	CHECK_EQ(meet_dial_put(T32, out), n);
	CHECK_BYTES(out, want, n);
	n = bytes("ad170104" "01" "2e", want);
	CHECK_EQ(meet_dial_put(".", out), n);
	CHECK_BYTES(out, want, n);
}

static void
accept_and_go(void)
{
	uint8_t out[MEET_ACCEPT], go[MEET_GO], want[HEX_MAX];
	uint8_t addr[MEET_ADDR], back[MEET_ADDR];
	enum meet_what what;
	unsigned v;

	CHECK_EQ(bytes("ad170105" ID, want), MEET_ACCEPT);
	meet_accept_put(id, out);
	CHECK_BYTES(out, want, MEET_ACCEPT);
	REQUIRE(bytes(FOUR, want) == MEET_ADDR);
	memcpy(addr, want, MEET_ADDR);
	CHECK_EQ(bytes("0102" FOUR, want), MEET_GO);
	meet_go_put(MEET_VISITOR_TCP, addr, go);
	CHECK_BYTES(go, want, MEET_GO);
	CHECK(meet_go_get(unit_guard(go + 1, MEET_GO - 1), &what, back));
	CHECK_EQ(what, MEET_VISITOR_TCP);
	CHECK_BYTES(back, addr, MEET_ADDR);
	CHECK_EQ(MEET_CLIENT, 1);
	CHECK_EQ(MEET_VISITOR_UDP, 3);
	CHECK_EQ(MEET_BEAT, 0);
	CHECK_EQ(MEET_TAKEN, 1);
	for (v = 0; v < 256; v++) {
		unit_row("what %02x", v);
		go[1] = (uint8_t)v;
		CHECK_EQ(meet_go_get(go + 1, &what, back), v >= 1 && v <= 3);
		if (v >= 1 && v <= 3)
			CHECK_EQ(what, v);
	}
}

/* Say something of everything, something else each time, as people write. */
static void
check_words(const char *const *text, size_t n)
{
	size_t i, j;

	for (i = 0; i < n; i++) {
		unit_row("\"%s\"", text[i]);
		CHECK(strlen(text[i]) > 4 && strlen(text[i]) < 80);
		CHECK(text[i][0] >= 'a' && text[i][0] <= 'z');
		CHECK(text[i][strlen(text[i]) - 1] != '.');
		for (j = 0; j < i; j++)
			CHECK(strcmp(text[i], text[j]) != 0);
	}
}

static void
words(void)
{
	static const struct {
		unsigned status;
		const char *part;
	} statuses[] = {
		{ 0x31, "nobody waits" }, { 0x32, "full" },
		{ 0x33, "does not answer" }, { 0x34, "stop" },
		{ 0x35, "ticket" }, { 0x36, "no secret" },
		{ 0x21, "version" }, { 0x25, "another secret" }
	};
	static const char *const reasons[] = {
		[1] = "busy", [2] = "full", [3] = "secret",
		[4] = "not published", [5] = "replaced", [6] = "stops",
		[7] = "no sense", [8] = "out of memory"
	};
	const char *text[16];
	size_t i, n = 0;
	unsigned v;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		text[n] = meet_status_text((uint8_t)statuses[i].status);
		unit_row("status %02x", statuses[i].status);
		CHECK(strstr(text[n++], statuses[i].part) != NULL);
	}
	text[n++] = meet_status_text(0xff);
	check_words(text, n);
	for (v = 0; v < 256; v++) {
		unit_row("status %02x", v);
		if ((v < 0x31 || v > 0x36) && v != 0x21 && v != 0x25)
			CHECK_STR(meet_status_text((uint8_t)v), text[n - 1]);
	}
	CHECK_EQ(MEET_JOINED, 0x30);
	CHECK_EQ(MEET_NO_MEMBERS, 0x36);
	for (n = 0, v = MEET_R_BUSY; v <= MEET_R_FAILED; v++) {
		text[n] = meet_reason_text((enum meet_reason)v);
		unit_row("reason %02x", v);
		CHECK(strstr(text[n++], reasons[v]) != NULL);
	}
	check_words(text, n);
	CHECK_EQ(n, 8);
}

static void
state(void)
{
	static const char golden_hex[] = "0011" "00015180" "00000002"
	    "fffffffe" "312e322e33";
	struct meet_state s = { 86400, 2, 0xfffffffe, "1.2.3" }, back;
	uint8_t out[MEET_STATUS_MAX], want[HEX_MAX];
	size_t i, n = bytes(golden_hex, want);

	CHECK_EQ(meet_state_put(&s, out), n);
	CHECK_BYTES(out, want, n);
	for (i = 0; i <= n - 2; i++) {
		unit_row("%zu bytes", i);
		memset(&back, 0xa5, sizeof(back));
		CHECK_EQ(meet_state_get(&back, unit_guard(want + 2, i), i),
		    i >= 12);
		if (i < 12)
			continue;
		CHECK_EQ(back.uptime_s, 86400);
		CHECK_EQ(back.rooms, 2);
		CHECK_EQ(back.pairs, 0xfffffffe);
		CHECK_EQ(strlen(back.version), i - 12);
		CHECK_BYTES(back.version, "1.2.3", i - 12);
	}
	unit_row("no version");
	s.version[0] = '\0';
	CHECK_EQ(meet_state_put(&s, out), 14);
	CHECK_BYTES(out, "\0\14", 2);
	unit_row("the longest");
	memset(s.version, 'v', MEET_VERSION_MAX);
	s.version[MEET_VERSION_MAX] = '\0';
	CHECK_EQ(meet_state_put(&s, out), MEET_STATUS_MAX);
	CHECK(meet_state_get(&back, out + 2, MEET_STATUS_MAX - 2));
	CHECK_STR(back.version, s.version);
	/* A later version may have more to say, behind a zero byte. */
	unit_row("more");
	n = bytes("00000001" "00000002" "00000003" "3200" "deadbeef", want);
	CHECK(meet_state_get(&back, unit_guard(want, n), n));
	CHECK_STR(back.version, "2");
	CHECK_EQ(back.pairs, 3);
	unit_row("too long");
	memset(want + 12, 'w', 200);
	CHECK(meet_state_get(&back, unit_guard(want, 212), 212));
	CHECK_EQ(strlen(back.version), MEET_VERSION_MAX);
}

int
main(void)
{
	unit_case("meet: golden bytes", golden);
	unit_case("meet: cut, and with more behind", lengths);
	unit_case("meet: hostile values", hostile);
	unit_case("meet: the longest", longest);
	unit_case("meet: first bytes", heads);
	unit_case("meet: rooms", rooms);
	unit_case("meet: accept and go", accept_and_go);
	unit_case("meet: in words", words);
	unit_case("meet: a relay's state", state);
	return unit_end();
}

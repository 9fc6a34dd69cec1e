/* SPDX-License-Identifier: MIT */
/* ticket.c - tickets as they are made, and as they are typed.
 *
 * The secrets come from this, which shares nothing with word.c:
 *
 *	C, V = "bdfghjklmnprstvz", "aiou"
 *	def word(v):
 *	    return C[v>>12] + V[v>>10&3] + C[v>>6&15] + V[v>>4&3] + C[v&15]
 *	def secret(room, b):
 *	    r = 0xffff
 *	    for x in room.encode() + b'\0' + b:
 *	        r ^= x << 8
 *	        for _ in range(8):
 *	            r = (r << 1 ^ 0x1021 if r & 0x8000 else r << 1) & 0xffff
 *	    b += r.to_bytes(2, 'big')
 *	    return '-'.join(word(b[i] << 8 | b[i+1])
 *	        for i in range(0, len(b), 2))
 *	print(secret("7", bytes.fromhex("7f0000013f54dcc1")))
 */

#include "ticket.h"
#include "unit.h"

/* s with its NUL as the last byte before the page that may not be touched. */
static const char *
edge(const char *s)
{
	return (const char *)unit_guard(s, strlen(s) + 1);
}

#define SECRET "lusab-babad-gutih-tugad-lagon"		/* in room 7 */

static const struct {
	const char *text, *host;
	uint16_t port;
	const char *room, *secret, *shortest;	/* shortest NULL: as text */
} good[] = {
	{ "relay.example/7-" SECRET, "relay.example", 443, "7", SECRET, NULL },
	{ "relay.example/7-lusab-babad-gutih-bofaz", "relay.example", 443,
	    "7", "lusab-babad-gutih-bofaz", NULL },
	{ "r/box-lusab-babad-gutih-tugad-vahih", "r", 443, "box",
	    "lusab-babad-gutih-tugad-vahih", NULL },
	{ "r/a_b.c-babad-bamag-bibaj-bimal-boban-bomar-bitil", "r", 443,
	    "a_b.c", "babad-bamag-bibaj-bimal-boban-bomar-bitil", NULL },
	{ "192.0.2.1:8443/4711-bahog-hijol-mokor-suloz-botag", "192.0.2.1",
	    8443, "4711", "bahog-hijol-mokor-suloz-botag", NULL },
	{ "[2001:db8::1]/7-" SECRET, "2001:db8::1", 443, "7", SECRET, NULL },
	{ "[2001:db8::1]:1/7-" SECRET, "2001:db8::1", 1, "7", SECRET, NULL },
	{ "[fe80::1%eth0]:65535/7-" SECRET, "fe80::1%eth0", 65535, "7",
	    SECRET, NULL },
	{ "[fe80::1%Eth0]/7-" SECRET, "fe80::1%Eth0", 443, "7", SECRET, NULL },
	/* Not the shortest form. */
	{ "r:443/7-" SECRET, "r", 443, "7", SECRET, "r/7-" SECRET },
	{ "r:00443/7-" SECRET, "r", 443, "7", SECRET, "r/7-" SECRET },
	{ "[::1]:443/7-" SECRET, "::1", 443, "7", SECRET, "[::1]/7-" SECRET },
	{ "r:4430/7-" SECRET, "r", 4430, "7", SECRET, NULL },
	/* As a telephone writes it. */
	{ "Relay.example/7-Lusab-Babad-Gutih-Tugad-Lagon", "Relay.example",
	    443, "7", SECRET, "Relay.example/7-" SECRET },
	{ "R/BOX-LUSAB-BABAD-GUTIH-TUGAD-VAHIH", "R", 443, "box",
	    "lusab-babad-gutih-tugad-vahih",
	    "R/box-lusab-babad-gutih-tugad-vahih" },
	{ "r-e-l.ay/7-" SECRET, "r-e-l.ay", 443, "7", SECRET, NULL }
};

enum { NGOOD = sizeof(good) / sizeof(good[0]) };

static void
read_good(void)
{
	char why[TICKET_WHY_MAX], text[TICKET_TEXT_MAX];
	const char *shortest;
	struct ticket t;
	size_t i;

	for (i = 0; i < NGOOD; i++) {
		unit_row("'%s'", good[i].text);
		memset(&t, 0xa5, sizeof(t));
		memset(why, 'x', sizeof(why));
		CHECK_EQ(ticket_parse(&t, edge(good[i].text), why), 0);
		CHECK_EQ(why[0], 'x');
		CHECK_STR(t.relay.host, good[i].host);
		CHECK_EQ(t.relay.port, good[i].port);
		CHECK_STR(t.room, good[i].room);
		CHECK_STR(t.secret, good[i].secret);
		CHECK(ticket_like(edge(good[i].text)));
		memset(text, 'x', sizeof(text));
		shortest = good[i].shortest != NULL ? good[i].shortest :
		    good[i].text;
		CHECK_EQ(ticket_make(&t, text), strlen(shortest));
		CHECK_STR(text, shortest);
	}
}

#define NO_SLASH	"no '/' between the relay and the room"
#define SCHEME		"unknown scheme: a ticket begins with the relay's name"
#define BRACKETS	"an IPv6 address belongs in brackets, like " \
    "[2001:db8::1]"
#define PORT		"the relay's port is no number from 1 to 65535"
#define NO_RELAY	"no relay before the '/'"
#define RELAY_LONG	"the relay's name is too long"
#define RELAY		"what stands before the '/' is no name and no address"
#define NO_ROOM		"no room behind the '/'"
#define ROOM_LONG	"the room's name is longer than 32 characters"
#define ROOM		"the room's name has more in it than letters, " \
    "digits, '_' and '.'"
#define NO_SECRET	"the secret is missing: no word behind the room"
#define SECRET_LONG	"the secret is too long"
#define WORDS		"a word is missing or mistyped, or the room is"
#define WORD(n)		"a word is missing or mistyped: the " n \
    " word is no word of a ticket"

static const struct {
	const char *text, *why;
} bad[] = {
	{ "", NO_SLASH }, { "7-" SECRET, NO_SLASH },
	{ "relay.example", NO_SLASH }, { SECRET, NO_SLASH },
	{ "relay.example\\7-" SECRET, NO_SLASH },
	{ "ws://r/7-" SECRET, SCHEME }, { "https://r:443/7-" SECRET, SCHEME },
	{ "://r/7-" SECRET, SCHEME }, { SECRET "://", SCHEME },
	{ "r:/7-" SECRET, PORT }, { ":/", PORT }, { ":443/7", NO_RELAY },
	{ "/", NO_RELAY }, { "/7-" SECRET, NO_RELAY },
	{ "//7-" SECRET, NO_RELAY },
	{ ":443/7-" SECRET, NO_RELAY }, { "r:0/7-" SECRET, PORT },
	{ "r:65536/7-" SECRET, PORT }, { "r:4x/7-" SECRET, PORT },
	{ "r:+1/7-" SECRET, PORT }, { "r: 1/7-" SECRET, PORT },
	{ "r:-1/7-" SECRET, PORT }, { "[::1]:/7-" SECRET, PORT },
	{ "[::1]:x/7-" SECRET, PORT }, { "[::1]:65979/7-" SECRET, PORT },
	{ "r:4294967739/7-" SECRET, PORT },
	{ "::1/7-" SECRET, BRACKETS }, { "2001:db8::1/7-" SECRET, BRACKETS },
	{ "2001:db8::1:443/7-" SECRET, BRACKETS },
	{ "a:b:1/7-" SECRET, BRACKETS },
	{ "[::1/7-" SECRET, RELAY }, { "::1]/7-" SECRET, BRACKETS },
	{ "[::1]443/7-" SECRET, RELAY }, { "[]/7-" SECRET, RELAY },
	{ "[r]/7-" SECRET, RELAY }, { "[r]:443/7-" SECRET, RELAY },
	{ "[::1]x:443/7-" SECRET, RELAY }, { "[[::1]]/7-" SECRET, RELAY },
	{ "[/7-" SECRET, RELAY }, { " r/7-" SECRET, RELAY },
	{ "user@r/7-" SECRET, RELAY }, { "r\n/7-" SECRET, RELAY },
	{ "r\xc3\xa9/7-" SECRET, RELAY }, { SECRET "@r/7", RELAY },
	{ "r/", NO_ROOM }, { "r/-", NO_ROOM }, { "r/-" SECRET, NO_ROOM },
	{ "r/--" SECRET, NO_ROOM }, { "r/7/-" SECRET, ROOM },
	{ "r/" "/7-" SECRET, ROOM }, { "r/ 7-" SECRET, ROOM },
	{ "r/7 -" SECRET, ROOM }, { "r/7!-" SECRET, ROOM },
	{ "r/a:b-" SECRET, ROOM }, { "r/\xc3\xa9-" SECRET, ROOM },
	{ "r/7\xe2\x80\x93lusab-babad-gutih-tugad-lagon", ROOM },
	{ "r/7\n", ROOM }, { "r/7", NO_SECRET }, { "r/7-", NO_SECRET },
	{ "r/lusab", NO_SECRET },
	/* All are words, or too many are none. */
	{ "r/7-lusab-babad-gutih-tugad-lagob", WORDS },
	{ "r/7-lusab-babad-gutih-tugad", WORDS },
	{ "r/7-babad-gutih-tugad-lagon", WORDS },
	{ "r/7-lusab-gutih-tugad-lagon", WORDS },
	{ "r/7-babad-lusab-gutih-tugad-lagon", WORDS },
	{ "r/8-" SECRET, WORDS }, { "r/77-" SECRET, WORDS },
	{ "r/7-7-" SECRET, WORD("1st") }, { "r/" SECRET, WORDS },
	{ "r/7-lusab", WORDS }, { "r/7-lusab-babad", WORDS },
	/* Right but for too few words: CRC of the room and two words. */
	{ "r/7-lusab-babad-kutol", WORDS },
	{ "r/7--", WORDS }, { "r/7---", WORDS },
	{ "r/7-lusap-babad-gutih-tugab-lagoo", WORD("5th") },
	{ "r/7-lusae-babad-gutih-tugad-lagoo", WORDS },
	/* Exactly one is none. */
	{ "r/7-lusa-babad-gutih-tugad-lagon", WORD("1st") },
	{ "r/7-lusab-babbd-gutih-tugad-lagon", WORD("2nd") },
	{ "r/7-lusab-babad-gutihh-tugad-lagon", WORD("3rd") },
	{ "r/7-lusab-babad-gutih-tucad-lagon", WORD("4th") },
	{ "r/7-lusab-babad-gutih-tugad-lago", WORD("5th") },
	{ "r/7-" SECRET " ", WORD("5th") }, { "r/7-" SECRET "\n", WORD("5th") },
	{ "r/7-" SECRET "#pin", WORD("5th") },
	{ "r/7-" SECRET "/", WORD("5th") },
	{ "r/7-" SECRET "-", WORD("6th") }, { "r/7--" SECRET, WORD("1st") },
	{ "r/7-lusab--babad-gutih-tugad-lagon", WORD("2nd") },
	{ "r/7-lusabbabad-gutih-tugad-lagon", WORD("1st") },
	{ "r/7-lusab babad-gutih-tugad-lagon", WORD("1st") },
	{ "r/7-correcthorse", WORD("1st") }, { "r/7-x", WORD("1st") },
	{ "r/7-babad-babad-babad-babad-babad-babad-babad-babad-babad-babad-x",
	    WORD("11th") },
	{ "r/7-babad-babad-babad-babad-babad-babad-babad-babad-babad-babad-"
	    "babad-x", WORD("12th") },
	{ "r/7-babad-babad-babad-babad-babad-babad-babad-babad-babad-babad-"
	    "babad-babad-babad-babad-babad-babad-babad-babad-babad-babad-x",
	    WORD("21st") }
};

enum { NBAD = sizeof(bad) / sizeof(bad[0]) };

static bool
all_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	while (n-- > 0)
		if (*b++ != 0)
			return false;
	return true;
}

/* Refuse a text, and keep nothing of it. */
static void
check_bad(const char *text, const char *should)
{
	char why[TICKET_WHY_MAX];
	struct ticket t;

	memset(&t, 0xa5, sizeof(t));
	memset(why, 'x', sizeof(why));
	CHECK_EQ(ticket_parse(&t, edge(text), why), -1);
	REQUIRE(memchr(why, '\0', sizeof(why)) != NULL);
	if (should != NULL)
		CHECK_STR(why, should);
	CHECK(all_zero(&t, sizeof(t)));
}

static void
read_bad(void)
{
	static const char behind[] = "://7-" SECRET;
	char why[TICKET_WHY_MAX];
	struct ticket t;
	size_t i;

	for (i = 0; i < NBAD; i++) {
		unit_row("'%s'", bad[i].text);
		check_bad(bad[i].text, bad[i].why);
	}
	/* What stands before the text is no scheme of it. */
	unit_row("behind a colon");
	CHECK_EQ(ticket_parse(&t, behind + 1, why), -1);
	CHECK_STR(why, NO_RELAY);
}

static void
truncated(void)
{
	char text[TICKET_TEXT_MAX];
	size_t i, n;

	for (i = 0; i < NGOOD; i++) {
		for (n = 0; n < strlen(good[i].text); n++) {
			memcpy(text, good[i].text, n);
			text[n] = '\0';
			unit_row("'%s'", text);
			check_bad(text, NULL);
		}
	}
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* Behind the slash nothing but upper case may stand for a character. */
static void
one_byte(void)
{
	char text[TICKET_TEXT_MAX], why[TICKET_WHY_MAX], was;
	struct ticket t, same;
	size_t i, k;
	int c;

	for (i = 0; i < NGOOD; i++) {
		(void)snprintf(text, sizeof(text), "%s", good[i].text);
		CHECK_EQ(ticket_parse(&same, text, why), 0);
		k = (size_t)(strchr(text, '/') - text) + 1;
		for (; text[k] != '\0'; k++) {
			was = text[k];
			for (c = 0; c < 256; c++) {
				text[k] = (char)c;
				unit_row("%02x at %zu of '%s'", (unsigned)c, k,
				    good[i].text);
				if (lower(text[k]) != lower(was)) {
					check_bad(text, NULL);
					continue;
				}
				CHECK_EQ(ticket_parse(&t, edge(text), why), 0);
				CHECK(memcmp(&t, &same, sizeof(t)) == 0);
			}
			text[k] = was;
		}
	}
}

static void
lengths(void)
{
	static const uint8_t ones[2 * WORD_SECRET_MAX] = { 1 };
	char host[TEXT_HOST_MAX + 8], room[TICKET_ROOM_MAX + 4];
	char secret[WORD_TEXT_MAX + 8], text[1024], made[TICKET_TEXT_MAX];
	char why[TICKET_WHY_MAX];
	struct ticket t;
	size_t n;

	for (n = TEXT_HOST_MAX - 3; n < TEXT_HOST_MAX + 4; n++) {
		unit_row("host of %zu", n);
		memset(host, 'a', n);
		host[n] = '\0';
		(void)snprintf(text, sizeof(text), "%s:65535/7-" SECRET, host);
		if (n >= TEXT_HOST_MAX) {
			check_bad(text, RELAY_LONG);
			continue;
		}
		CHECK_EQ(ticket_parse(&t, edge(text), why), 0);
		CHECK_STR(t.relay.host, host);
		CHECK_EQ(t.relay.port, 65535);
		unit_row("brackets, and %zu in them", n);
		host[n / 2] = ':';
		(void)snprintf(text, sizeof(text), "[%s]:65535/7-" SECRET,
		    host);
		CHECK_EQ(ticket_parse(&t, edge(text), why), 0);
		CHECK_EQ(ticket_make(&t, made), strlen(text));
		CHECK_STR(made, text);
	}
	unit_row("zeros before the port");
	(void)snprintf(text, sizeof(text), "r:%0250d/7-" SECRET, 80);
	CHECK_EQ(ticket_parse(&t, edge(text), why), 0);
	CHECK_EQ(t.relay.port, 80);
	(void)snprintf(text, sizeof(text), "r:%0300d/7-" SECRET, 80);
	check_bad(text, RELAY_LONG);
	for (n = 1; n < sizeof(room); n++) {
		unit_row("room of %zu", n);
		memset(room, '.', n);
		room[n] = '\0';
		CHECK_EQ(meet_room_valid(room), n <= TICKET_ROOM_MAX);
		(void)word_make(ones, 4, room, secret);
		(void)snprintf(text, sizeof(text), "r/%s-%s", room, secret);
		if (n > TICKET_ROOM_MAX) {
			check_bad(text, ROOM_LONG);
			continue;
		}
		CHECK_EQ(ticket_parse(&t, edge(text), why), 0);
		CHECK_STR(t.room, room);
		CHECK_STR(t.secret, secret);
	}
	for (n = 1; n <= WORD_SECRET_MAX; n++) {
		unit_row("%zu words", n);
		(void)word_make(ones, n, "7", secret);
		(void)snprintf(text, sizeof(text), "r/7-%s", secret);
		if (n < WORD_SECRET_MIN) {
			check_bad(text, WORDS);
			continue;
		}
		CHECK_EQ(ticket_parse(&t, edge(text), why), 0);
		CHECK_STR(t.secret, secret);
	}
	unit_row("one more");
	(void)snprintf(text, sizeof(text), "r/7-%sx", secret);
	check_bad(text, SECRET_LONG);
	/* All at their longest fill the text to its last byte. */
	unit_row("the longest ticket");
	memset(&t, 0, sizeof(t));
	memset(t.relay.host, ':', TEXT_HOST_MAX - 1);
	t.relay.port = 65535;
	memset(t.room, 'z', TICKET_ROOM_MAX);
	(void)word_make(ones, WORD_SECRET_MAX, t.room, t.secret);
	CHECK_EQ(ticket_make(&t, made), TICKET_TEXT_MAX - 1);
	CHECK_EQ(ticket_parse(&t, edge(made), why), 0);
}

static void
rooms(void)
{
	static const char *const yes[] = {
		"7", "9999", "a", "z", "0", "_", ".", "..", "a.b_c",
		"abcdefghijklmnopqrstuvwxyz012345"
	};
	static const char *const no[] = {
		"", "-", "a-b", "A", "a b", "a/b", "\xc3\xa9", "a\n", "a\x7f",
		"`", "{", ":", "@", "[", "a,",
		"abcdefghijklmnopqrstuvwxyz0123456"
	};
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		unit_row("'%s'", yes[i]);
		CHECK(meet_room_valid(edge(yes[i])));
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		unit_row("'%s'", no[i]);
		CHECK(!meet_room_valid(edge(no[i])));
	}
}

static void
looks(void)
{
	static const char *const yes[] = {
		"r/7", "r/", "relay.example/7-lusab", "[::1]/7", "ws://r/7-x",
		"a/b/c"
	};
	static const char *const no[] = {
		"", "/", "/tmp/token", "./token", "../token", "@token/x", "-",
		"--to/x", "server", "token", "-/7-lusab", ".", "r", "r:443"
	};
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		unit_row("'%s'", yes[i]);
		CHECK(ticket_like(edge(yes[i])));
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		unit_row("'%s'", no[i]);
		CHECK(!ticket_like(edge(no[i])));
	}
}

int
main(void)
{
	unit_case("ticket: good ones, and their shortest form", read_good);
	unit_case("ticket: what is wrong, in a sentence", read_bad);
	unit_case("ticket: truncated at each byte", truncated);
	unit_case("ticket: any other byte in any place is seen", one_byte);
	unit_case("ticket: as long as can be, and longer", lengths);
	unit_case("ticket: names of rooms", rooms);
	unit_case("ticket: what looks like one", looks);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* word.c - the paper's examples, and that no slip of the pen goes unseen. */

#include "../crc.h"
#include "unit.h"
#include "word.h"

enum { STEP = WORD_LETTERS + 1 };

static const char letters[2][17] = { "bdfghjklmnprstvz", "aiou" };

/* The value of a word, found by trial. */
static unsigned
value(const char *p)
{
	unsigned v = 0, bits, i, k;

	for (i = 0; i < WORD_LETTERS; i++) {
		bits = i % 2 == 0 ? 4 : 2;
		for (k = 0; letters[i % 2][k] != p[i]; k++)
			REQUIRE(letters[i % 2][k] != '\0');
		v = v << bits | k;
	}
	return v;
}

static size_t
make(char text[WORD_TEXT_MAX], unsigned seed, size_t nwords, const char *room)
{
	uint8_t bytes[2 * WORD_SECRET_MAX];

	unit_fill(bytes, sizeof(bytes), seed);
	return word_make(bytes, nwords, room, text);
}

/* Is it good, with nothing behind it to look at? */
static bool
good(const char *text, size_t n, const char *room)
{
	return word_check(unit_guard(text, n), n, room);
}

static void
paper(void)
{
	static const struct {
		uint8_t address[4];
		const char *text;
	} rows[] = {
		{ { 127, 0, 0, 1 }, "lusab-babad" },
		{ { 63, 84, 220, 193 }, "gutih-tugad" },
		{ { 63, 118, 7, 35 }, "gutuk-bisog" },
		{ { 140, 98, 193, 141 }, "mudof-sakat" },
		{ { 64, 255, 6, 200 }, "haguz-biram" },
		{ { 128, 30, 52, 45 }, "mabiv-gibot" },
		{ { 147, 67, 119, 2 }, "natag-lisaf" },
		{ { 212, 58, 253, 68 }, "tibup-zujah" },
		{ { 216, 35, 68, 215 }, "tobog-higil" },
		{ { 216, 68, 232, 21 }, "todah-vobij" },
		{ { 198, 81, 129, 136 }, "sinid-makam" },
		{ { 12, 110, 110, 204 }, "budov-kuras" }
	};
	char text[WORD_TEXT_MAX];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].text);
		CHECK_EQ(word_make(rows[i].address, 2, "", text), 17);
		CHECK_EQ(strlen(text), 17);
		CHECK_EQ(text[11], '-');
		text[11] = '\0';
		CHECK_STR(text, rows[i].text);
	}
}

/* Computed with Python's binascii.crc_hqx(room + b"\0" + bytes, 0xffff). */
static void
whole(void)
{
	static const struct {
		const char *bytes, *room;
		size_t nwords;
		const char *text;
	} rows[] = {
		{ "\0\0\0\0\0\0", "", 3, "babab-babab-babab-zalav" },
		{ "\xff\xff\xff\xff\xff\xff", "", 3,
		    "zuzuz-zuzuz-zuzuz-kimid" },
		{ "\177\0\0\1\77\124", "", 3, "lusab-babad-gutih-hokur" },
		{ "\177\0\0\1\77\124", "room", 3, "lusab-babad-gutih-tajib" },
		{ "\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", "den", 8,
		    "babad-bamag-bibaj-bimal-boban-bomar-bubat-bumaz-tapal" },
		{ "345678", "12", 3, "gasuh-gihuk-gisum-kinit" }
	};
	char text[WORD_TEXT_MAX];
	size_t i, n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("%s", rows[i].text);
		n = word_make((const uint8_t *)rows[i].bytes, rows[i].nwords,
		    rows[i].room, text);
		CHECK_EQ(n, strlen(rows[i].text));
		CHECK_STR(text, rows[i].text);
		CHECK(good(text, n, rows[i].room));
	}
}

static void
check_value(void)
{
	static const char *const rooms[] = {
		"", "a", "room", "\xc3\xa9", "a much longer name of a room"
	};
	uint8_t all[64 + 2 * WORD_SECRET_MAX];
	char text[WORD_TEXT_MAX];
	size_t i, n, nwords;

	memcpy(all, "123456789", 9);
	CHECK_EQ(crc_by_hand(all, 9), 0x29b1);
	for (i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		for (nwords = 1; nwords <= WORD_SECRET_MAX; nwords++) {
			unit_row("room '%s', %zu words", rooms[i], nwords);
			n = strlen(rooms[i]) + 1;
			memcpy(all, rooms[i], n);
			unit_fill(all + n, 2 * nwords, (unsigned)nwords);
			CHECK_EQ(word_make(all + n, nwords, rooms[i], text),
			    STEP * (nwords + 1) - 1);
			CHECK_EQ(value(text + STEP * nwords),
			    crc_by_hand(all, n + 2 * nwords));
		}
	}
}

/* Every value has a word of its own that says it, in every place. */
static void
all_values(void)
{
	uint8_t bytes[6];
	char text[WORD_TEXT_MAX];
	unsigned v, i;
	size_t n;

	for (v = 0; v < 65536; v++) {
		unit_row("%04x", v);
		for (i = 0; i < 3; i++) {
			bytes[2 * i] = (uint8_t)(v >> 8);
			bytes[2 * i + 1] = (uint8_t)(v & 0xff);
		}
		n = word_make(bytes, 3, "x", text);
		CHECK_EQ(n, 23);
		CHECK_EQ(value(text), v);
		CHECK(memcmp(text, text + STEP, STEP) == 0);
		CHECK(memcmp(text, text + 2 * STEP, STEP) == 0);
		CHECK(word_check(text, n, "x"));
	}
}

static void
lengths(void)
{
	struct {
		char text[WORD_TEXT_MAX], after;
	} t;
	char longer[WORD_TEXT_MAX + 2 * STEP];
	size_t nwords, n, cut;

	for (nwords = 1; nwords <= WORD_SECRET_MAX; nwords++) {
		unit_row("%zu words", nwords);
		memset(&t, 'x', sizeof(t));
		n = make(t.text, (unsigned)nwords, nwords, "room");
		CHECK_EQ(n, STEP * (nwords + 1) - 1);
		CHECK_EQ(t.text[n], '\0');
		for (cut = n + 1; cut < sizeof(t); cut++)
			CHECK_EQ(((const char *)&t)[cut], 'x');
		CHECK_EQ(good(t.text, n, "room"), nwords >= WORD_SECRET_MIN);
		/* Not its NUL either. */
		CHECK(!good(t.text, n + 1, "room"));
		for (cut = 0; cut < n; cut++) {
			unit_row("%zu of %zu words' bytes", cut, nwords);
			CHECK(!good(t.text, cut, "room"));
			CHECK(!good(t.text + n - cut, cut, "room"));
		}
	}
	/* A word more than there may be, although the check is right: what
	 * follows its CRC has the CRC 0, and so does a zero behind it. */
	n = make(longer, 1, WORD_SECRET_MAX, "");
	CHECK(good(longer, n, ""));
	memcpy(longer + n, "-babab", STEP);
	CHECK(!good(longer, n + STEP, ""));
	n = make(longer, 1, WORD_SECRET_MAX - 1, "");
	memcpy(longer + n, "-babab", STEP);
	CHECK(good(longer, n + STEP, ""));
	CHECK(!word_check(longer, SIZE_MAX, ""));
	CHECK(!word_check(longer, SIZE_MAX - 4, ""));
}

/* Any other byte in any place; the letters among them, whatever they are, and
 * an upper case letter is another one. */
static void
one_byte(void)
{
	char text[WORD_TEXT_MAX];
	size_t nwords, n, i;
	char was;
	int c;

	for (nwords = WORD_SECRET_MIN; nwords <= 12; nwords++) {
		n = make(text, (unsigned)nwords + 99, nwords, "room");
		for (i = 0; i < n; i++) {
			was = text[i];
			for (c = 0; c < 256; c++) {
				unit_row("%zu words, %02x at %zu", nwords,
				    (unsigned)c, i);
				text[i] = (char)c;
				CHECK_EQ(word_check(text, n, "room"),
				    text[i] == was);
			}
			text[i] = was;
		}
		CHECK(word_check(text, n, "room"));
	}
}

/* Another word in place of any: 16 bits or less between the first and the
 * last wrong one, all of which a CRC of 16 bits sees. */
static void
one_word(void)
{
	char text[WORD_TEXT_MAX], was[WORD_LETTERS], word[WORD_TEXT_MAX];
	uint8_t bytes[2];
	size_t n, i;
	unsigned v;

	n = make(text, 5, 4, "room");
	for (i = 0; i < n; i += STEP) {
		memcpy(was, text + i, WORD_LETTERS);
		for (v = 0; v < 65536; v++) {
			unit_row("word at %zu is %04x", i, v);
			bytes[0] = (uint8_t)(v >> 8);
			bytes[1] = (uint8_t)(v & 0xff);
			(void)word_make(bytes, 1, "", word);
			memcpy(text + i, word, WORD_LETTERS);
			CHECK_EQ(word_check(text, n, "room"),
			    memcmp(was, text + i, WORD_LETTERS) == 0);
		}
		memcpy(text + i, was, WORD_LETTERS);
	}
}

/* What is wrong in more places passes once in 65536 times. */
static void
by_chance(void)
{
	char text[WORD_TEXT_MAX], other[WORD_TEXT_MAX], was[STEP];
	unsigned i, swapped = 0, mixed = 0, rooms = 0;
	size_t n;

	for (i = 0; i < 65536; i++) {
		n = make(text, i, 4, "room");
		(void)make(other, i + 1000000, 4, "room");
		rooms += word_check(text, n, "other room");
		rooms += word_check(text, n, "room ");
		rooms += word_check(text, n, "");
		/* Their beginning, and the end of ours. */
		if (memcmp(text, other, n) != 0) {
			memcpy(other + n / 2, text + n / 2, n - n / 2);
			mixed += word_check(other, n, "room");
		}
		memcpy(was, text, STEP);
		if (memcmp(was, text + STEP, STEP) == 0)
			continue;
		memcpy(text, text + STEP, STEP);
		memcpy(text + STEP, was, STEP);
		swapped += word_check(text, n, "room");
	}
	CHECK(rooms < 18);
	CHECK(mixed < 12);
	CHECK(swapped < 12);
}

static void
rooms(void)
{
	/* Names that differ in 16 bits that follow each other, or fewer. */
	static const char *const names[] = { "", "a", "b", "ab", "ba", "A" };
	char text[WORD_TEXT_MAX];
	size_t i, k, n;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		n = make(text, 8, 3, names[i]);
		for (k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			unit_row("'%s' in '%s'", names[i], names[k]);
			CHECK_EQ(good(text, n, names[k]), i == k);
		}
	}
}

static void
shapes(void)
{
	static const char *const rows[] = {
		"lusab-babad-gutih-hokur-",	/* the first is right up to */
		"-lusab-babad-gutih-hokur",	/* its last character */
		"lusab--babad-gutih-hokur",
		"lusab-babad--gutih-hokur",
		"lusabbabadgutihhokur",
		"lusab babad gutih hokur",
		"lusab_babad_gutih_hokur",
		"lusab-babad-gutih-hokur ",
		" lusab-babad-gutih-hokur",
		"lusab-babad-gutih-hokur\n",
		"LUSAB-BABAD-GUTIH-HOKUR",
		"Lusab-Babad-Gutih-Hokur",
		"lusab-babad-gutih-hokuR",
		"lusab-babad-hokur",
		"usabl-babad-gutih-hokur",
		"lusab-babad-gutih",
		"lusabb-abad-gutih-hokur",
		"-----------------------",
		"correct horse battery s",
		""
	};
	static const char nuls[] = "lusab\0babad\0gutih\0hokur";
	char text[24];
	size_t i;

	CHECK(good("lusab-babad-gutih-hokur", 23, ""));
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("'%s'", rows[i]);
		CHECK(!good(rows[i], strlen(rows[i]), ""));
		CHECK(!good(rows[i], strlen(rows[i]) + 1, ""));
	}
	CHECK(!good(nuls, sizeof(nuls) - 1, ""));
	for (i = 0; i < 23; i++) {
		unit_row("NUL at %zu", i);
		memcpy(text, "lusab-babad-gutih-hokur", 24);
		text[i] = '\0';
		CHECK(!good(text, 23, ""));
	}
}

/* Any byte in any place of a word, and words too short and too long. */
static void
one_of_them(void)
{
	char text[WORD_LETTERS + 2] = "lusabb";
	size_t i, n;
	int c;

	for (n = 0; n <= WORD_LETTERS + 1; n++) {
		unit_row("%zu letters", n);
		CHECK_EQ(word_is(unit_guard(text, n), n), n == WORD_LETTERS);
	}
	for (i = 0; i < WORD_LETTERS; i++) {
		for (c = 0; c < 256; c++) {
			memcpy(text, "lusab", WORD_LETTERS);
			text[i] = (char)c;
			unit_row("%02x at %zu", (unsigned)c, i);
			CHECK_EQ(word_is(text, WORD_LETTERS), c != 0 &&
			    strchr(letters[i % 2], c) != NULL);
		}
	}
}

int
main(void)
{
	unit_case("word: the paper's examples", paper);
	unit_case("word: examples with their check", whole);
	unit_case("word: the check is the CRC it should be", check_value);
	unit_case("word: all 65536 values, to and fro", all_values);
	unit_case("word: what is a word", one_of_them);
	unit_case("word: every length, truncated at each byte", lengths);
	unit_case("word: any other byte in any place is seen", one_byte);
	unit_case("word: any other word in any place is seen", one_word);
	unit_case("word: chance lets pass what chance may", by_chance);
	unit_case("word: similar rooms", rooms);
	unit_case("word: other shapes are refused", shapes);
	return unit_end();
}

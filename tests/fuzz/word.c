/* SPDX-License-Identifier: MIT */
/* word.c - secrets that were read aloud, and typed with slips.
 *
 * Input: one byte that says which; a room's name up to a zero byte; then a
 * text as somebody typed it, or slips and the bytes of a secret. */

#include "../crc.h"
#include "fuzz.h"
#include "word.h"

enum {
	WORDS = 1 << 16,
	SLIPS_MAX = 7
};

/* All words there are.  Their letters ascend, and so do they. */
static char words[WORDS][6];

static void
spell_all(void)
{
	static const char con[] = "bdfghjklmnprstvz", vow[] = "aiou";
	int a, b, c, d, e, n = 0;

	for (a = 0; a < 16; a++)
		for (b = 0; b < 4; b++)
			for (c = 0; c < 16; c++)
				for (d = 0; d < 4; d++)
					for (e = 0; e < 16; e++)
						(void)snprintf(words[n++], 6,
						    "%c%c%c%c%c", con[a],
						    vow[b], con[c], vow[d],
						    con[e]);
	MUST(n == WORDS);
}

/* The number of a word, or -1. */
static int
look_up(const char *word)
{
	int low = 0, high = WORDS - 1, mid, rc;

	while (low <= high) {
		mid = (low + high) / 2;
		if ((rc = memcmp(word, words[mid], 5)) == 0)
			return mid;
		if (rc < 0)
			high = mid - 1;
		else
			low = mid + 1;
	}
	return -1;
}

/* What word.h says of these n bytes. */
static int
should_be(const char *text, size_t n, const char *room)
{
	size_t nroom = strlen(room) + 1, i, nbytes = nroom;
	int value = -1, good = 1, nwords = 0;
	uint8_t *bytes = malloc(nroom + 2 * (n + 1));

	MUST(bytes != NULL);
	memcpy(bytes, room, nroom);
	for (i = 0; good; i += 6) {
		if (n - i < 5 || (value = look_up(text + i)) == -1) {
			good = 0;
			break;
		}
		nwords++;
		if (n - i == 5)
			break;
		/* One of the secret's. */
		bytes[nbytes++] = (uint8_t)(value >> 8);
		bytes[nbytes++] = (uint8_t)(value & 0xff);
		good = text[i + 5] == '-';
	}
	good = good && nwords >= 3 + 1 && nwords <= 32 + 1 &&
	    crc_by_hand(bytes, nbytes) == (unsigned)value;
	free(bytes);
	return good;
}

static int
check(const char *text, size_t n, const char *room)
{
	char *copy = fuzz_copy(text, n);	/* nothing behind it */
	int good = word_check(copy, n, room);

	MUST(good == should_be(copy, n, room));
	free(copy);
	return good;
}

/* What was made is good; with slips it is what the model says; and with one
 * wrong letter it is not good. */
static void
make(struct fuzz_in *in, const char *room)
{
	char text[WORD_TEXT_MAX], slip[WORD_TEXT_MAX];
	uint8_t where[SLIPS_MAX], what[SLIPS_MAX], *bytes;
	size_t nslips = fuzz_u8(in) % (SLIPS_MAX + 1), i, n, len, wrong = 0;

	for (i = 0; i < nslips; i++) {
		where[i] = fuzz_u8(in);
		what[i] = fuzz_u8(in);
	}
	n = in->n / 2 < WORD_SECRET_MAX ? in->n / 2 : WORD_SECRET_MAX;
	if (n < 1)
		return;
	bytes = fuzz_copy(in->p, 2 * n);
	len = word_make(bytes, n, room, text);
	free(bytes);
	MUST(len == 6 * (n + 1) - 1 && strlen(text) == len);
	MUST(check(text, len, room) == (n >= WORD_SECRET_MIN));
	memcpy(slip, text, sizeof(slip));
	for (i = 0; i < nslips; i++)
		slip[where[i] % len] = (char)what[i];
	for (i = 0; i < len; i++)
		wrong += slip[i] != text[i];
	MUST(!check(slip, len, room) || wrong != 1);
	/* Cut, and with one thing too many behind it. */
	if (nslips > 0)
		(void)check(text, where[0] % len, room);
	slip[len] = '-';
	(void)check(slip, len + 1, room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	const uint8_t *end;
	uint8_t which;
	char *room;

	if (words[0][0] == '\0')
		spell_all();
	which = fuzz_u8(&in);
	end = in.n > 0 ? memchr(in.p, 0, in.n) : NULL;
	if (end == NULL)
		return 0;
	room = fuzz_string(in.p, (size_t)(end - in.p));
	in.n -= (size_t)(end + 1 - in.p);
	in.p = end + 1;
	if ((which & 1) == 0)
		(void)check((const char *)in.p, in.n, room);
	else
		make(&in, room);
	free(room);
	return 0;
}

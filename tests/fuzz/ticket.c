/* SPDX-License-Identifier: MIT */
/* ticket.c - tickets as they are typed, and as they are made.
 *
 * Input: one byte that says which; then the text; or a port, the number of
 * words and their bytes, a slip (where and what), the length of the room's
 * name and that name, and the relay. */

#include <regex.h>
#include <stdbool.h>

#include "fuzz.h"
#include "ticket.h"

enum { SENTENCES_MAX = 13 + 33 };	/* each word may be the one */

/* A ticket by the book; subexpressions: relay, port, room, secret. */
static const char grammar[] =
    "^([A-Za-z0-9._%-]+|\\[[A-Za-z0-9._:%-]*:[A-Za-z0-9._:%-]*\\])"
    "(:([0-9]+))?/([a-zA-Z0-9_.]{1,32})-([a-zA-Z-]+)$";

static regex_t compiled;
static bool ready;

/* Every sentence that was ever given: were a piece of a text repeated in one,
 * there would soon be too many. */
static char sentences[SENTENCES_MAX][TICKET_WHY_MAX];

static void
check_sentence(const char *why)
{
	int i;

	MUST(memchr(why, '\0', TICKET_WHY_MAX) != NULL);
	/* Not cut. */
	MUST(why[0] != '\0' && strlen(why) < TICKET_WHY_MAX - 1);
	for (i = 0; i < SENTENCES_MAX; i++) {
		if (strcmp(sentences[i], why) == 0)
			return;
		if (sentences[i][0] == '\0') {
			memcpy(sentences[i], why, strlen(why) + 1);
			return;
		}
	}
	MUST(!"another sentence");
}

static size_t
length(const regmatch_t *m)
{
	return (size_t)(m->rm_eo - m->rm_so);
}

/* Copy that part of a text in lower case. */
static void
lowered(char *to, const char *text, const regmatch_t *m)
{
	size_t i, n = length(m);

	for (i = 0; i < n; i++) {
		to[i] = text[(size_t)m->rm_so + i];
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ", to[i]) != NULL)
			to[i] = (char)(to[i] | 0x20);
	}
	to[n] = '\0';
}

/* What ticket.h says of this text. */
static bool
should_be(struct ticket *t, const char *text)
{
	unsigned long port;
	regmatch_t m[6];
	size_t n, i;

	memset(t, 0, sizeof(*t));
	if (regexec(&compiled, text, 6, m, 0) != 0)
		return false;
	n = length(&m[1]);
	i = text[0] == '[';
	n -= 2 * i;
	if (n >= TEXT_HOST_MAX || length(&m[5]) >= WORD_TEXT_MAX ||
	    strcspn(text, "/") >= TEXT_HOSTPORT_MAX)
		return false;
	memcpy(t->relay.host, text + i, n);
	t->relay.port = 443;
	if (m[2].rm_so != -1) {
		port = strtoul(text + m[3].rm_so, NULL, 10);
		if (port < 1 || port > 65535)
			return false;
		t->relay.port = (uint16_t)port;
	}
	lowered(t->room, text, &m[4]);
	lowered(t->secret, text, &m[5]);
	return word_check(t->secret, strlen(t->secret), t->room);
}

/* Read a text: as it should be, and whatever was in *t before. */
static bool
check(const char *text)
{
	char why[TICKET_WHY_MAX], made[TICKET_TEXT_MAX], *copy;
	struct ticket t, again, model;
	size_t n;
	int rc;

	memset(&t, 0xa5, sizeof(t));
	memset(&again, 0x5a, sizeof(again));
	memset(why, 'x', sizeof(why));
	MUST(ticket_like(text) == (strchr(text, '/') != NULL &&
	    strspn(text, "-./@") == 0));
	rc = ticket_parse(&t, text, why);
	MUST((rc == 0) == should_be(&model, text));
	if (rc == -1) {
		check_sentence(why);
		memset(&again, 0, sizeof(again));
		MUST(memcmp(&t, &again, sizeof(t)) == 0);
		return false;
	}
	MUST(why[0] == 'x');
	MUST(memcmp(&t, &model, sizeof(t)) == 0);
	/* Written again it is no longer, and the same. */
	n = ticket_make(&t, made);
	MUST(n < sizeof(made) && strlen(made) == n && n <= strlen(text));
	copy = fuzz_string(made, n);
	MUST(ticket_parse(&again, copy, why) == 0);
	MUST(memcmp(&t, &again, sizeof(t)) == 0);
	free(copy);
	return true;
}

/* What was made is a ticket; with another character in room or secret it is
 * none, and with any slip it is what the model says. */
static void
make(struct fuzz_in *in)
{
	char text[TICKET_TEXT_MAX], was;
	uint8_t words[2 * WORD_SECRET_MAX] = { 0 }, what;
	struct ticket t;
	const uint8_t *p;
	char *copy;
	size_t n, where, nwords;

	memset(&t, 0, sizeof(t));
	t.relay.port = (uint16_t)fuzz_u16(in);
	nwords = WORD_SECRET_MIN + fuzz_u8(in) % (WORD_SECRET_MAX -
	    WORD_SECRET_MIN + 1);
	n = 2 * nwords;
	p = fuzz_take(in, &n);
	memcpy(words, p, n);
	where = fuzz_u16(in);
	what = fuzz_u8(in);
	n = fuzz_u8(in) % (TICKET_ROOM_MAX + 1);
	p = fuzz_take(in, &n);
	memcpy(t.room, p, n);
	n = in->n;
	copy = fuzz_string(in->p, n);
	if (t.relay.port == 0 || !meet_room_valid(t.room) ||
	    text_host(copy, t.relay.host) == -1) {
		free(copy);
		return;
	}
	free(copy);
	(void)word_make(words, nwords, t.room, t.secret);
	n = ticket_make(&t, text);
	MUST(n < sizeof(text) && strlen(text) == n);
	copy = fuzz_string(text, n);
	MUST(check(copy));
	where %= n;
	was = copy[where];
	copy[where] = (char)what;
	/* A dash more or less makes another room, and a NUL another secret:
	 * for one in 65536 the check word is right. */
	MUST(!check(copy) || where < strcspn(text, "/") || was == '-' ||
	    what == '-' || what == 0 || (what | 0x20) == (was | 0x20));
	free(copy);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	char *text;

	if (!ready) {
		MUST(regcomp(&compiled, grammar, REG_EXTENDED) == 0);
		ready = true;
	}
	/* The model is slow, and what is longer is too long. */
	if (size < 1 || size > 1024)
		return 0;
	if ((fuzz_u8(&in) & 1) == 0) {
		text = fuzz_string(in.p, in.n);
		(void)check(text);
		free(text);
	} else
		make(&in);
	return 0;
}

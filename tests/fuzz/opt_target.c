/* SPDX-License-Identifier: MIT */
/* opt_target.c - what the other side asks for, and what is on offer.
 *
 * Input: lines.  "t" and "a" begin a --to and an --allow, anything else is
 * asked for. */

#include "args.h"
#include "fuzz.h"

enum { LINES_MAX = 80 };

/* What the text of one list entry or one wish means, found the slow way. */
struct place {
	char host[256];			/* "*": any */
	unsigned long port;		/* 0: any */
};

static int
is_host(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (s[i] == '\0' || strchr("abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._%:", s[i]) == NULL)
			return 0;
	return n >= 1 && n <= 255;
}

/* HOST:PORT, or, if there is a default, PORT; with stars or not. */
static int
read_place(const char *s, const char *dflt, int stars, struct place *out)
{
	size_t n = strlen(s), colon = n, i;

	for (i = 0; i < n; i++)
		if (s[i] == ':')
			colon = i;
	out->port = 0;
	i = colon < n ? colon + 1 : 0;
	if (!(stars && colon < n && strcmp(s + i, "*") == 0)) {
		if (i == n)
			return 0;
		for (; i < n; i++) {
			if (s[i] < '0' || s[i] > '9')
				return 0;
			out->port = out->port * 10 +
			    (unsigned long)(s[i] - '0');
			if (out->port > 65535)
				return 0;
		}
		if (out->port == 0)
			return 0;
	}
	if (colon == n) {
		if (dflt != NULL)
			(void)snprintf(out->host, sizeof(out->host), "%s",
			    dflt);
		return dflt != NULL;
	}
	if (stars && colon == 1 && s[0] == '*') {
		memcpy(out->host, "*", 2);
		return 1;
	}
	/* An address with colons has brackets, and nothing else has. */
	if (colon >= 2 && s[0] == '[' && s[colon - 1] == ']') {
		if (memchr(s, ':', colon) == NULL)
			return 0;
		s++;
		colon -= 2;
	} else if (memchr(s, ':', colon) != NULL)
		return 0;
	if (!is_host(s, colon))
		return 0;
	memcpy(out->host, s, colon);
	out->host[colon] = '\0';
	return 1;
}

/* Is that the entry that was read of the text? */
static void
same(const struct hostport *hp, const struct place *p)
{
	MUST(memchr(hp->host, '\0', sizeof(hp->host)) != NULL);
	MUST(strcmp(hp->host, p->host) == 0 && hp->port == p->port);
}

/* What opt.h says: NULL, or where the stream goes. */
static const struct place *
should_be(const struct place *to, unsigned nto, const struct place *allow,
    unsigned nallow, const char *text, struct place *wish)
{
	unsigned i;

	if (text[0] == '\0')
		return nto > 0 ? &to[0] : NULL;
	if (!read_place(text, "127.0.0.1", 0, wish))
		return NULL;
	for (i = 0; i < nto; i++)
		if (to[i].port == wish->port && (strchr(text, ':') == NULL ||
		    strcmp(to[i].host, wish->host) == 0))
			return &to[i];
	for (i = 0; i < nallow; i++)
		if ((allow[i].port == 0 || allow[i].port == wish->port) &&
		    (strcmp(allow[i].host, "*") == 0 ||
		    strcmp(allow[i].host, wish->host) == 0))
			return wish;
	return NULL;
}

static void
ask(const struct config *c, const struct place *to, const struct place *allow,
    const char *text)
{
	const struct place *want;
	struct hostport out;
	struct place p;

	want = should_be(to, c->nto, allow, c->nallow, text, &p);
	memset(&out, 0xa5, sizeof(out));
	if (opt_target(c, text, &out) == -1) {
		MUST(want == NULL);
		return;
	}
	MUST(want != NULL && want->port >= 1);
	MUST(strcmp(want->host, "*") != 0);
	same(&out, want);
}

/* Parse one option; is it taken? */
static int
takes(struct config *c, char *option, char *value)
{
	char host[] = "h", port[] = "1", token[] = "t", why[OPT_WHY_MAX];
	char *argv[] = { host, port, token, option, value, NULL };

	return args_parse(c, OPT_SERVER, OPT_PLACE, 5, argv, why) == ARGS_RUN;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char to_option[] = "--to", allow_option[] = "--allow";
	struct place to[OPT_LIST_MAX], allow[OPT_LIST_MAX], p;
	struct config c, one;
	char *lines[LINES_MAX];
	const uint8_t *eol;
	int i, nlines = 0;
	size_t n;

	memset(&c, 0, sizeof(c));
	for (; size > 0 && nlines < LINES_MAX; data += n, size -= n) {
		eol = memchr(data, '\n', size);
		n = eol != NULL ? (size_t)(eol - data) : size;
		lines[nlines++] = fuzz_string(data, n);
		n += eol != NULL;
	}
	for (i = 0; i < nlines; i++) {
		if (lines[i][0] == 't') {
			if (!takes(&one, to_option, lines[i] + 1)) {
				MUST(!read_place(lines[i] + 1, NULL, 0, &p));
				continue;
			}
			MUST(read_place(lines[i] + 1, NULL, 0, &p));
			MUST(one.nto == 1 && one.nallow == 0);
			same(&one.to[0], &p);
			if (c.nto == OPT_LIST_MAX)
				continue;
			to[c.nto] = p;
			c.to[c.nto++] = one.to[0];
		} else if (lines[i][0] == 'a') {
			/* One that is too long to be a place may be refused
			 * for that alone. */
			if (!takes(&one, allow_option, lines[i] + 1)) {
				MUST(!read_place(lines[i] + 1, NULL, 1, &p) ||
				    strlen(lines[i] + 1) >=
				    TEXT_HOSTPORT_MAX);
				continue;
			}
			MUST(read_place(lines[i] + 1, NULL, 1, &p));
			MUST(one.nallow == 1 && one.nto == 0);
			same(&one.allow[0], &p);
			if (c.nallow == OPT_LIST_MAX)
				continue;
			allow[c.nallow] = p;
			c.allow[c.nallow++] = one.allow[0];
		}
	}
	for (i = 0; i < nlines; i++) {
		ask(&c, to, allow, lines[i]);
		/* And what is on offer, as it was written there. */
		if (lines[i][0] != '\0')
			ask(&c, to, allow, lines[i] + 1);
	}
	while (nlines > 0)
		free(lines[--nlines]);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* json.c - one small JSON text: is it one, and what does a member say?
 *
 * No tree is built: a text is as short as a line, and is read again for each
 * member that somebody wants. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "json.h"

enum { NAME_MAX_LEN = 64 };	/* longer names are none that we want */

/* The text from p on; what is wrong stops it there. */
struct in {
	const unsigned char *p, *end;
};

/* Where a string goes: what does not fit is only counted. */
struct out {
	char *p;
	size_t n, cap;		/* without and with the NUL */
	bool cut;
};

/* The member of the outermost object that is wanted. */
struct wanted {
	const char *name;
	struct out value;
	enum json_found found;
};

static bool
at_end(const struct in *in)
{
	return in->p == in->end;
}

/* Step over this byte, if it is the next one. */
static bool
take(struct in *in, unsigned char c)
{
	if (at_end(in) || *in->p != c)
		return false;
	in->p++;
	return true;
}

static void
space(struct in *in)
{
	while (take(in, ' ') || take(in, '\t') || take(in, '\n') ||
	    take(in, '\r'))
		continue;
}

static bool
word(struct in *in, const char *s)
{
	for (; *s != '\0'; s++) {
		if (!take(in, (unsigned char)*s))
			return false;
	}
	return true;
}

/* One digit or more. */
static bool
digits(struct in *in)
{
	const unsigned char *from = in->p;

	while (!at_end(in) && *in->p >= '0' && *in->p <= '9')
		in->p++;
	return in->p > from;
}

/* RFC 8259 6 */
static bool
number(struct in *in)
{
	(void)take(in, '-');
	if (!take(in, '0') && !digits(in))
		return false;
	if (take(in, '.') && !digits(in))
		return false;
	if (take(in, 'e') || take(in, 'E')) {
		if (!take(in, '+'))
			(void)take(in, '-');
		return digits(in);
	}
	return true;
}

/* Write a character, whole or not at all, and none after one that was not. */
static void
put_char(struct out *out, uint32_t c)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, i;

	if (out == NULL)
		return;
	if (out->cut || n >= out->cap - out->n) {
		out->cut = true;
		return;
	}
	for (i = n - 1; i > 0; i--) {
		s[i] = (char)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	/* As many ones as there are bytes, and a zero. */
	s[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xf0) | c);
	memcpy(out->p + out->n, s, n);
	out->n += n;
	out->p[out->n] = '\0';
}

static bool
hex4(struct in *in, uint32_t *c)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	const char *found;
	uint32_t digit;
	int i;

	*c = 0;
	for (i = 0; i < 4; i++, in->p++) {
		if (at_end(in) || (found = memchr(hex, *in->p,
		    sizeof(hex) - 1)) == NULL)
			return false;
		digit = (uint32_t)(found - hex);
		*c = *c << 4 | (digit < 16 ? digit : digit - 6);
	}
	return true;
}

/* What follows a backslash (RFC 8259 7). */
static bool
escape(struct in *in, uint32_t *c)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	const unsigned char *from = in->p - 1;
	const char *found;
	uint32_t low;

	if (at_end(in))
		return false;
	if ((found = memchr(letters, *in->p, sizeof(letters) - 1)) != NULL) {
		*c = (unsigned char)values[found - letters];
		in->p++;
		return true;
	}
	if (!take(in, 'u') || !hex4(in, c))
		return false;
	if (*c >= 0xd800 && *c < 0xdc00) {
		if (!take(in, '\\') || !take(in, 'u') || !hex4(in, &low))
			return false;
		if (low >= 0xdc00 && low < 0xe000) {
			*c = 0x10000 + ((*c - 0xd800) << 10) + (low - 0xdc00);
			return true;
		}
	} else if (*c != 0 && (*c < 0xdc00 || *c >= 0xe000))
		return true;
	in->p = from;
	return false;
}

/* A character that stands for itself, as Unicode, table 3-7, lists them. */
static bool
plain(struct in *in, uint32_t *c)
{
	unsigned lo = 0x80, hi = 0xbf, first = *in->p;
	int more;

	more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 :
	    first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
	if (more == -1 || first < ' ')
		return false;
	if (first == 0xe0)
		lo = 0xa0;
	else if (first == 0xed)
		hi = 0x9f;
	else if (first == 0xf0)
		lo = 0x90;
	else if (first == 0xf4)
		hi = 0x8f;
	in->p++;
	*c = more > 0 ? first & 0x3fu >> more : first;
	for (; more > 0; more--, in->p++) {
		if (at_end(in) || *in->p < lo || *in->p > hi)
			return false;
		*c = *c << 6 | (*in->p & 0x3fu);
		lo = 0x80;
		hi = 0xbf;
	}
	return true;
}

static bool
string(struct in *in, struct out *out)
{
	uint32_t c;

	if (!take(in, '"'))
		return false;
	while (!take(in, '"')) {
		if (at_end(in) ||
		    !(take(in, '\\') ? escape(in, &c) : plain(in, &c)))
			return false;
		put_char(out, c);
	}
	return true;
}

/* Anything but an object or an array. */
static bool
scalar(struct in *in)
{
	if (at_end(in))
		return false;
	switch (*in->p) {
	case '"':
		return string(in, NULL);
	case 't':
		return word(in, "true");
	case 'f':
		return word(in, "false");
	case 'n':
		return word(in, "null");
	default:
		return number(in);
	}
}

/* The name of a member, and its colon; *is says whether it is the wanted
 * one, w may be NULL. */
static bool
member_name(struct in *in, const struct wanted *w, bool *is)
{
	char text[NAME_MAX_LEN] = "";
	struct out out = { text, 0, sizeof(text), false };

	space(in);
	if (!string(in, &out))
		return false;
	*is = w != NULL && !out.cut && strcmp(text, w->name) == 0;
	space(in);
	if (!take(in, ':'))
		return false;
	space(in);
	return true;
}

/* The wanted member's value comes: note what it is.  A string is read here,
 * and was then taken; false if it is no good one. */
static bool
note(struct in *in, struct wanted *w, bool *taken)
{
	struct out *v = &w->value;

	if (w->found != JSON_NONE) {
		w->found = JSON_TWICE;
		v->p[0] = '\0';
	} else if (at_end(in) || *in->p != '"') {
		w->found = JSON_OTHER;
	} else {
		*taken = true;
		if (!string(in, v))
			return false;
		w->found = v->cut ? JSON_LONG : JSON_STRING;
	}
	return true;
}

/* Read the whole text; in->p is where it went wrong.  w may be NULL. */
static bool
walk(struct in *in, struct wanted *w)
{
	unsigned char close[JSON_DEPTH_MAX];	/* of what is open */
	int depth = 0;
	bool is = false, taken;

	space(in);
	for (;;) {
		/* A value begins here. */
		taken = false;
		if (is && !note(in, w, &taken))
			return false;
		is = false;
		if (!taken && !at_end(in) && (*in->p == '{' || *in->p == '[')) {
			if (depth == JSON_DEPTH_MAX)
				return false;
			/* In ASCII they are two apart. */
			close[depth++] = (unsigned char)(*in->p + 2);
			in->p++;
			space(in);
			if (at_end(in) || *in->p != close[depth - 1]) {
				if (close[depth - 1] == '}' &&
				    !member_name(in, depth == 1 ? w : NULL,
				    &is))
					return false;
				continue;
			}
		} else if (!taken && !scalar(in))
			return false;
		/* One has ended, or an empty one is about to. */
		space(in);
		while (depth > 0 && take(in, close[depth - 1])) {
			depth--;
			space(in);
		}
		if (depth == 0)
			return at_end(in);
		if (!take(in, ','))
			return false;
		space(in);
		if (close[depth - 1] == '}' &&
		    !member_name(in, depth == 1 ? w : NULL,
		    &is))
			return false;
	}
}

int
json_check(const char *text, size_t n, size_t *at)
{
	const unsigned char *p = (const unsigned char *)text;
	struct in in = { p, p + (n < JSON_LINE_MAX ? n : JSON_LINE_MAX) };
	bool good = walk(&in, NULL);

	if (good && n <= JSON_LINE_MAX)
		return 0;
	*at = (size_t)(in.p - p);
	return -1;
}

enum json_found
json_member(const char *text, size_t n, const char *name, char *out,
    size_t cap)
{
	const unsigned char *p = (const unsigned char *)text;
	struct in in = { p, p + (n < JSON_LINE_MAX ? n : JSON_LINE_MAX) };
	struct wanted w = { name, { out, 0, cap, false }, JSON_NONE };

	out[0] = '\0';
	(void)walk(&in, &w);
	return w.found;
}

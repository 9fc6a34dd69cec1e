/* SPDX-License-Identifier: MIT */
#ifndef JSON_H
#define JSON_H

#include <stddef.h>

/* Reads one small JSON text (RFC 8259), as strictly as can be: beside what
 * its grammar does not have, it refuses what readers disagree about (RFC 7493
 * 2.1): bytes that are not UTF-8, half a surrogate pair, U+0000. */

enum {
	JSON_LINE_MAX = 4096,		/* bytes of the whole text */
	JSON_DEPTH_MAX = 8		/* objects and arrays in each other */
};

enum json_found {
	JSON_NONE,		/* there is no such member */
	JSON_STRING,		/* it is a string, here it is */
	JSON_LONG,		/* ... that is too long: its beginning */
	JSON_OTHER,		/* it is something else */
	JSON_TWICE		/* there is more than one */
};

/* Are these n bytes one value, with nothing but white space around it?
 * Returns 0, or -1 with *at, the offset of the first byte that cannot be
 * there; n: it ends too early; JSON_LINE_MAX, and less than n: too long. */
int json_check(const char *text, size_t n, size_t *at);

/* Get the string that is called name in the object that the text, which was
 * checked, is; in UTF-8 with a NUL, without escapes.  cap is at least 1; of
 * JSON_LONG out has as many whole characters as fit, of all but JSON_STRING
 * and JSON_LONG, none. */
enum json_found json_member(const char *text, size_t n, const char *name,
    char *out, size_t cap);

#endif

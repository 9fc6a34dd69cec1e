/* SPDX-License-Identifier: MIT */
#ifndef ORDER_H
#define ORDER_H

#include <stdbool.h>
#include <stddef.h>

#include "json.h"

/* What a supervisor orders on stdin (--json): JSON objects like
 * {"action":"DISCONNECT","session_id":"0011223344556677"}, as those of
 * mtunnel.  Members that are not known are ignored. */

enum {
	ORDER_ID_MAX = 64,		/* bytes of a session's id, or less */
	ORDER_WHY_MAX = 128		/* a sentence, with its NUL */
};

enum order_kind { ORDER_LIST, ORDER_DISCONNECT, ORDER_SHUTDOWN };

struct order {
	enum order_kind kind;
	char session_id[ORDER_ID_MAX + 1];	/* "" but for DISCONNECT */
};

/* Read the n bytes of one order.  Returns 0, or -1 and says why not; *o is
 * then not to be used. */
int order_parse(struct order *o, const char *line, size_t n,
    char why[ORDER_WHY_MAX]);

/* Orders as they come, in pieces of any size.  An object is an order at once
 * when its last brace has come: neither a newline nor anything else need
 * stand behind it, but no newline may stand within.  After something that is
 * no JSON object, or longer than JSON_LINE_MAX, the rest of its line is
 * skipped.  All zeros is how it begins. */
struct order_reader {
	char line[JSON_LINE_MAX];
	size_t n;
	unsigned depth;			/* of braces and brackets */
	bool quoted, escaped, skipping;
};

enum order_found {
	ORDER_MORE,			/* all was read, and no order ended */
	ORDER_READ,			/* an order, in *o */
	ORDER_BAD			/* none, and why says why */
};

/* Read up to n bytes, or to the end of one order: *used says how many.  Call
 * it again with the others until it returns ORDER_MORE. */
enum order_found order_feed(struct order_reader *r, const char *p, size_t n,
    size_t *used, struct order *o, char why[ORDER_WHY_MAX]);

/* There is nothing more to come: what has no newline ends as well.  Returns
 * ORDER_BAD, or ORDER_MORE: nothing was left. */
enum order_found order_end(struct order_reader *r, char why[ORDER_WHY_MAX]);

#endif

/* SPDX-License-Identifier: MIT */
#ifndef NUMBER_H
#define NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Even numbers, each used once, not quite in order (PROTOCOL.md, streams). */

enum { NUMBER_WINDOW = 4096 };		/* so many may be late */

/* Zero it before the first. */
struct numbers {
	uint64_t highest;		/* used; 0: none */
	uint64_t used[NUMBER_WINDOW / 64];	/* a ring of bits */
};

/* Is n an even number that may be used? */
bool number_free(const struct numbers *s, uint64_t n);

/* Use n, for which number_free() holds. */
void number_use(struct numbers *s, uint64_t n);

#endif

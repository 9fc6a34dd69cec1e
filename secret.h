/* SPDX-License-Identifier: MIT */
#ifndef SECRET_H
#define SECRET_H

#include <stdbool.h>
#include <stddef.h>

enum { TOKEN_MAX = 1024 };	/* bytes; PROTOCOL.md, plain handshake */

/* The shared secret.  Held by value so that it can be wiped in one place. */
struct token {
	unsigned char bytes[TOKEN_MAX];
	size_t len;		/* 1..TOKEN_MAX once there is one, else 0 */
};

/* Overwrite n bytes at p; a compiler may not leave it out. */
void secret_wipe(void *p, size_t n);

/* Overwrite what is left on this thread's stack below its caller: copies that
 * calls which are over made of what they were given, registers that were
 * saved there (the dynamic linker does at a function's first call). */
void secret_scrub(void);

/* Are these n bytes the same?  The time depends on n alone. */
bool secret_same(const void *a, const void *b, size_t n);

/* Is theirs equal to ours?  The time depends on TOKEN_MAX alone: neither on
 * the contents nor on either length. */
bool secret_equal(const struct token *ours, const struct token *theirs);

#endif

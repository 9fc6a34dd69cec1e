/* SPDX-License-Identifier: MIT */
#ifndef TOKEN_H
#define TOKEN_H

#include "secret.h"

enum { TOKEN_WHY_MAX = 256 };

/* Get the token that arg stands for, then wipe arg in place, so that ps and
 * /proc no longer show it: arg is the token itself, "-" (asked on the
 * terminal, without echo) or "@FILE" (the file's content without one newline
 * at its end).  Returns 0, or -1 with a sentence in why. */
int token_get(struct token *t, char *arg, char why[TOKEN_WHY_MAX]);

#endif

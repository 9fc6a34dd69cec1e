/* SPDX-License-Identifier: MIT */
#ifndef AUTH_H
#define AUTH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "bear.h"
#include "token.h"

/* What a relay wants to know of servers.  If it came from a file, it can be
 * read again while handshakes use it: each takes a copy when it begins. */

enum { AUTH_PATH_MAX = 4096 };		/* what open() takes */

struct auth {
	pthread_mutex_t mu;		/* guards w */
	uint8_t w[BEAR_SCALAR];
	char path[AUTH_PATH_MAX];	/* "": not from a file; constant */
};

/* Get the secret that arg stands for (token_get(), which wipes arg).  Returns
 * 0, or -1 with a sentence in why. */
int auth_init(struct auth *a, char *arg, char why[TOKEN_WHY_MAX]);

/* Does it come from a file?  Read that again: returns 0, or -1 with a sentence
 * in why, and the secret is what it was. */
bool auth_has_file(const struct auth *a);
int auth_reread(struct auth *a, char why[TOKEN_WHY_MAX]);

/* Get what the secret has become by now; the caller wipes it. */
void auth_get(struct auth *a, uint8_t w[BEAR_SCALAR]);

/* Forget it. */
void auth_wipe(struct auth *a);

#endif

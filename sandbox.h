/* SPDX-License-Identifier: MIT */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <sys/types.h>

#include <stdbool.h>

/* What a program that listens to strangers gives up. */

enum { SANDBOX_WHY_MAX = 256 };

struct sandbox_user {
	uid_t uid;
	gid_t gid;
};

/* Find NAME or UID, with :GID if the group is not that of the password file
 * (a UID that is not in there has the group of the same number).  Returns 0,
 * or -1 with a sentence in why: root is none, either. */
int sandbox_find(const char *text, struct sandbox_user *u,
    char why[SANDBOX_WHY_MAX]);

/* Before there is another thread, where the system can: no program that we
 * might start can have more privileges than we, and nobody of the same user
 * can read our memory. */
void sandbox_enter(void);

/* Are we root, or can become it? */
bool sandbox_is_root(void);

/* Become that user in all threads, for good, and see that it is so.  Returns 0
 * (also if we are that user), or -1 with a sentence in why: then end. */
int sandbox_become(const struct sandbox_user *u, char why[SANDBOX_WHY_MAX]);

#endif

/* SPDX-License-Identifier: MIT */
/* sandbox.c - what is given up, so that who gets in has gained little.
 *
 * Only what needs no list of the system calls of each C library, and cannot
 * be in the way later: no chroot, no seccomp.  What else there is, the service
 * manager does (contrib/adit-relay.service). */

#if defined(__linux__) && !defined(ADIT_POSIX)
#define _DEFAULT_SOURCE		/* setgroups(); in this file only */
#include <sys/prctl.h>
#endif
#include <sys/types.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sandbox.h"
#include "text.h"

enum { NAME_MAX_LEN = 64 };

enum op {
	NO_NEW_PRIVILEGES,
	NO_DUMP,
	NO_GROUPS
};

/* The one place that knows more than POSIX.  Returns 0, or -1 with errno. */
static int
give_up(enum op op)
{
#if defined(__linux__) && !defined(ADIT_POSIX)
	switch (op) {
	case NO_NEW_PRIVILEGES:
		return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL);
	case NO_DUMP:
		return prctl(PR_SET_DUMPABLE, 0UL, 0UL, 0UL, 0UL);
	case NO_GROUPS:
		return setgroups(0, NULL);
	}
#endif
	(void)op;
	errno = ENOSYS;
	return -1;
}

static int
say(char *why, const char *what, const char *text)
{
	(void)snprintf(why, SANDBOX_WHY_MAX, "%s '%.64s'", what, text);
	return -1;
}

/* A number that is no user's or group's own means "as it was" to setuid(). */
static bool
number(const char *s, uint32_t *n)
{
	return text_u32(s, 0, UINT32_MAX - 1, n) == 0;
}

int
sandbox_find(const char *text, struct sandbox_user *u,
    char why[SANDBOX_WHY_MAX])
{
	size_t n = strcspn(text, ":");
	char name[NAME_MAX_LEN];
	const struct passwd *pw;
	uint32_t uid, gid;

	if (n == 0 || n >= sizeof(name))
		return say(why, "no user", text);
	memcpy(name, text, n);
	name[n] = '\0';
	if (number(name, &uid)) {
		pw = getpwuid((uid_t)uid);
		u->uid = (uid_t)uid;
		u->gid = pw != NULL ? pw->pw_gid : (gid_t)uid;
	} else {
		if ((pw = getpwnam(name)) == NULL)
			return say(why, "no user", name);
		u->uid = pw->pw_uid;
		u->gid = pw->pw_gid;
	}
	if (text[n] == ':') {
		if (!number(text + n + 1, &gid))
			return say(why, "no number of a group", text + n + 1);
		u->gid = (gid_t)gid;
	}
	return u->uid == 0 || u->gid == 0 ?
	    say(why, "root, or its group, is no user to become:", text) : 0;
}

void
sandbox_enter(void)
{
	/* What a system does not know it cannot be asked for. */
	(void)give_up(NO_NEW_PRIVILEGES);
	(void)give_up(NO_DUMP);
}

bool
sandbox_is_root(void)
{
	return geteuid() == 0 || getuid() == 0;
}

/* Is it so, and is there no way back? */
static bool
is_so(const struct sandbox_user *u)
{
	gid_t groups[2];
	int n = getgroups(2, groups);

	if (getuid() != u->uid || geteuid() != u->uid ||
	    getgid() != u->gid || getegid() != u->gid)
		return false;
	/* One may be that which we have anyway. */
	if (n == -1 || n > 1 || (n == 1 && groups[0] != u->gid))
		return false;
	return setuid(0) == -1 && seteuid(0) == -1 && setgid(0) == -1 &&
	    setegid(0) == -1;
}

int
sandbox_become(const struct sandbox_user *u, char why[SANDBOX_WHY_MAX])
{
	if (!sandbox_is_root() && getuid() == u->uid && geteuid() == u->uid)
		return 0;
	if (give_up(NO_GROUPS) == -1 && errno != ENOSYS)
		goto fail;
	if (setgid(u->gid) == -1 || setuid(u->uid) == -1)
		goto fail;
	(void)give_up(NO_DUMP);
	if (is_so(u))
		return 0;
	(void)snprintf(why, SANDBOX_WHY_MAX, "cannot become user %lu for "
	    "good: something of root's was left", (unsigned long)u->uid);
	return -1;
fail:
	(void)snprintf(why, SANDBOX_WHY_MAX, "cannot become user %lu: %s",
	    (unsigned long)u->uid, strerror(errno));
	return -1;
}

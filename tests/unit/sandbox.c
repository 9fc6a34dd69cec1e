/* SPDX-License-Identifier: MIT */
/* sandbox.c - who is meant; and, where we are root, being nobody else. */

#include <sys/prctl.h>

#include <grp.h>
#include <pwd.h>

#include "sandbox.h"
#include "unit.h"

static void
names(void)
{
	static const struct {
		const char *text;
		int rc;
		long uid, gid;
	} table[] = {
		{ "54321", 0, 54321, 54321 },
		{ "54321:7", 0, 54321, 7 },
		{ "4294967294:4294967294", 0, 4294967294, 4294967294 },
		{ "nobody:65533", 0, 65534, 65533 },
		{ "", -1, 0, 0 },
		{ ":", -1, 0, 0 },
		{ ":7", -1, 0, 0 },
		{ "0", -1, 0, 0 },
		{ "root", -1, 0, 0 },
		{ "0:7", -1, 0, 0 },
		{ "54321:0", -1, 0, 0 },
		{ "54321:", -1, 0, 0 },
		{ "54321:x", -1, 0, 0 },
		{ "54321:7:7", -1, 0, 0 },
		{ "-1", -1, 0, 0 },
		{ "4294967295", -1, 0, 0 },	/* "as it was" to setuid() */
		{ "54321:4294967295", -1, 0, 0 },
		{ "99999999999", -1, 0, 0 },
		{ "no such user", -1, 0, 0 },
		{ "a_name_that_is_longer_than_what_any_system_would_ever_take"
		    "_for_a_user", -1, 0, 0 }
	};
	char why[SANDBOX_WHY_MAX];
	struct sandbox_user u;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unit_row("%s", table[i].text);
		if (strncmp(table[i].text, "nobody", 6) == 0 &&
		    getpwnam("nobody") == NULL)
			continue;
		why[0] = '\0';
		CHECK_EQ(sandbox_find(table[i].text, &u, why), table[i].rc);
		if (table[i].rc == 0) {
			CHECK_EQ(u.uid, table[i].uid);
			CHECK_EQ(u.gid, table[i].gid);
		} else
			CHECK(strlen(why) > 0);
	}
}

static void
enter(void)
{
	sandbox_enter();
	CHECK_EQ(prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL), 1);
	CHECK_EQ(prctl(PR_GET_DUMPABLE, 0UL, 0UL, 0UL, 0UL), 0);
}

static void *
look(void *arg)
{
	/* Whether or not it began before. */
	while (!atomic_load((atomic_bool *)arg))
		unit_sleep(5);
	CHECK_EQ(getuid(), 54321);
	CHECK_EQ(setuid(0), -1);
	return NULL;
}

static void
become(void)
{
	struct sandbox_user u = { 54321, 54322 }, other = { 54323, 54322 };
	char why[SANDBOX_WHY_MAX];
	atomic_bool done = false;
	gid_t groups[1];
	pthread_t t;

	REQUIRE(pthread_create(&t, NULL, look, &done) == 0);
	if (sandbox_become(&u, why) == 0) {
		CHECK_EQ(getuid(), 54321);
		CHECK_EQ(geteuid(), 54321);
		CHECK_EQ(getgid(), 54322);
		CHECK_EQ(getegid(), 54322);
		CHECK_EQ(getgroups(1, groups), 0);
		CHECK_EQ(setuid(0), -1);
		CHECK(!sandbox_is_root());
		/* Again is nothing; somebody else is too late. */
		CHECK_EQ(sandbox_become(&u, why), 0);
		CHECK_EQ(sandbox_become(&other, why), -1);
	}
	atomic_store(&done, true);
	REQUIRE(pthread_join(t, NULL) == 0);
}

/* Who is not root stays who it is, or fails. */
static void
user(void)
{
	struct sandbox_user me = { getuid(), getgid() }, other = { 5, 5 };
	char why[SANDBOX_WHY_MAX];

	if (geteuid() == 0) {
		become();
		return;
	}
	CHECK_EQ(sandbox_become(&me, why), 0);
	CHECK_EQ(sandbox_become(&other, why), -1);
	CHECK(strlen(why) > 0);
}

int
main(void)
{
	unit_case("sandbox: who is meant", names);
	unit_case("sandbox: no new privileges", enter);
	unit_case("sandbox: another user, for good", user);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* auth.c - from where a secret comes, and reading it again under use. */

#include "auth.h"
#include "kdf.h"
#include "unit.h"

static struct auth auth;
static char path[] = "/tmp/adit-unit-auth.XXXXXX";

static void
put(const char *text)
{
	FILE *f = fopen(path, "w");

	REQUIRE(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
of(const char *text, uint8_t w[BEAR_SCALAR])
{
	struct token t;

	memset(&t, 0, sizeof(t));
	t.len = strlen(text);
	memcpy(t.bytes, text, t.len);
	REQUIRE(kdf_token(&t, KDF_MEMBER, w) == 0);
}

static bool
is(const char *text)
{
	uint8_t w[BEAR_SCALAR], should[BEAR_SCALAR];

	auth_get(&auth, w);
	of(text, should);
	return memcmp(w, should, sizeof(w)) == 0;
}

static void
argument(void)
{
	char arg[] = "secret", why[TOKEN_WHY_MAX];
	static char longer[AUTH_PATH_MAX + 2];
	uint8_t zero[BEAR_SCALAR] = { 0 };

	CHECK_EQ(auth_init(&auth, arg, why), 0);
	CHECK(is("secret"));
	CHECK(!auth_has_file(&auth));
	CHECK_BYTES(arg, "\0\0\0\0\0\0", 6);
	auth_wipe(&auth);
	CHECK_BYTES(auth.w, zero, sizeof(zero));
	/* No file has such a name. */
	memset(longer, 'a', sizeof(longer) - 1);
	longer[0] = '@';
	CHECK_EQ(auth_init(&auth, longer, why), -1);
	CHECK(strlen(why) > 0);
}

/* What is no good changes nothing. */
static void
file(void)
{
	char arg[1 + sizeof(path)], why[TOKEN_WHY_MAX];
	static const char *const bad[] = { "", "\n" };
	size_t i;
	int fd;

	REQUIRE((fd = mkstemp(path)) != -1 && close(fd) == 0);
	(void)snprintf(arg, sizeof(arg), "@%s", path);
	CHECK_EQ(auth_init(&auth, arg, why), -1);
	put("one\n");
	(void)snprintf(arg, sizeof(arg), "@%s", path);
	REQUIRE(auth_init(&auth, arg, why) == 0);
	CHECK(auth_has_file(&auth));
	CHECK(is("one"));
	put("two");
	CHECK(is("one"));
	CHECK_EQ(auth_reread(&auth, why), 0);
	CHECK(is("two"));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		unit_row("file %zu", i);
		put(bad[i]);
		CHECK_EQ(auth_reread(&auth, why), -1);
		CHECK(strstr(why, path) != NULL);
		CHECK(is("two"));
	}
	REQUIRE(unlink(path) == 0);
	CHECK_EQ(auth_reread(&auth, why), -1);
	CHECK(is("two"));
	put("three");
	CHECK_EQ(auth_reread(&auth, why), 0);
	CHECK(is("three"));
	REQUIRE(unlink(path) == 0);
}

static uint8_t one[BEAR_SCALAR], two[BEAR_SCALAR];
static atomic_bool over;

static void *
use(void *arg)
{
	uint8_t w[BEAR_SCALAR];

	while (!atomic_load(&over)) {
		auth_get(&auth, w);
		if (memcmp(w, one, sizeof(w)) != 0 &&
		    memcmp(w, two, sizeof(w)) != 0)
			*(bool *)arg = true;
	}
	return NULL;
}

/* Whoever takes it gets the old one or the new one. */
static void
whole(void)
{
	char arg[1 + sizeof(path)], why[TOKEN_WHY_MAX];
	bool torn = false;
	pthread_t t;
	int fd, i;

	of("one", one);
	of("two", two);
	REQUIRE((fd = mkstemp(path)) != -1 && close(fd) == 0);
	put("one");
	(void)snprintf(arg, sizeof(arg), "@%s", path);
	REQUIRE(auth_init(&auth, arg, why) == 0);
	REQUIRE(pthread_create(&t, NULL, use, &torn) == 0);
	for (i = 0; i < 6; i++) {
		put(i % 2 == 0 ? "two" : "one");
		CHECK_EQ(auth_reread(&auth, why), 0);
	}
	atomic_store(&over, true);
	REQUIRE(pthread_join(t, NULL) == 0);
	CHECK(!torn);
	REQUIRE(unlink(path) == 0);
}

int
main(void)
{
	unit_case("auth: an argument", argument);
	unit_case("auth: a file, read again", file);
	unit_case("auth: read again under use", whole);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* roster.c - sessions begin and end once, whatever links they have; whose the
 * streams are; who is sent away. */

#include "roster.h"
#include "unit.h"

static struct roster roster;
static FILE *file;

/* What was told since the last call: an U for each link that is up, D down;
 * C and E if it is the session's first, its last; R ready, N ready alone. */
static const char *
told(void)
{
	static char text[4096], out[64];
	char *line, *p;
	size_t n = 0;
	ssize_t got = pread(fileno(file), text, sizeof(text) - 1, 0);

	REQUIRE(got >= 0 && ftruncate(fileno(file), 0) == 0 &&
	    lseek(fileno(file), 0, SEEK_SET) == 0);
	text[got] = '\0';
	for (line = text; (p = strchr(line, '\n')) != NULL; line = p + 1) {
		*p = '\0';
		if (strstr(line, "\"event\":\"ready\"") != NULL)
			out[n++] = line[2] == 'a' ? 'R' : 'N';
		else if (strstr(line, "\"state\":\"up\"") != NULL)
			out[n++] = line[2] == 'a' ? 'C' : 'U';
		else
			out[n++] = line[2] == 'a' ? 'E' : 'D';
	}
	out[n] = '\0';
	return out;
}

static void
begin(bool own, bool listens, unsigned room)
{
	REQUIRE((file = tmpfile()) != NULL);
	event_open(fileno(file));
	roster_init(&roster, own, listens);
	if (room > 0)
		REQUIRE(roster_make_room(&roster, room) == 0);
}

static struct roster_client *
up(char who)
{
	uint8_t instance[CTL_INSTANCE];

	memset(instance, who, sizeof(instance));
	return roster_up(&roster, instance, "192.0.2.1:5000", NULL);
}

static void
down(struct roster_client *c, bool replaced)
{
	struct roster_end e = {
		"192.0.2.1:5000", "gone", UINT32_MAX, false, replaced
	};

	roster_down(&roster, c, &e);
}

static void
sessions(void)
{
	struct roster_member m[2] = { { .cut = false } };
	struct roster_client *a, *b;

	begin(false, false, 2);
	a = up('a');
	REQUIRE(a != NULL);
	CHECK_STR(a->id, "6161616161616161");
	CHECK_STR(told(), "C");
	CHECK(up('a') == a);
	down(a, false);
	CHECK_STR(told(), "UD");
	b = up('b');
	CHECK(b != a && up('c') == NULL);
	roster_join(&roster, a, &m[0]);
	roster_join(&roster, NULL, &m[1]);
	CHECK_EQ(a->streams, 1);
	down(a, false);
	CHECK_STR(told(), "CE");
	/* Its stream is there: so is it, and it may come back. */
	CHECK(up('c') == NULL);
	CHECK(up('a') == a && a->streams == 1);
	down(a, false);
	roster_leave(&roster, &m[0]);
	roster_leave(&roster, &m[0]);
	roster_leave(&roster, &m[1]);
	CHECK(up('c') == a);
	down(a, false);
	down(b, false);
	down(NULL, false);
	CHECK_STR(told(), "CECEE");
	free(roster.pool);
}

static void
dismissed(void)
{
	struct roster_member m[3] = { { .cut = false } };
	uint8_t instance[CTL_INSTANCE];
	struct roster_client *a, *b;
	unsigned i;

	begin(false, false, 3);
	a = up('a');
	b = up('b');
	roster_join(&roster, a, &m[0]);
	roster_join(&roster, b, &m[1]);
	CHECK(!roster_dismiss(&roster, "616161616161616", instance));
	CHECK(!roster_dismiss(&roster, "6363636363636363", instance));
	CHECK(roster_dismiss(&roster, a->id, instance));
	CHECK(instance[0] == 'a' && instance[CTL_INSTANCE - 1] == 'a');
	CHECK(m[0].cut && !m[1].cut);
	CHECK(roster_banned(&roster, a->instance));
	CHECK(!roster_banned(&roster, b->instance));
	/* Who was on the way is cut when it comes. */
	roster_join(&roster, a, &m[2]);
	CHECK(m[2].cut);
	for (i = 0; i < 3; i++)
		roster_leave(&roster, &m[i]);
	down(a, false);
	CHECK(!roster_dismiss(&roster, "6161616161616161", instance));
	for (i = 0; i < ROSTER_BANNED; i++) {
		memset(instance, 'a', sizeof(instance));
		CHECK(roster_banned(&roster, instance));
		CHECK(roster_dismiss(&roster, b->id, instance));
	}
	memset(instance, 'a', sizeof(instance));
	CHECK(!roster_banned(&roster, instance));
	down(b, false);
	free(roster.pool);
}

static void
own(void)
{
	struct roster_client *a;

	begin(true, true, 1);
	roster_ready(&roster, 9000, "127.0.0.1:9000");
	a = up('a');
	CHECK_STR(told(), "NC");
	/* The server had our next link before we knew. */
	down(a, true);
	CHECK_STR(told(), "D");
	CHECK(up('a') == a);
	CHECK_STR(told(), "U");
	roster_lapse(&roster, "failed");
	CHECK_STR(told(), "");
	down(a, true);
	roster_lapse(&roster, "failed");
	roster_lapse(&roster, "failed");
	CHECK_STR(told(), "DE");
	CHECK(roster.first == NULL);
	a = up('a');
	down(a, false);
	CHECK_STR(told(), "CE");
	free(roster.pool);
	/* It listens later. */
	begin(true, true, 1);
	a = up('a');
	CHECK_STR(told(), "U");
	roster_ready(&roster, 9000, "127.0.0.1:9000");
	CHECK_STR(told(), "R");
	down(a, false);
	CHECK_STR(told(), "E");
	free(roster.pool);
}

int
main(void)
{
	unit_case("roster: sessions", sessions);
	unit_case("roster: dismissed", dismissed);
	unit_case("roster: our own", own);
	return unit_end();
}

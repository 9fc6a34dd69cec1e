/* SPDX-License-Identifier: MIT */
/* log.c - stderr is a datagram socket here, so that one write shows as one. */

#include "log.h"
#include "unit.h"

static int reader;

static void
catch_stderr(void)
{
	int pair[2];

	REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	reader = pair[0];
	unit_timeouts(reader, 100);
	REQUIRE(dup2(pair[1], STDERR_FILENO) != -1);
	(void)close(pair[1]);
}

/* The next write to stderr, "" if there was none. */
static const char *
next(void)
{
	static char text[4096];
	ssize_t n = recv(reader, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void
levels(void)
{
	static const enum log_level all[] = {
		LOG_ERROR, LOG_NOTE, LOG_STREAM
	};
	size_t show, say;

	catch_stderr();
	log_line(LOG_NOTE, "by default notes");
	CHECK_STR(next(), "by default notes\n");
	log_line(LOG_STREAM, "but not streams");
	CHECK_STR(next(), "");
	for (show = 0; show < 3; show++) {
		log_set_level(all[show]);
		for (say = 0; say < 3; say++) {
			unit_row("show %zu, say %zu", show, say);
			log_line(all[say], "%s %d", "x", 1);
			CHECK_STR(next(), say <= show ? "x 1\n" : "");
		}
	}
}

static void
lengths(void)
{
	char text[2 * LOG_LINE_MAX], should[LOG_LINE_MAX + 1];
	size_t n, keep;

	catch_stderr();
	memset(text, 'a', sizeof(text));
	for (n = 0; n < sizeof(text); n++) {
		unit_row("%zu characters", n);
		text[n] = '\0';
		log_line(LOG_ERROR, "%s", text);
		text[n] = 'a';
		/* vsnprintf's NUL costs one, the newline another. */
		keep = n < LOG_LINE_MAX - 2 ? n : LOG_LINE_MAX - 2;
		memset(should, 'a', keep);
		memcpy(should + keep, "\n", 2);
		CHECK_STR(next(), should);
		CHECK_STR(next(), "");
	}
}

static void
steering(void)
{
	char text[3] = "x";
	int c;

	catch_stderr();
	log_line(LOG_ERROR, "%s", "a\033[2Jb\r\nc\td");
	CHECK_STR(next(), "a?[2Jb??c?d\n");
	for (c = 1; c < 128; c++) {
		unit_row("character %d", c);
		text[1] = (char)c;
		log_line(LOG_ERROR, "%s", text);
		CHECK_EQ(next()[1], c < ' ' || c == 127 ? '?' : c);
	}
}

static void
keeps_errno(void)
{
	catch_stderr();
	errno = ENOTTY;
	log_line(LOG_ERROR, "x");
	CHECK_EQ(errno, ENOTTY);
	(void)close(STDERR_FILENO);
	errno = ENOTTY;
	log_line(LOG_ERROR, "x");
	CHECK_EQ(errno, ENOTTY);
}

int
main(void)
{
	unit_case("log: levels", levels);
	unit_case("log: every length is one line and one write", lengths);
	unit_case("log: nothing steers a terminal", steering);
	unit_case("log: keeps errno, with and without a stderr", keeps_errno);
	return unit_end();
}

/* SPDX-License-Identifier: MIT */
/* bulk.c - a pipe between two sockets, or else a buffer. */

#include "bulk.h"
#include "unit.h"

static void
open_and_close(void)
{
	unsigned before = unit_open_fds();
	struct bulk b;
	int splice, i;

	bulk_init(&b);
	bulk_close(&b);
	for (splice = 0; splice < 2; splice++) {
		unit_row("splice %d", splice);
		CHECK_EQ(bulk_open(&b, splice), 0);
		/* One of the two, never both. */
		CHECK((b.pipe[0] != -1) + (b.buf != NULL) == 1);
		CHECK((b.pipe[0] == -1) == (b.pipe[1] == -1));
		if (!splice)
			CHECK(b.buf != NULL);
		for (i = 0; i < 2 && b.pipe[0] != -1; i++)
			CHECK((fcntl(b.pipe[i], F_GETFD) & FD_CLOEXEC) != 0);
		if (b.buf != NULL)
			memset(b.buf, 1, BULK_BYTES);
		bulk_close(&b);
		bulk_close(&b);
		CHECK(b.pipe[0] == -1 && b.pipe[1] == -1 && b.buf == NULL);
		CHECK_EQ(unit_open_fds(), before);
	}
}

/* Without descriptors there is still memory. */
static void
no_descriptors(void)
{
	struct bulk b;
	int n = 0;

	while (n < 4096 && dup(0) != -1)
		n++;
	if (n == 4096)
		return;
	(void)close(3);			/* one is not enough for a pipe */
	bulk_init(&b);
	CHECK_EQ(bulk_open(&b, true), 0);
	CHECK(b.pipe[0] == -1 && b.pipe[1] == -1 && b.buf != NULL);
	bulk_close(&b);
}

/* Bytes through the pipe from one TCP socket to another, in and out in
 * unequal portions; then a tick, an end, a reset. */
static void
moves(void)
{
	static uint8_t data[100000], got[100000];
	struct bulk b;
	size_t sent = 0, have = 0;
	ssize_t n, k;
	int in[2], out[2];

	bulk_init(&b);
	REQUIRE(bulk_open(&b, true) == 0);
	if (b.pipe[0] == -1) {		/* not on this system */
		bulk_close(&b);
		return;
	}
	unit_tcp(in);
	unit_tcp(out);
	unit_timeouts(in[1], 50);
	unit_fill(data, sizeof(data), 4);
	while (sent < sizeof(data)) {
		n = write(in[0], data + sent, sizeof(data) - sent < 7777 ?
		    sizeof(data) - sent : 7777);
		REQUIRE(n > 0);
		sent += (size_t)n;
		while (n > 0) {
			REQUIRE((k = bulk_in(&b, in[1], BULK_BYTES)) > 0);
			n -= k;
			for (; k > 0; k -= bulk_out(&b, out[0],
			    k > 1000 ? 1000 : (size_t)k))
				continue;
			CHECK_EQ(k, 0);
		}
	}
	while (have < sizeof(got)) {
		REQUIRE((n = read(out[1], got + have, sizeof(got) - have)) > 0);
		have += (size_t)n;
	}
	CHECK_BYTES(got, data, sizeof(data));
	CHECK_EQ(bulk_out(&b, out[0], 0), 0);
	errno = 0;
	CHECK_EQ(bulk_in(&b, in[1], BULK_BYTES), -1);	/* SO_RCVTIMEO counts */
	CHECK(errno == EAGAIN || errno == EWOULDBLOCK);
	(void)shutdown(in[0], SHUT_WR);
	CHECK_EQ(bulk_in(&b, in[1], BULK_BYTES), 0);
	unit_tcp(in);
	unit_reset(in[0]);
	CHECK_EQ(bulk_in(&b, in[1], BULK_BYTES), -1);
	CHECK_EQ(errno, ECONNRESET);
	bulk_close(&b);
}

/* A full socket holds the bytes in the pipe; nothing is lost by waiting. */
static void
stuck(void)
{
	static uint8_t data[BULK_BYTES], got[BULK_BYTES];
	struct bulk b;
	size_t left, have = 0;
	ssize_t n;
	int in[2], out[2], tries = 0;

	bulk_init(&b);
	REQUIRE(bulk_open(&b, true) == 0);
	if (b.pipe[0] == -1) {
		bulk_close(&b);
		return;
	}
	unit_tcp(in);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, out) == 0);
	unit_int_option(out[0], SO_SNDBUF, 1);
	unit_timeouts(out[0], 20);
	unit_fill(data, sizeof(data), 6);
	REQUIRE(write(in[0], data, 60000) == 60000);
	unit_sleep(20);
	REQUIRE((n = bulk_in(&b, in[1], BULK_BYTES)) > 0);
	left = (size_t)n;
	while (have < (size_t)n && tries < 10000) {
		ssize_t k = bulk_out(&b, out[0], left);

		if (k >= 0)
			left -= (size_t)k;
		else
			CHECK(errno == EAGAIN || errno == EWOULDBLOCK);
		tries++;
		if (k >= 0 && left > 0)
			continue;
		k = recv(out[1], got + have, 5000, MSG_DONTWAIT);
		have += k > 0 ? (size_t)k : 0;
	}
	CHECK_EQ(have, n);
	CHECK_BYTES(got, data, have);
	bulk_close(&b);
}

int
main(void)
{
	unit_case("bulk: open and close", open_and_close);
	unit_case("bulk: no descriptors", no_descriptors);
	unit_case("bulk: bytes, tick, end, reset", moves);
	unit_case("bulk: a full socket", stuck);
	return unit_end();
}

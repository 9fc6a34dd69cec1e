/* SPDX-License-Identifier: MIT */
/* rank.c - weights and orders that others computed, and what is promised of
 * any order.  The source is included, to reach a weight alone.
 *
 * The tables come from this:
 *
 *	M = 2**64 - 1
 *	def weight(ip, port, room):
 *	    a = ipaddress.ip_address(ip)
 *	    b = a.packed if a.version == 6 else \
 *	        bytes(10) + b'\xff\xff' + a.packed
 *	    h = 0xcbf29ce484222325
 *	    for x in b + port.to_bytes(2, 'big') + room.encode():
 *	        h = (h ^ x) * 0x100000001b3 & M
 *	    h ^= h >> 33
 *	    h = h * 0xff51afd7ed558ccd & M
 *	    h ^= h >> 33
 *	    h = h * 0xc4ceb9fe1a85ec53 & M
 *	    return h ^ h >> 33
 *	sorted(range(len(a)), key=lambda i: -weight(*a[i], room))
 */

#include <arpa/inet.h>

#include "../../rank.c"
#include "unit.h"

static void
make_id(uint8_t id[RANK_ID], const char *ip, unsigned port)
{
	memset(id, 0, RANK_ID);
	if (inet_pton(AF_INET6, ip, id) != 1) {
		id[10] = id[11] = 0xff;
		REQUIRE(inet_pton(AF_INET, ip, id + 12) == 1);
	}
	id[16] = (uint8_t)(port >> 8);
	id[17] = (uint8_t)(port & 0xff);
}

static void
weights(void)
{
	static const struct {
		const char *ip;
		unsigned port;
		const char *room;
		uint64_t weight;
	} rows[] = {
		{ "192.0.2.1", 443, "7", UINT64_C(0x28ed05eb1fe3de2e) },
		{ "192.0.2.2", 443, "7", UINT64_C(0xcd9460026b32b611) },
		{ "2001:db8::1", 443, "7", UINT64_C(0x1eefe1b6dd32c6e6) },
		{ "2001:db8::1", 8443, "7", UINT64_C(0x7db672057736b82b) },
		{ "192.0.2.1", 443, "8", UINT64_C(0x69ef7dde0cdeab3f) },
		{ "192.0.2.1", 443, "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
		    UINT64_C(0x24a63fb653693d88) },
		{ "::", 0, "", UINT64_C(0x1f2f985b437e5c6d) },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535, "a_b.c",
		    UINT64_C(0xd70ba76b39990b91) },
		{ "127.0.0.1", 7000, "box", UINT64_C(0xeb7742e21e606796) },
		{ "::ffff:127.0.0.1", 7000, "box",
		    UINT64_C(0xeb7742e21e606796) }
	};
	uint8_t id[RANK_ID];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("[%s]:%u in '%s'", rows[i].ip, rows[i].port,
		    rows[i].room);
		make_id(id, rows[i].ip, rows[i].port);
		CHECK(weight(unit_guard(id, sizeof(id)), rows[i].room) ==
		    rows[i].weight);
	}
}

static void
orders(void)
{
	static const struct {
		const char *room;
		unsigned order[5];
	} rows[] = {
		{ "1", { 3, 0, 2, 4, 1 } }, { "2", { 0, 1, 2, 4, 3 } },
		{ "7", { 1, 4, 0, 3, 2 } }, { "box", { 3, 0, 2, 1, 4 } }
	};
	uint8_t ids[5][RANK_ID];
	unsigned order[RANK_MAX];
	size_t i, k;

	make_id(ids[0], "192.0.2.1", 443);
	make_id(ids[1], "192.0.2.2", 443);
	make_id(ids[2], "198.51.100.3", 443);
	make_id(ids[3], "2001:db8::1", 443);
	make_id(ids[4], "2001:db8::1", 8443);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unit_row("room '%s'", rows[i].room);
		memset(order, 0xff, sizeof(order));
		rank_order((const uint8_t (*)[RANK_ID])ids, 5, rows[i].room,
		    order);
		for (k = 0; k < 5; k++)
			CHECK_EQ(order[k], rows[i].order[k]);
		for (; k < RANK_MAX; k++)
			CHECK_EQ(order[k], (unsigned)-1);
	}
	unit_row("none");
	memset(order, 0xff, sizeof(order));
	rank_order((const uint8_t (*)[RANK_ID])ids, 0, "7", order);
	CHECK_EQ(order[0], (unsigned)-1);
}

/* However many there are and however they come: the same addresses in the
 * same order; without one of them, the others as they were. */
static void
any_order(void)
{
	uint8_t ids[RANK_MAX][RANK_ID], turned[RANK_MAX][RANK_ID];
	unsigned order[RANK_MAX], again[RANK_MAX], n, i, k, turn, rest;
	char room[16];

	for (n = 1; n <= RANK_MAX; n++) {
		unit_row("%u addresses", n);
		(void)snprintf(room, sizeof(room), "room%u", n);
		unit_fill(ids[0], sizeof(ids), n);
		rank_order((const uint8_t (*)[RANK_ID])ids, n, room, order);
		for (i = 1; i < n; i++)
			CHECK(weight(ids[order[i - 1]], room) >
			    weight(ids[order[i]], room));
		for (turn = 0; turn < n; turn++) {
			for (i = 0; i < n; i++)
				memcpy(turned[i], ids[(i + turn) % n],
				    RANK_ID);
			rank_order((const uint8_t (*)[RANK_ID])turned, n, room,
			    again);
			for (i = 0; i < n; i++)
				CHECK_EQ((again[i] + turn) % n, order[i]);
			/* Now without the last, which is number turn - 1. */
			rank_order((const uint8_t (*)[RANK_ID])turned, n - 1,
			    room, again);
			rest = (turn + n - 1) % n;
			for (i = k = 0; i < n; i++)
				if (order[i] != rest)
					CHECK_EQ((again[k++] + turn) % n,
					    order[i]);
		}
	}
}

/* Weights hardly ever tie: ask what decides then. */
static void
ties(void)
{
	uint8_t id[2][RANK_ID] = { { 0 } };
	struct item a = { id[0], 7 }, b = { id[1], 7 };
	int i;

	CHECK(!goes_first(&a, &b));
	CHECK(!goes_first(&b, &a));
	for (i = 0; i < RANK_ID; i++) {
		unit_row("byte %d", i);
		memset(id[0], 0xff, RANK_ID);
		memset(id[0], 0x80, (size_t)i + 1);
		memset(id[1], 0, RANK_ID);
		memset(id[1], 0x80, (size_t)i);
		id[1][i] = 0x81;
		a.weight = b.weight;
		CHECK(goes_first(&a, &b));
		CHECK(!goes_first(&b, &a));
		a.weight = b.weight - 1;
		CHECK(!goes_first(&a, &b));
		CHECK(goes_first(&b, &a));
	}
	unit_row("high and low half");
	a.weight = UINT64_C(0x8000000000000000);
	b.weight = UINT64_C(0x7fffffffffffffff);
	CHECK(goes_first(&a, &b));
	CHECK(!goes_first(&b, &a));
}

static void
twice(void)
{
	uint8_t ids[4][RANK_ID];
	unsigned order[RANK_MAX];

	make_id(ids[0], "192.0.2.1", 443);
	make_id(ids[1], "192.0.2.2", 443);
	memcpy(ids[2], ids[0], RANK_ID);
	memcpy(ids[3], ids[1], RANK_ID);
	rank_order((const uint8_t (*)[RANK_ID])ids, 4, "7", order);
	CHECK_EQ(order[0], 1);
	CHECK_EQ(order[1], 3);
	CHECK_EQ(order[2], 0);
	CHECK_EQ(order[3], 2);
}

/* Each of four neighbours is first for a quarter of the rooms, and second for
 * a third of those where another one is first. */
static void
even(void)
{
	enum { ROOMS = 12000 };
	uint8_t ids[4][RANK_ID];
	unsigned order[RANK_MAX], count[4][4] = { { 0 } }, i, k;
	char ip[] = "192.0.2.1", room[16];

	for (i = 0; i < 4; i++, ip[8]++)
		make_id(ids[i], ip, 443);
	for (i = 1; i <= ROOMS; i++) {
		(void)snprintf(room, sizeof(room), "%u", i);
		rank_order((const uint8_t (*)[RANK_ID])ids, 4, room, order);
		count[order[0]][order[1]]++;
	}
	/* Standard deviation 30.3: five of them. */
	for (i = 0; i < 4; i++)
		for (k = 0; k < 4; k++) {
			unit_row("%u, then %u: %u times", i, k, count[i][k]);
			CHECK(i == k ? count[i][k] == 0 :
			    count[i][k] > 1000 - 152 &&
			    count[i][k] < 1000 + 152);
		}
}

int
main(void)
{
	unit_case("rank: weights", weights);
	unit_case("rank: orders", orders);
	unit_case("rank: the same from any order, and without one", any_order);
	unit_case("rank: ties", ties);
	unit_case("rank: the same address twice", twice);
	unit_case("rank: all addresses get their share", even);
	return unit_end();
}

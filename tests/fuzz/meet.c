/* SPDX-License-Identifier: MIT */
/* meet.c - what relays and those who meet there say to each other.
 *
 * Input: one byte that says what the rest is: a message's body, first bytes
 * (the head, and what follows it), what follows the first byte of go, a
 * relay's state, or the members of a message that is sent. */

#include <stdbool.h>

#include "fuzz.h"
#include "meet.h"

/* What PROTOCOL.md 10.2 says of a body. */
static bool
good_room(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] == 0 || strchr("abcdefghijklmnopqrstuvwxyz0123456789"
		    "_.", p[i]) == NULL)
			return false;
	}
	return n >= 1 && n <= 32;
}

static bool
good_body(const uint8_t *p, size_t n)
{
	if (n < 1)
		return false;
	switch (p[0]) {
	case 1:
		return n >= 22 && p[17] <= 8 && p[18] <= 2 &&
		    good_room(p + 21, n - 21);
	case 2:
		return n == 38 && p[17] <= 2;
	case 3:
	case 8:
		return n >= 2 && n <= 257 && p[1] >= 1 && p[1] <= 8 &&
		    memchr(p + 2, 0, n - 2) == NULL;
	case 4:
	case 5:
		return n == 17;
	case 6:
	case 7:
		return n == 5;
	default:
		return false;
	}
}

/* Whatever was in *m before: the same; and written again, too. */
static void
check_body(const uint8_t *p, size_t n)
{
	struct meet m, again;
	uint8_t out[MEET_BODY_MAX];
	bool good;

	memset(&m, 0xa5, sizeof(m));
	memset(&again, 0x5a, sizeof(again));
	good = meet_get(&m, p, n);
	MUST(good == good_body(p, n));
	MUST(meet_get(&again, p, n) == good);
	if (!good)
		return;
	MUST(n <= MEET_BODY_MAX);
	MUST(memchr(m.text, '\0', sizeof(m.text)) != NULL);
	MUST(strcmp(meet_reason_text(m.reason), "no reason") != 0 ||
	    m.reason == 0);
	MUST(meet_put(&m, out) == n && memcmp(out, p, n) == 0);
	MUST(meet_put(&again, out) == n && memcmp(out, p, n) == 0);
}

/* A head, and if it is DIAL's, its room. */
static void
check_first(const uint8_t *p, size_t n)
{
	uint8_t head[MEET_HEAD], dial[MEET_DIAL_MAX];
	char room[MEET_ROOM_MAX + 1];
	enum meet_kind kind;
	size_t len;

	if (n < MEET_HEAD)
		return;
	kind = meet_kind(p);
	if (kind == MEET_KIND_BAD || kind == MEET_KIND_VERSION) {
		MUST(p[0] != 0xad || p[1] != 0x17 || p[2] != 1 || p[3] < 3 ||
		    p[3] > 7);
		MUST((kind == MEET_KIND_VERSION) == (p[0] == 0xad && p[1] ==
		    0x17 && p[2] != 1));
		return;
	}
	meet_head_put(kind, head);
	MUST(memcmp(head, p, MEET_HEAD) == 0);
	if (kind != MEET_DIAL || n == MEET_HEAD)
		return;
	len = p[MEET_HEAD];
	if (len > n - MEET_HEAD - 1)
		return;
	p += MEET_HEAD + 1;
	MUST(meet_room_get(p, len, room) == good_room(p, len));
	if (!good_room(p, len))
		return;
	MUST(meet_room_valid(room) && strlen(room) == len);
	MUST(meet_dial_put(room, dial) == MEET_HEAD + 1 + len);
	MUST(memcmp(dial, p - MEET_HEAD - 1, MEET_HEAD + 1 + len) == 0);
}

static void
check_go(const uint8_t *p, size_t n)
{
	uint8_t addr[MEET_ADDR], out[MEET_GO];
	enum meet_what what;

	if (n < MEET_GO - 1)
		return;
	if (!meet_go_get(p, &what, addr)) {
		MUST(p[0] < 1 || p[0] > 3);
		return;
	}
	meet_go_put(what, addr, out);
	MUST(out[0] == 1 && memcmp(out + 1, p, MEET_GO - 1) == 0);
}

static void
check_state(const uint8_t *p, size_t n)
{
	struct meet_state s, again;
	uint8_t out[MEET_STATUS_MAX];
	size_t len;

	memset(&s, 0xa5, sizeof(s));
	if (!meet_state_get(&s, p, n)) {
		MUST(n < 12);
		return;
	}
	MUST(n >= 12 && memchr(s.version, '\0', sizeof(s.version)) != NULL);
	len = strlen(s.version);
	MUST(len <= n - 12 && memcmp(s.version, p + 12, len) == 0);
	MUST(meet_state_put(&s, out) == 14 + len);
	MUST(out[0] == 0 && out[1] == 12 + len);
	MUST(memcmp(out + 2, p, 12 + len) == 0);
	MUST(meet_state_get(&again, out + 2, 12 + len));
	MUST(strcmp(again.version, s.version) == 0);
}

/* What our own side says is understood by the other. */
static void
check_message(const uint8_t *p, size_t n)
{
	struct fuzz_in in = { p, n };
	struct meet m, back;
	uint8_t out[MEET_BODY_MAX];
	const uint8_t *bytes;
	size_t i;

	memset(&m, 0, sizeof(m));
	m.kind = (enum meet_message)(MEET_M_WAIT + fuzz_u8(&in) % MEET_M_BYE);
	m.parked = fuzz_u8(&in) % (MEET_PARKED_MAX + 1);
	m.publish = (enum meet_publish)(fuzz_u8(&in) % 3);
	m.port = (uint16_t)fuzz_u16(&in);
	m.reason = (enum meet_reason)(MEET_R_BUSY + fuzz_u8(&in) %
	    MEET_R_FAILED);
	m.stamp = (uint32_t)fuzz_u16(&in) << 16 | m.port;
	n = MEET_ID;
	bytes = fuzz_take(&in, &n);
	memcpy(m.id, bytes, n);
	n = MEET_ADDR;
	bytes = fuzz_take(&in, &n);
	memcpy(m.addr, bytes, n);
	n = m.kind == MEET_M_WAIT ? MEET_ROOM_MAX : MEET_SENTENCE_MAX;
	bytes = fuzz_take(&in, &n);
	for (i = 0; i < n; i++)
		m.text[i] = (char)(m.kind == MEET_M_WAIT ?
		    "abcxyz0189_."[bytes[i] % 12] : bytes[i] > 0 ? bytes[i] :
		    1);
	if (m.kind == MEET_M_WAIT && n == 0)
		m.text[0] = 'a';
	n = meet_put(&m, out);
	MUST(good_body(out, n));
	MUST(meet_get(&back, out, n) && back.kind == m.kind);
	switch (m.kind) {
	case MEET_M_WAIT:
		MUST(back.parked == m.parked);
		MUST(strcmp(back.text, m.text) == 0);
		MUST(back.publish == m.publish && back.port == m.port);
		MUST(memcmp(back.id, m.id, MEET_ID) == 0);
		break;
	case MEET_M_WAITING:
		MUST(memcmp(back.addr, m.addr, MEET_ADDR) == 0);
		MUST(back.publish == m.publish && back.port == m.port);
		MUST(memcmp(back.id, m.id, MEET_ID) == 0);
		break;
	case MEET_M_CALL:
	case MEET_M_GRANT:
		MUST(memcmp(back.id, m.id, MEET_ID) == 0);
		break;
	case MEET_M_PING:
	case MEET_M_PONG:
		MUST(back.stamp == m.stamp);
		break;
	case MEET_M_REFUSED:
	case MEET_M_BYE:
		MUST(back.reason == m.reason);
		MUST(strcmp(back.text, m.text) == 0);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *p;

	if (size < 1)
		return 0;
	p = fuzz_copy(data + 1, size - 1);
	switch (data[0] % 5) {
	case 0:
		check_body(p, size - 1);
		break;
	case 1:
		check_first(p, size - 1);
		break;
	case 2:
		check_go(p, size - 1);
		break;
	case 3:
		check_state(p, size - 1);
		break;
	default:
		check_message(p, size - 1);
		break;
	}
	free(p);
	return 0;
}

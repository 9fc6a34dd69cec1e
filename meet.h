/* SPDX-License-Identifier: MIT */
#ifndef MEET_H
#define MEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The wire of PROTOCOL.md 10, between a relay and those who meet there, as
 * functions over bytes: no sockets, no clock. */

enum {
	MEET_HEAD = 4,			/* ad17, version, kind */
	MEET_ROOM_MAX = 32,
	MEET_DIAL_MAX = MEET_HEAD + 1 + MEET_ROOM_MAX,
	MEET_TICKET = 16, MEET_ID = 16,
	MEET_ACCEPT = MEET_HEAD + MEET_TICKET,
	MEET_ADDR = 18,			/* IPv6, or IPv4 mapped; port */
	MEET_GO = 1 + 1 + MEET_ADDR,
	MEET_SENTENCE_MAX = 255,
	MEET_BODY_MAX = 320,		/* of a message */
	MEET_LEN = 2,			/* before it, unless it is sealed */
	MEET_PARKED_MAX = 8,
	MEET_VERSION_MAX = 64,		/* of a status */
	MEET_STATUS_MAX = 2 + 12 + MEET_VERSION_MAX
};

enum meet_kind {
	MEET_WAIT = 3, MEET_DIAL, MEET_ACCEPT_KIND, MEET_MEMBER, MEET_STATUS,
	MEET_KIND_BAD = -1,		/* silence */
	MEET_KIND_VERSION = -2		/* another version: say so */
};

enum meet_status {
	MEET_JOINED = 0x30, MEET_NO_ROOM, MEET_FULL, MEET_NO_SERVER,
	MEET_STOPPING, MEET_NO_TICKET, MEET_NO_MEMBERS
};

/* On a parked connection. */
enum meet_byte { MEET_BEAT = 0, MEET_GO_BYTE = 1, MEET_TAKEN = 1 };

enum meet_what { MEET_CLIENT = 1, MEET_VISITOR_TCP, MEET_VISITOR_UDP };

enum meet_message {
	MEET_M_WAIT = 1, MEET_M_WAITING, MEET_M_REFUSED, MEET_M_CALL,
	MEET_M_GRANT, MEET_M_PING, MEET_M_PONG, MEET_M_BYE
};

enum meet_reason {
	MEET_R_BUSY = 1, MEET_R_FULL, MEET_R_MEMBERS, MEET_R_NOT_ALLOWED,
	MEET_R_REPLACED, MEET_R_STOPPING, MEET_R_NONSENSE, MEET_R_FAILED
};

enum meet_publish { MEET_PUBLISH_NONE, MEET_PUBLISH_TCP, MEET_PUBLISH_UDP };

/* One message; which members count depends on the kind. */
struct meet {
	enum meet_message kind;
	uint8_t id[MEET_ID];		/* owner; relay; ticket */
	uint8_t parked;			/* 0 to MEET_PARKED_MAX */
	enum meet_publish publish;
	uint16_t port;
	uint8_t addr[MEET_ADDR];
	enum meet_reason reason;
	uint32_t stamp;
	char text[MEET_SENTENCE_MAX + 1];	/* room or sentence */
};

_Static_assert((int)MEET_TICKET == (int)MEET_ID, "one array for both");

/* What are these first bytes? */
enum meet_kind meet_kind(const uint8_t head[MEET_HEAD]);

/* Write the first bytes of this kind. */
void meet_head_put(enum meet_kind kind, uint8_t out[MEET_HEAD]);

/* May this be a room's name? */
bool meet_room_valid(const char *room);

/* Write DIAL for a valid room; returns its length. */
size_t meet_dial_put(const char *room, uint8_t out[MEET_DIAL_MAX]);

/* Take the room of a DIAL, n bytes behind the length byte.  Returns false if
 * it is no valid name. */
bool meet_room_get(const uint8_t *p, size_t n, char room[MEET_ROOM_MAX + 1]);

/* Write ACCEPT. */
void meet_accept_put(const uint8_t ticket[MEET_TICKET],
    uint8_t out[MEET_ACCEPT]);

/* Write go; read what follows its first byte: returns false if it is not
 * one. */
void meet_go_put(enum meet_what what, const uint8_t addr[MEET_ADDR],
    uint8_t out[MEET_GO]);
bool meet_go_get(const uint8_t in[MEET_GO - 1], enum meet_what *what,
    uint8_t addr[MEET_ADDR]);

/* Write a message's body; returns its length. */
size_t meet_put(const struct meet *m, uint8_t out[MEET_BODY_MAX]);

/* Read one.  Returns false if it is not exactly one well-formed message. */
bool meet_get(struct meet *m, const uint8_t *p, size_t n);

/* What a status says to who dialled, in words. */
const char *meet_status_text(uint8_t status);

/* A reason in words, like "busy: another server has this room". */
const char *meet_reason_text(enum meet_reason reason);

/* The answer to STATUS. */
struct meet_state {
	uint32_t uptime_s, rooms, pairs;
	char version[MEET_VERSION_MAX + 1];
};

/* Write it, its length first; returns how much that is.  Read what follows
 * the length: returns false if it is not one; the version ends where it is no
 * longer printable ASCII. */
size_t meet_state_put(const struct meet_state *s,
    uint8_t out[MEET_STATUS_MAX]);
bool meet_state_get(struct meet_state *s, const uint8_t *p, size_t n);

#endif

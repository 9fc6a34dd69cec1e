/* SPDX-License-Identifier: MIT */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "crypt.h"

/* Which records may come when (PROTOCOL.md 3.3): the two directions of one
 * sealed connection as engines.  Each half is used by one thread. */

enum record_type {
	RECORD_DATA = 1, RECORD_DATAGRAM, RECORD_CONTROL, RECORD_END,
	RECORD_DONE, RECORD_KEEPALIVE, RECORD_ACK, RECORD_OPEN, RECORD_OPENED,
	RECORD_REFUSED
};

/* What a connection is for decides which records it knows. */
enum record_use {
	RECORD_LINK,		/* CONTROL, KEEPALIVE */
	RECORD_PIPE,		/* a link that carries stream 0, too */
	RECORD_STREAM,		/* DATA, END */
	RECORD_FLOW		/* DATAGRAM, END */
};

enum {
	RECORD_DATA_MAX = 16384,
	RECORD_CONTROL_MAX = 1024,
	RECORD_KEEPALIVE_LEN = 8,
	RECORD_OPEN_MAX = 512,
	RECORD_REFUSED_MAX = 256
};

struct record_half {
	struct crypt crypt;
	enum record_use use;
	bool first;		/* OPEN, OPENED or REFUSED is due, or CONTROL */
	bool dialler;		/* ... by the side that dialled */
	bool ended, done;	/* END, DONE have passed */
	bool closed;		/* REFUSED has passed: nothing follows */
};

/* Begin a half.  dialler: it is the direction that the dialling side sends.
 * A pipe begins as RECORD_LINK and becomes one with record_become_pipe(). */
void record_init(struct record_half *h, enum record_use use, bool dialler,
    enum bear_suite suite, const uint8_t keys[CRYPT_KEYS]);
void record_become_pipe(struct record_half *h);

/* Append a record to out.  Returns 0, or -1 if it does not fit.  That it is
 * allowed here is asserted. */
int record_put(struct record_half *h, enum record_type type, const void *body,
    size_t n, struct span *out);

/* Take the next record of in.  CRYPT_BAD also for one that is out of place. */
enum crypt_verdict record_get(struct record_half *h, struct span *in,
    enum record_type *type, uint8_t **body, size_t *n);

#endif

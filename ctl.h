/* SPDX-License-Identifier: MIT */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "record.h"

/* The bodies of CONTROL, OPEN, REFUSED and KEEPALIVE (PROTOCOL.md 3.4 to
 * 3.7): bytes to structures and back. */

enum {
	CTL_INSTANCE = 16,
	CTL_TARGET_MAX = 511,		/* bytes, without a NUL */
	CTL_SENTENCE_MAX = 255
};

enum ctl_kind {
	CTL_HELLO = 1, CTL_WELCOME, CTL_REFUSED, CTL_ASK, CTL_CANCEL, CTL_BYE
};

enum ctl_end { CTL_STDIO = 1, CTL_LISTENS, CTL_SERVICE };
enum ctl_protocol { CTL_TCP = 1, CTL_UDP };

enum ctl_mode {
	CTL_NO_MODE,			/* the two ends do not fit */
	CTL_PIPE, CTL_CLIENT_OPENS, CTL_SERVER_ASKS
};

enum ctl_reason {
	CTL_BUSY = 1, CTL_FULL, CTL_NOT_ALLOWED, CTL_UNREACHABLE, CTL_MISMATCH,
	CTL_REPLACED, CTL_STOPPING, CTL_FAILED, CTL_TIMEOUT,
	CTL_DISMISSED
};

/* One message; which members count depends on the kind. */
struct ctl {
	enum ctl_kind kind;
	uint8_t instance[CTL_INSTANCE];
	enum ctl_end end;
	enum ctl_protocol protocol;
	enum ctl_mode mode;
	uint16_t port;			/* of the service; 0: none */
	enum ctl_reason reason;
	uint64_t number;
	char text[CTL_TARGET_MAX + 1];	/* target or sentence, with a NUL */
};

/* Write one; returns its length, at most RECORD_CONTROL_MAX. */
size_t ctl_put(const struct ctl *c, uint8_t out[RECORD_CONTROL_MAX]);

/* Read one.  Returns false if it is not exactly one well-formed message: an
 * unknown value, a text too long or with a NUL inside. */
bool ctl_get(struct ctl *c, const uint8_t *p, size_t n);

/* The same for the bodies of OPEN (protocol, text) and REFUSED (reason,
 * text) of streams. */
size_t ctl_open_put(const struct ctl *c, uint8_t out[RECORD_OPEN_MAX]);
bool ctl_open_get(struct ctl *c, const uint8_t *p, size_t n);
size_t ctl_refused_put(const struct ctl *c, uint8_t out[RECORD_REFUSED_MAX]);
bool ctl_refused_get(struct ctl *c, const uint8_t *p, size_t n);

/* What the two ends make together; CTL_NO_MODE if they do not fit. */
enum ctl_mode ctl_mode(enum ctl_end client, enum ctl_end server);

/* A reason in words, like "busy: another client has standard input and
 * output". */
const char *ctl_reason_text(enum ctl_reason reason);

struct ctl_keepalive {
	uint32_t stamp;			/* the sender's clock, in ms */
	uint32_t echo;			/* what it takes the receiver's to
					 * show; 0: not known yet */
};

/* Write one; read one. */
void ctl_keepalive_put(const struct ctl_keepalive *k,
    uint8_t out[RECORD_KEEPALIVE_LEN]);
void ctl_keepalive_get(struct ctl_keepalive *k,
    const uint8_t in[RECORD_KEEPALIVE_LEN]);

#endif

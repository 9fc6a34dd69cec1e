/* SPDX-License-Identifier: MIT */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
	TEXT_HOST_MAX = 256,	/* a DNS name (RFC 1035 2.3.4) and its NUL */
	TEXT_PORT_MAX = 6,	/* "65535" and its NUL */
	TEXT_HOSTPORT_MAX = TEXT_HOST_MAX + 2 + TEXT_PORT_MAX
};

/* A place to bind or to dial, not yet resolved. */
struct hostport {
	char host[TEXT_HOST_MAX];	/* name or address, without brackets */
	uint16_t port;
};

/* Read a decimal number that is the whole of s: digits only, no sign, no
 * space, min <= *out <= max.  Returns 0, or -1 and leaves *out alone. */
int text_u32(const char *s, uint32_t min, uint32_t max, uint32_t *out);

/* Read a host: a name, an IPv4 address, an IPv6 address with or without
 * brackets.  Returns 0, or -1 if empty, too long, or made of characters that
 * stand in none of these. */
int text_host(const char *s, char host[TEXT_HOST_MAX]);

/* Read HOST:PORT or [IPv6]:PORT, min <= port.  If dflt is not NULL, a
 * bare PORT is accepted too, and host becomes dflt.  Returns 0 or -1. */
int text_hostport(const char *s, uint16_t min, const char *dflt,
    struct hostport *out);

/* Write host:port, with brackets around an IPv6 address. */
void text_hostport_name(const struct hostport *hp,
    char name[TEXT_HOSTPORT_MAX]);

#endif

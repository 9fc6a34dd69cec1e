/* SPDX-License-Identifier: MIT */
/* text.c - strict parsing of what people type. */

#include <stdio.h>
#include <string.h>

#include "text.h"

int
text_u32(const char *s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (*s == '\0')
		return -1;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > UINT32_MAX)
			return -1;
	}
	if (v < min || v > max)
		return -1;
	*out = (uint32_t)v;
	return 0;
}

/* Copy a host of n bytes, if it could be one. */
static int
host_copy(const char *s, size_t n, char host[TEXT_HOST_MAX])
{
	/* '%' introduces the zone of a link-local address (RFC 4007 11). */
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%";

	if (n == 0 || n >= TEXT_HOST_MAX || strspn(s, good) < n)
		return -1;
	memcpy(host, s, n);
	host[n] = '\0';
	return 0;
}

int
text_host(const char *s, char host[TEXT_HOST_MAX])
{
	size_t n = strlen(s);

	if (n >= 2 && s[0] == '[' && s[n - 1] == ']')
		return memchr(s, ':', n) == NULL ? -1 :
		    host_copy(s + 1, n - 2, host);
	return host_copy(s, n, host);
}

int
text_hostport(const char *s, uint16_t min, const char *dflt,
    struct hostport *out)
{
	const char *colon = strrchr(s, ':');
	const char *port = colon != NULL ? colon + 1 : s;
	char host[TEXT_HOST_MAX + 2];
	uint32_t v;
	size_t n;

	if (text_u32(port, min, UINT16_MAX, &v) == -1)
		return -1;
	if (colon == NULL) {
		if (dflt == NULL || text_host(dflt, out->host) == -1)
			return -1;
	} else {
		n = (size_t)(colon - s);
		if (n >= sizeof(host))
			return -1;
		memcpy(host, s, n);
		host[n] = '\0';
		/* "::1" is an address without a port, not host ":" port 1. */
		if (host[0] != '[' && strchr(host, ':') != NULL)
			return -1;
		if (text_host(host, out->host) == -1)
			return -1;
	}
	out->port = (uint16_t)v;
	return 0;
}

void
text_hostport_name(const struct hostport *hp, char name[TEXT_HOSTPORT_MAX])
{
	(void)snprintf(name, TEXT_HOSTPORT_MAX,
	    strchr(hp->host, ':') != NULL ? "[%s]:%u" : "%s:%u", hp->host,
	    (unsigned)hp->port);
}

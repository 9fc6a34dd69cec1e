/* SPDX-License-Identifier: MIT */
/* proxy.c - what a service is told about who comes.
 *
 * Bytes and addresses only: local.c connects and sends. */

#include <netinet/in.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "hash.h"
#include "proxy.h"

enum {
	HOST = 16,			/* an IPv6 address, or a mapped one */
	HOST_TEXT = 40,			/* eight groups, and a NUL */
	FOUR_LEN = 2 * 4 + 2 * 2, SIX_LEN = 2 * 16 + 2 * 2,
	VERSION_2_PROXY = 0x21,
	UNSPEC = 0x00, TCP_FOUR = 0x11, TCP_SIX = 0x21,
	/* 127.1-255.0-255.1-254 */
	SECONDS = 255, THIRDS = 256, LASTS = 254,
	SOURCES = SECONDS * THIRDS * LASTS
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* One end, whichever family it is of. */
struct side {
	uint8_t host[HOST];
	uint16_t port;
	bool four;
};

static bool
read_side(const struct net_addr *a, struct side *s)
{
	uint8_t id[NET_ID_MAX];
	struct rd r = { id, net_id(a, id), false };
	size_t n = sizeof(s->host);

	if (a->ss.ss_family != AF_INET && a->ss.ss_family != AF_INET6)
		return false;
	s->port = rd_u16(&r);
	if (a->ss.ss_family == AF_INET) {
		n -= sizeof(mapped);
		memcpy(s->host, mapped, sizeof(mapped));
	}
	memcpy(s->host + HOST - n, rd_bytes(&r, n), n);
	s->four = memcmp(s->host, mapped, sizeof(mapped)) == 0;
	return true;
}

/* Groups without "::" or a dotted end: it is what section 2.1 describes, and
 * all receivers read it. */
static void
write_host(const struct side *s, bool four, char text[HOST_TEXT])
{
	const uint8_t *p = s->host;
	struct rd r = { p, HOST, false };
	size_t n = 0;
	int i;

	if (four) {
		p += sizeof(mapped);
		(void)snprintf(text, HOST_TEXT, "%d.%d.%d.%d", p[0], p[1],
		    p[2], p[3]);
		return;
	}
	for (i = 0; i < HOST / 2; i++)
		n += (size_t)snprintf(text + n, HOST_TEXT - n, "%s%x",
		    i > 0 ? ":" : "", (unsigned)rd_u16(&r));
}

static size_t
put_text(const struct side *from, const struct side *to, bool known, bool four,
    uint8_t *out)
{
	char text[PROXY_MAX] = "PROXY UNKNOWN\r\n";
	char source[HOST_TEXT], target[HOST_TEXT];
	size_t n;

	if (known) {
		write_host(from, four, source);
		write_host(to, four, target);
		(void)snprintf(text, sizeof(text),
		    "PROXY TCP%c %s %s %hu %hu\r\n", four ? '4' : '6', source,
		    target, from->port, to->port);
	}
	n = strlen(text);
	memcpy(out, text, n);
	return n;
}

static size_t
put_binary(const struct side *from, const struct side *to, bool known,
    bool four, uint8_t *out)
{
	static const uint8_t signature[12] = {
		0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49,
		0x54, 0x0a
	};
	size_t skip = four ? sizeof(mapped) : 0;
	struct wr w = { out, 0, PROXY_MAX, false };

	wr_bytes(&w, signature, sizeof(signature));
	wr_u8(&w, VERSION_2_PROXY);
	wr_u8(&w, !known ? UNSPEC : four ? TCP_FOUR : TCP_SIX);
	wr_u16(&w, !known ? 0 : four ? FOUR_LEN : SIX_LEN);
	if (known) {
		wr_bytes(&w, from->host + skip, HOST - skip);
		wr_bytes(&w, to->host + skip, HOST - skip);
		wr_u16(&w, from->port);
		wr_u16(&w, to->port);
	}
	return w.n;
}

size_t
proxy_header(unsigned version, const struct net_addr *from,
    const struct net_addr *to, uint8_t out[PROXY_MAX])
{
	struct side a = { .port = 0 }, b = { .port = 0 };
	bool known = read_side(from, &a) && read_side(to, &b);
	bool four = known && a.four && b.four;

	return version == 1 ? put_text(&a, &b, known, four, out) :
	    put_binary(&a, &b, known, four, out);
}

void
proxy_source(const struct net_addr *from, struct net_addr *out)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)&out->ss;
	uint8_t source[NET_SOURCE];
	size_t n;

	net_source(from, source);
	/* Two clients can have one address.  A key would not change that: who
	 * has many addresses needs only 16 million trials either way. */
	n = hash_bucket(source, sizeof(source), SOURCES);
	memset(out, 0, sizeof(*out));
	out->len = sizeof(*sin);
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(UINT32_C(127) << 24 |
	    (uint32_t)(n / LASTS / THIRDS + 1) << 16 |
	    (uint32_t)(n / LASTS % THIRDS) << 8 |
	    (uint32_t)(n % LASTS + 1));
}

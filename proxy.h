/* SPDX-License-Identifier: MIT */
#ifndef PROXY_H
#define PROXY_H

#include <stddef.h>
#include <stdint.h>

#include "net.h"

/* Two ways to tell a service on whose behalf a connection comes: the header
 * of HAProxy's PROXY protocol (its proxy-protocol.txt, sections 2.1 and 2.2),
 * and a source address that stands for the client. */

enum { PROXY_MAX = 108 };	/* the longest text, and a NUL */

/* Write the header of version 1 or 2 for a TCP connection from the client
 * `from` to `to`, the address of ours that it reached.  Two IPv4 addresses,
 * mapped into IPv6 (RFC 4291 2.5.5.2) or not, are shown as IPv4; one beside
 * an IPv6 address as a mapped one; zones are left out.  If either is no IP
 * address, both are unknown.  Returns the length. */
size_t proxy_header(unsigned version, const struct net_addr *from,
    const struct net_addr *to, uint8_t out[PROXY_MAX]);

/* Choose the address that stands for the client's net_source(): always the
 * same, port 0, from 127.1.0.1 to 127.255.255.254, but none that ends in 0 or
 * 255.  (127.0.0.0/16 is where a machine's own programs are.)  Two clients
 * share one by a chance of 1 in 16 million; whoever can choose among many
 * addresses can find one that does. */
void proxy_source(const struct net_addr *from, struct net_addr *out);

#endif

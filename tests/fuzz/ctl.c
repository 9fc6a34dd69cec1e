/* SPDX-License-Identifier: MIT */
/* ctl.c - what the other side says under seal.
 *
 * Input: one byte that says what the rest is: the body of a CONTROL, OPEN,
 * REFUSED or KEEPALIVE record that comes, or the members of a message that is
 * sent. */

#include "ctl.h"
#include "fuzz.h"

/* PROTOCOL.md 3.4 and 3.5 as a string for each message: an instance, an
 * end, a protocol, a mode, a reason, a number, a target, a sentence. */
static const char *const messages[] = {
	NULL, "iept", "mw", "rs", "n", "nrs", "rs"
};
static const char OPEN[] = "pt", REFUSED[] = "rs";

static int
in_range(const uint8_t *p, unsigned max)
{
	return *p >= 1 && *p <= max;
}

/* The last field: all that is left, but no NUL. */
static int
is_text(const struct ctl *c, const uint8_t *p, size_t n, size_t max)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (p[i] == 0)
			return 0;
	if (n > max)
		return 0;
	if (c != NULL)
		MUST(strlen(c->text) == n && memcmp(c->text, p, n) == 0);
	return 1;
}

/* Are these n bytes the fields of that string?  If c is not NULL, it must say
 * the same. */
static int
matches(const char *fields, const uint8_t *p, size_t n, const struct ctl *c)
{
	uint64_t number = 0;
	size_t size;
	int i;

	for (; *fields != '\0'; fields++, p += size, n -= size) {
		size = *fields == 'i' ? 16 : *fields == 'n' ? 8 :
		    *fields == 'w' ? 2 : 1;
		if (*fields == 't' || *fields == 's')
			return is_text(c, p, n, *fields == 't' ? 511 : 255);
		if (n < size || (*fields == 'e' && !in_range(p, 3)) ||
		    (*fields == 'p' && !in_range(p, 2)) ||
		    (*fields == 'm' && !in_range(p, 3)) ||
		    (*fields == 'r' && !in_range(p, 10)))
			return 0;
		if (c == NULL)
			continue;
		for (i = 0; *fields == 'n' && i < 8; i++)
			number = number << 8 | p[i];
		MUST(*fields != 'i' || memcmp(c->instance, p, 16) == 0);
		MUST(*fields != 'e' || (unsigned)c->end == *p);
		MUST(*fields != 'p' || (unsigned)c->protocol == *p);
		MUST(*fields != 'm' || (unsigned)c->mode == *p);
		MUST(*fields != 'w' || c->port == (p[0] << 8 | p[1]));
		MUST(*fields != 'r' || (unsigned)c->reason == *p);
		MUST(*fields != 'r' || ctl_reason_text(c->reason)[0] != '\0');
		MUST(*fields != 'n' || c->number == number);
	}
	return n == 0;
}

/* Taken are exactly the messages of the standard; what was taken is written
 * again as it was; and nothing depends on what was in *c before. */
static void
check_bytes(bool (*get)(struct ctl *, const uint8_t *, size_t),
    size_t (*put)(const struct ctl *, uint8_t *), size_t max,
    const char *fields, const uint8_t *p, size_t n)
{
	struct ctl c, again;
	uint8_t *out;
	bool taken;

	memset(&c, 0xa5, sizeof(c));
	memset(&again, 0x5a, sizeof(again));
	taken = get(&c, p, n);
	MUST(get(&again, p, n) == taken);
	MUST(memcmp(&c, &again, sizeof(c)) == 0);
	MUST(memchr(c.text, '\0', sizeof(c.text)) != NULL);
	if (put != ctl_put)
		MUST(taken == matches(fields, p, n, taken ? &c : NULL));
	else if (n < 1 || p[0] < 1 || p[0] > 6)
		MUST(!taken);
	else
		MUST(taken == matches(messages[p[0]], p + 1, n - 1,
		    taken ? &c : NULL));
	if (!taken)
		return;
	/* What nobody could send is not taken either. */
	MUST(n <= max);
	out = malloc(max);
	MUST(out != NULL);
	MUST(put(&c, out) == n && memcmp(out, p, n) == 0);
	free(out);
}

/* A message of ours arrives, its text cut if it is too long. */
static void
check_message(const uint8_t *p, size_t n)
{
	uint8_t out[RECORD_CONTROL_MAX], *copy;
	struct fuzz_in in = { p, n };
	struct ctl c, got;
	size_t len, i, max;

	memset(&c, 0, sizeof(c));
	c.kind = (enum ctl_kind)(1 + fuzz_u8(&in) % 6);
	if (c.kind == CTL_HELLO) {
		for (i = 0; i < sizeof(c.instance); i++)
			c.instance[i] = fuzz_u8(&in);
		c.end = (enum ctl_end)(1 + fuzz_u8(&in) % 3);
		c.protocol = (enum ctl_protocol)(1 + fuzz_u8(&in) % 2);
	} else if (c.kind == CTL_WELCOME) {
		c.mode = (enum ctl_mode)(1 + fuzz_u8(&in) % 3);
		c.port = fuzz_u8(&in);
	}
	for (i = 0; (c.kind == CTL_ASK || c.kind == CTL_CANCEL) && i < 8; i++)
		c.number = c.number << 8 | fuzz_u8(&in);
	if (c.kind == CTL_REFUSED || c.kind == CTL_CANCEL || c.kind == CTL_BYE)
		c.reason = (enum ctl_reason)(1 + fuzz_u8(&in) % 10);
	max = c.kind == CTL_HELLO ? 511 : c.reason != 0 ? 255 : 0;
	for (i = 0; max > 0 && i < 511 && in.n > 0; i++)
		if ((c.text[i] = (char)fuzz_u8(&in)) == '\0')
			break;
	len = ctl_put(&c, out);
	MUST(len <= sizeof(out));
	copy = fuzz_copy(out, len);
	MUST(ctl_get(&got, copy, len));
	free(copy);
	if (max > 0)
		c.text[max] = '\0';
	MUST(strcmp(got.text, c.text) == 0);
	memset(c.text, 0, sizeof(c.text));
	memset(got.text, 0, sizeof(got.text));
	MUST(memcmp(&c, &got, sizeof(c)) == 0);
}

static void
check_keepalive(const uint8_t *p, size_t n)
{
	uint8_t in[RECORD_KEEPALIVE_LEN] = { 0 }, out[RECORD_KEEPALIVE_LEN];
	struct ctl_keepalive k, again;

	memcpy(in, p, n < sizeof(in) ? n : sizeof(in));
	ctl_keepalive_get(&k, in);
	MUST(k.stamp == ((uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 |
	    (uint32_t)in[2] << 8 | in[3]));
	MUST(k.echo == ((uint32_t)in[4] << 24 | (uint32_t)in[5] << 16 |
	    (uint32_t)in[6] << 8 | in[7]));
	ctl_keepalive_put(&k, out);
	MUST(memcmp(in, out, sizeof(in)) == 0);
	ctl_keepalive_get(&again, out);
	MUST(again.stamp == k.stamp && again.echo == k.echo);
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
		check_bytes(ctl_get, ctl_put, RECORD_CONTROL_MAX, NULL, p,
		    size - 1);
		break;
	case 1:
		check_bytes(ctl_open_get, ctl_open_put, RECORD_OPEN_MAX, OPEN,
		    p, size - 1);
		break;
	case 2:
		check_bytes(ctl_refused_get, ctl_refused_put,
		    RECORD_REFUSED_MAX, REFUSED, p, size - 1);
		break;
	case 3:
		check_keepalive(p, size - 1);
		break;
	default:
		check_message(p, size - 1);
		break;
	}
	free(p);
	return 0;
}

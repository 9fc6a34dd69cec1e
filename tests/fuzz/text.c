/* SPDX-License-Identifier: MIT */
/* text.c - numbers, hosts and places.
 *
 * Input: one byte that says which, then the text. */

#include "../../text.c"
#include "fuzz.h"

/* The same number the slow way: no leading part of it may exceed max. */
static void
check_u32(const char *s)
{
	uint32_t v = 77, max = UINT32_MAX;
	uint64_t sum = 0;
	size_t i, n = strlen(s);
	int good = n > 0;

	for (i = 0; i < n && good; i++) {
		if (strchr("0123456789", s[i]) == NULL)
			good = 0;
		else if ((sum = sum * 10 + (uint64_t)(s[i] - '0')) > max)
			good = 0;
	}
	MUST((text_u32(s, 0, max, &v) == 0) == good);
	MUST(v == (good ? sum : 77));
	/* Bounds cut off exactly what is outside of them. */
	if (good) {
		MUST(text_u32(s, v, v, &v) == 0);
		MUST(v == 0 || text_u32(s, 0, v - 1, &max) == -1);
		MUST(v == UINT32_MAX || text_u32(s, v + 1, UINT32_MAX, &max) ==
		    -1);
	}
}

static void
check_host(const char *s)
{
	char host[TEXT_HOST_MAX], again[TEXT_HOST_MAX], *in;
	size_t n;

	if (text_host(s, host) == -1)
		return;
	MUST(memchr(host, '\0', sizeof(host)) != NULL);
	n = strlen(host);
	MUST(n > 0 && strpbrk(host, "[] \t\n/@\"'\\$;|&<>") == NULL);
	MUST(strstr(s, host) != NULL);
	/* What was accepted is accepted again, as it is and in brackets. */
	MUST(text_host(host, again) == 0 && strcmp(host, again) == 0);
	if (strchr(host, ':') == NULL)
		return;
	in = malloc(n + 3);
	MUST(in != NULL);
	(void)snprintf(in, n + 3, "[%s]", host);
	MUST(text_host(in, again) == 0 && strcmp(host, again) == 0);
	free(in);
}

static void
check_hostport(const char *s, uint16_t min, const char *dflt)
{
	struct hostport hp = { "old", 7 }, again;
	char name[TEXT_HOSTPORT_MAX];

	if (text_hostport(s, min, dflt, &hp) == -1) {
		MUST(strcmp(hp.host, "old") == 0 && hp.port == 7);
		return;
	}
	MUST(hp.port >= min && hp.host[0] != '\0');
	text_hostport_name(&hp, name);
	MUST(text_hostport(name, min, NULL, &again) == 0);
	MUST(strcmp(hp.host, again.host) == 0 && hp.port == again.port);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s;

	if (size < 1)
		return 0;
	s = fuzz_string(data + 1, size - 1);
	switch (data[0] & 3) {
	case 0:
		check_u32(s);
		break;
	case 1:
		check_host(s);
		break;
	case 2:
		check_hostport(s, 1, NULL);
		break;
	default:
		check_hostport(s, 0, "127.0.0.1");
		break;
	}
	free(s);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* opt_parse.c - command lines.
 *
 * Input: one byte for the role, then arguments, each with a newline behind
 * it.  A line that begins with '$' is a variable of the environment. */

#include "../../opt.c"
#include "../../text.c"
#include "fuzz.h"

enum { ARGS_MAX = 16 };

static void
check_place(const struct hostport *hp, uint16_t min)
{
	char name[TEXT_HOSTPORT_MAX];
	struct hostport again;

	MUST(memchr(hp->host, '\0', sizeof(hp->host)) != NULL);
	text_hostport_name(hp, name);
	MUST(text_hostport(name, min, NULL, &again) == 0);
	MUST(strcmp(again.host, hp->host) == 0 && again.port == hp->port);
}

static void
check_config(const struct config *c)
{
	MUST(c->token_arg != NULL);
	check_place(&c->peer, c->role == OPT_SERVER ? 0 : 1);
	if (c->to.port != 0)
		check_place(&c->to, 1);
	if (c->has_listen)
		check_place(&c->listen, 0);
	MUST(!c->udp || c->to.port != 0 || c->has_listen);
	MUST(c->role == OPT_CLIENT || !c->has_listen);
	MUST(c->role == OPT_SERVER || c->to.port == 0);
	MUST(!(c->verbose && c->quiet));
	MUST(c->max_conns >= 1 && c->max_conns <= 65535);
	MUST(c->udp_idle_s >= 1);
	/* Each fits when it is counted in milliseconds, in 32 bits. */
	MUST(c->drain_s < UINT32_MAX / 1000 && c->idle_s < UINT32_MAX / 1000);
	MUST(c->linger_s < UINT32_MAX / 1000);
	MUST(c->udp_idle_s < UINT32_MAX / 1000);
}

static void
set_variable(const char *text, int set)
{
	static const char *const names[] = {
		"ADIT_TO", "ADIT_LISTEN", "ADIT_UDP", "ADIT_DRAIN",
		"ADIT_VERBOSE", "ADIT_QUIET", "ADIT_TOKEN", "ADIT_MAX_CONNS"
	};
	const char *name = names[text[0] & 7];

	if (set)
		MUST(setenv(name, text[0] != '\0' ? text + 1 : "", 1) == 0);
	else
		MUST(unsetenv(name) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[ARGS_MAX + 1], *variable = NULL;
	char why[OPT_WHY_MAX], why2[OPT_WHY_MAX];
	struct config c, c2;
	enum opt_role role;
	enum opt_verdict v;
	const uint8_t *eol;
	int i, argc = 0;
	size_t n;

	if (size < 1)
		return 0;
	role = data[0] & 1 ? OPT_SERVER : OPT_CLIENT;
	data++;
	for (size--; size > 0 && argc < ARGS_MAX; data += n, size -= n) {
		eol = memchr(data, '\n', size);
		n = eol != NULL ? (size_t)(eol - data) : size;
		if (n > 0 && data[0] == '$' && variable == NULL) {
			variable = fuzz_string(data + 1, n - 1);
			set_variable(variable, 1);
		} else
			argv[argc++] = fuzz_string(data, n);
		n += eol != NULL;
	}
	argv[argc] = NULL;
	memset(why, 'x', sizeof(why));
	memset(why2, 'y', sizeof(why2));
	v = opt_parse(&c, role, argc, argv, why);
	/* Nothing of it depends on what was there before. */
	memset(&c2, 0xa5, sizeof(c2));
	MUST(opt_parse(&c2, role, argc, argv, why2) == v);
	if (v == OPT_USAGE) {
		MUST(memchr(why, '\0', sizeof(why)) != NULL);
		MUST(why[0] != '\0' && strcmp(why, why2) == 0);
	} else if (v == OPT_RUN) {
		check_config(&c);
		MUST(c.role == role && c2.role == role);
		MUST(c.token_arg == c2.token_arg);
	}
	for (i = 0; i < argc; i++)
		free(argv[i]);
	if (variable != NULL)
		set_variable(variable, 0);
	free(variable);
	return 0;
}

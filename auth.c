/* SPDX-License-Identifier: MIT */
/* auth.c - the relay's secret, from where it comes to what it becomes. */

#include <stdio.h>
#include <string.h>

#include "auth.h"
#include "kdf.h"
#include "secret.h"

/* Wipes arg. */
static int
derive(char *arg, uint8_t w[BEAR_SCALAR], char *why)
{
	struct token secret;
	int rc = token_get(&secret, arg, why);

	if (rc == 0 && (rc = kdf_token(&secret, KDF_MEMBER, w)) == -1)
		(void)snprintf(why, TOKEN_WHY_MAX,
		    "no memory: a secret needs 16 MiB once");
	secret_wipe(&secret, sizeof(secret));
	secret_scrub();
	return rc;
}

int
auth_init(struct auth *a, char *arg, char why[TOKEN_WHY_MAX])
{
	(void)pthread_mutex_init(&a->mu, NULL);
	/* A longer name cannot be opened. */
	if (arg[0] == '@' && strlen(arg) < sizeof(a->path))
		(void)snprintf(a->path, sizeof(a->path), "%s", arg + 1);
	else
		a->path[0] = '\0';
	return derive(arg, a->w, why);
}

bool
auth_has_file(const struct auth *a)
{
	return a->path[0] != '\0';
}

int
auth_reread(struct auth *a, char why[TOKEN_WHY_MAX])
{
	char arg[1 + AUTH_PATH_MAX];
	uint8_t w[BEAR_SCALAR];
	int rc;

	(void)snprintf(arg, sizeof(arg), "@%s", a->path);
	if ((rc = derive(arg, w, why)) == 0) {
		(void)pthread_mutex_lock(&a->mu);
		memcpy(a->w, w, sizeof(a->w));
		(void)pthread_mutex_unlock(&a->mu);
	}
	secret_wipe(w, sizeof(w));
	return rc;
}

void
auth_get(struct auth *a, uint8_t w[BEAR_SCALAR])
{
	(void)pthread_mutex_lock(&a->mu);
	memcpy(w, a->w, sizeof(a->w));
	(void)pthread_mutex_unlock(&a->mu);
}

void
auth_wipe(struct auth *a)
{
	secret_wipe(a->w, sizeof(a->w));
}

/* SPDX-License-Identifier: MIT */
#ifndef ARGS_H
#define ARGS_H

#include "opt.h"

enum args_verdict {
	ARGS_RUN,	/* the config is complete and makes sense */
	ARGS_HELP,	/* print the usage on stdout, exit 0 */
	ARGS_VERSION,	/* print the version on stdout, exit 0 */
	ARGS_USAGE	/* wrong: the sentence says how; exit 2 */
};

/* Read the arguments behind the subcommand, and the environment, into *c;
 * argv[argc] is NULL.  On ARGS_USAGE, why is one line that quotes nothing that
 * stands where the token is due. */
enum args_verdict args_parse(struct config *c, enum opt_role role,
    enum opt_form form, int argc, char **argv, char why[OPT_WHY_MAX]);

/* Which form do arguments have that begin with an option: mtunnel's, with
 * -token or -port?  OPT_PLACE: not those. */
enum opt_form args_form(int argc, char **argv);

#endif

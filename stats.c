/* SPDX-License-Identifier: MIT */
/* stats.c - what a relay counts, and how it is told.
 *
 * One table has the names, and is the order of the text.  It opens nothing
 * and asks nobody: what is not counted here comes in. */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "stats.h"

/* What is told beside what is counted. */
enum {
	TO_SERVER = STATS_COUNTED, TO_CLIENT, INFO, UPTIME, START, PARKED,
	WAITING, OPEN_FDS, MAX_FDS, NVALUES
};

enum form { NUMBER, MILLI };		/* MILLI: in ms, told in s */

/* A line of text.  One without a name belongs to the family above it.  A
 * label without a value has the version as its value. */
static const struct row {
	int what;
	enum form form;
	const char *name, *type, *label, *value, *help;
} rows[] = {
	{ INFO, NUMBER, "adit_relay_info", "gauge", "version", NULL,
	    "Always 1; the label says which adit this is." },
	{ UPTIME, MILLI, "adit_relay_uptime_seconds", "gauge", NULL, NULL,
	    "Seconds since the relay began to listen." },
	{ STATS_ROOMS, NUMBER, "adit_relay_rooms", "gauge", NULL, NULL,
	    "Rooms that are open." },
	{ STATS_PAIRS, NUMBER, "adit_relay_pairs", "gauge", NULL, NULL,
	    "Pairs of connections that are being copied." },
	{ PARKED, NUMBER, "adit_relay_parked", "gauge", NULL, NULL,
	    "Connections of servers that wait for a client." },
	{ WAITING, NUMBER, "adit_relay_waiting", "gauge", NULL, NULL,
	    "Connections that keep us waiting for who they are." },
	{ STATS_CONNECTIONS_TOTAL, NUMBER, "adit_relay_connections_total",
	    "counter", NULL, NULL, "Connections accepted." },
	{ STATS_VISITORS_TOTAL, NUMBER, "adit_relay_visitors_total",
	    "counter", NULL, NULL, "Visitors that asked for a room." },
	{ STATS_PAIRS_TOTAL, NUMBER, "adit_relay_pairs_total", "counter",
	    NULL, NULL, "Pairs of connections that were joined." },
	{ TO_SERVER, NUMBER, "adit_relay_bytes_total", "counter",
	    "direction", "to_server", "Bytes copied between pairs." },
	{ TO_CLIENT, NUMBER, NULL, NULL, "direction", "to_client", NULL },
	{ STATS_NO_ROOM, NUMBER, "adit_relay_refused_total", "counter",
	    "reason", "no_room", "Connections refused." },
	{ STATS_NO_SERVER, NUMBER, NULL, NULL, "reason", "no_server", NULL },
	{ STATS_NO_TICKET, NUMBER, NULL, NULL, "reason", "no_ticket", NULL },
	{ STATS_FULL, NUMBER, NULL, NULL, "reason", "full", NULL },
	{ STATS_SOURCE_FULL, NUMBER, NULL, NULL, "reason", "source_full",
	    NULL },
	{ STATS_ROOMS_FULL, NUMBER, NULL, NULL, "reason", "rooms_full",
	    NULL },
	{ STATS_SOURCE_ROOMS_FULL, NUMBER, NULL, NULL, "reason",
	    "source_rooms_full", NULL },
	{ STATS_BUSY, NUMBER, NULL, NULL, "reason", "busy", NULL },
	{ STATS_AUTH, NUMBER, NULL, NULL, "reason", "auth", NULL },
	{ STATS_AUTH_MISSING, NUMBER, NULL, NULL, "reason", "auth_missing",
	    NULL },
	{ STATS_AUTH_NEEDLESS, NUMBER, NULL, NULL, "reason", "auth_needless",
	    NULL },
	{ STATS_NOT_ALLOWED, NUMBER, NULL, NULL, "reason", "not_allowed",
	    NULL },
	{ STATS_VERSION, NUMBER, NULL, NULL, "reason", "version", NULL },
	{ STATS_NONSENSE, NUMBER, NULL, NULL, "reason", "nonsense", NULL },
	{ STATS_TIMEOUT, NUMBER, NULL, NULL, "reason", "timeout", NULL },
	{ STATS_CROWDED, NUMBER, NULL, NULL, "reason", "crowded", NULL },
	{ STATS_DRAINING, NUMBER, NULL, NULL, "reason", "draining", NULL },
	{ STATS_FAILED, NUMBER, NULL, NULL, "reason", "failed", NULL },
	/* The names of Prometheus's own libraries. */
	{ START, MILLI, "process_start_time_seconds", "gauge", NULL, NULL,
	    "Start time of the process since unix epoch in seconds." },
	{ OPEN_FDS, NUMBER, "process_open_fds", "gauge", NULL, NULL,
	    "Number of open file descriptors." },
	{ MAX_FDS, NUMBER, "process_max_fds", "gauge", NULL, NULL,
	    "Maximum number of open file descriptors." }
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

_Static_assert((int)NROWS == (int)NVALUES, "a line for each value");

const char stats_type[] = "text/plain; version=0.0.4; charset=utf-8";

static void
put(struct wr *w, const char *s)
{
	wr_bytes(w, s, strlen(s));
}

/* A label's value: these three would end it, or the line. */
static void
put_escaped(struct wr *w, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			put(w, "\\n");
		else if (*s == '"' || *s == '\\') {
			put(w, "\\");
			wr_bytes(w, s, 1);
		} else
			wr_bytes(w, s, 1);
	}
}

static void
put_family(struct wr *w, const struct row *r)
{
	put(w, "# HELP ");
	put(w, r->name);
	put(w, " ");
	put(w, r->help);
	put(w, "\n# TYPE ");
	put(w, r->name);
	put(w, " ");
	put(w, r->type);
	put(w, "\n");
}

static void
put_label(struct wr *w, const char *label, const char *value)
{
	put(w, "{");
	put(w, label);
	put(w, "=\"");
	put_escaped(w, value);
	put(w, "\"}");
}

static void
put_number(struct wr *w, enum form form, uint64_t v)
{
	char text[32];

	if (form == MILLI)
		(void)snprintf(text, sizeof(text), " %llu.%03u\n",
		    (unsigned long long)(v / 1000), (unsigned)(v % 1000));
	else
		(void)snprintf(text, sizeof(text), " %llu\n",
		    (unsigned long long)v);
	put(w, text);
}

void
stats_init(struct stats *s)
{
	size_t i;

	for (i = 0; i < STATS_COUNTED; i++)
		atomic_init(&s->count[i], 0);
	(void)pthread_mutex_init(&s->mu, NULL);
	s->to_server = s->to_client = 0;
}

/* Relaxed, here and below: the numbers order nothing else. */
void
stats_up(struct stats *s, enum stats_what what)
{
	assert(what < STATS_COUNTED);
	(void)atomic_fetch_add_explicit(&s->count[what], 1,
	    memory_order_relaxed);
}

void
stats_down(struct stats *s, enum stats_what what)
{
	unsigned long was;

	assert(what <= STATS_PAIRS);
	was = atomic_fetch_sub_explicit(&s->count[what], 1,
	    memory_order_relaxed);
	assert(was > 0);
	(void)was;			/* with NDEBUG */
}

void
stats_bytes(struct stats *s, uint64_t to_server, uint64_t to_client)
{
	(void)pthread_mutex_lock(&s->mu);
	s->to_server += to_server;
	s->to_client += to_client;
	(void)pthread_mutex_unlock(&s->mu);
}

size_t
stats_text(struct stats *s, const struct stats_process *p, char *out,
    size_t cap)
{
	struct wr w = { (uint8_t *)out, 0, cap, false };
	uint64_t value[NVALUES];
	const char *name = NULL;
	const struct row *r;
	size_t i;

	assert(strlen(p->version) <= STATS_VERSION_MAX);
	for (i = 0; i < STATS_COUNTED; i++)
		value[i] = atomic_load_explicit(&s->count[i],
		    memory_order_relaxed);
	(void)pthread_mutex_lock(&s->mu);
	value[TO_SERVER] = s->to_server;
	value[TO_CLIENT] = s->to_client;
	(void)pthread_mutex_unlock(&s->mu);
	value[INFO] = 1;
	value[UPTIME] = (uint64_t)p->uptime_ms;
	value[START] = (uint64_t)p->start_ms;
	value[PARKED] = (uint64_t)p->parked;
	value[WAITING] = (uint64_t)p->waiting;
	value[OPEN_FDS] = (uint64_t)p->open_fds;
	value[MAX_FDS] = (uint64_t)p->max_fds;
	for (i = 0; i < NROWS; i++) {
		r = &rows[i];
		/* What -1 has become; nothing is counted so far. */
		if (value[r->what] == UINT64_MAX)
			continue;
		if (r->name != NULL) {
			name = r->name;
			put_family(&w, r);
		}
		put(&w, name);
		if (r->label != NULL)
			put_label(&w, r->label,
			    r->value != NULL ? r->value : p->version);
		put_number(&w, r->form, value[r->what]);
	}
	return w.bad ? 0 : w.n;
}

/* SPDX-License-Identifier: MIT */
/* stats.c - the text to the letter, its edges, and counting from threads.
 *
 * "build/unit/stats --text | sh tests/check-metrics.sh" has Prometheus read
 * the longest text there is. */

#include <limits.h>

#include "stats.h"
#include "unit.h"

enum { THREADS = 4, ROUNDS = 20000 };

static const struct stats_process process = {
	"1.2.3", 61007, INT64_C(1700000000123), 3, 4, 12, 1024
};

static struct stats stats;
static char text[STATS_TEXT_MAX];

/* All that can be counted is as high as it goes. */
static void
fill(struct stats *s, struct stats_process *p, char version[STATS_VERSION_MAX
    + 1])
{
	int i;

	stats_init(s);
	for (i = 0; i < STATS_COUNTED; i++)
		atomic_store(&s->count[i], ULONG_MAX - 1);
	stats_bytes(s, UINT64_MAX - 1, UINT64_MAX - 1);
	memset(version, '"', STATS_VERSION_MAX);
	version[STATS_VERSION_MAX] = '\0';
	p->version = version;
	p->uptime_ms = p->start_ms = p->parked = p->waiting = p->open_fds =
	    p->max_fds = INT64_MAX;
}

static const char *
write_text(const struct stats_process *p)
{
	static char copy[STATS_TEXT_MAX + 1];
	size_t n = stats_text(&stats, p, text, sizeof(text));

	REQUIRE(n > 0 && n <= sizeof(text));
	CHECK(memchr(text, '\0', n) == NULL && text[n - 1] == '\n');
	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

static void
letter(void)
{
	unsigned i, k;

	/* From any bytes. */
	memset(&stats, 0xa5, sizeof(stats));
	stats_init(&stats);
	for (i = 0; i < STATS_COUNTED; i++) {
		for (k = 0; k <= i; k++)
			stats_up(&stats, (enum stats_what)i);
	}
	for (i = STATS_ROOMS; i <= STATS_PAIRS; i++)
		stats_down(&stats, (enum stats_what)i);
	stats_bytes(&stats, 16, UINT64_C(1) << 40);
	stats_bytes(&stats, 1, 0);
	CHECK_STR(write_text(&process),
	    "# HELP adit_relay_info Always 1; the label says which adit this "
	    "is.\n"
	    "# TYPE adit_relay_info gauge\n"
	    "adit_relay_info{version=\"1.2.3\"} 1\n"
	    "# HELP adit_relay_uptime_seconds Seconds since the relay began "
	    "to listen.\n"
	    "# TYPE adit_relay_uptime_seconds gauge\n"
	    "adit_relay_uptime_seconds 61.007\n"
	    "# HELP adit_relay_rooms Rooms that are open.\n"
	    "# TYPE adit_relay_rooms gauge\n"
	    "adit_relay_rooms 0\n"
	    "# HELP adit_relay_pairs Pairs of connections that are being "
	    "copied.\n"
	    "# TYPE adit_relay_pairs gauge\n"
	    "adit_relay_pairs 1\n"
	    "# HELP adit_relay_parked Connections of servers that wait for a "
	    "client.\n"
	    "# TYPE adit_relay_parked gauge\n"
	    "adit_relay_parked 3\n"
	    "# HELP adit_relay_waiting Connections that keep us waiting for "
	    "who they are.\n"
	    "# TYPE adit_relay_waiting gauge\n"
	    "adit_relay_waiting 4\n"
	    "# HELP adit_relay_connections_total Connections accepted.\n"
	    "# TYPE adit_relay_connections_total counter\n"
	    "adit_relay_connections_total 5\n"
	    "# HELP adit_relay_visitors_total Visitors that asked for a "
	    "room.\n"
	    "# TYPE adit_relay_visitors_total counter\n"
	    "adit_relay_visitors_total 4\n"
	    "# HELP adit_relay_pairs_total Pairs of connections that were "
	    "joined.\n"
	    "# TYPE adit_relay_pairs_total counter\n"
	    "adit_relay_pairs_total 3\n"
	    "# HELP adit_relay_bytes_total Bytes copied between pairs.\n"
	    "# TYPE adit_relay_bytes_total counter\n"
	    "adit_relay_bytes_total{direction=\"to_server\"} 17\n"
	    "adit_relay_bytes_total{direction=\"to_client\"} 1099511627776\n"
	    "# HELP adit_relay_refused_total Connections refused.\n"
	    "# TYPE adit_relay_refused_total counter\n"
	    "adit_relay_refused_total{reason=\"no_room\"} 6\n"
	    "adit_relay_refused_total{reason=\"no_server\"} 7\n"
	    "adit_relay_refused_total{reason=\"no_ticket\"} 8\n"
	    "adit_relay_refused_total{reason=\"full\"} 9\n"
	    "adit_relay_refused_total{reason=\"source_full\"} 10\n"
	    "adit_relay_refused_total{reason=\"rooms_full\"} 11\n"
	    "adit_relay_refused_total{reason=\"source_rooms_full\"} 12\n"
	    "adit_relay_refused_total{reason=\"busy\"} 13\n"
	    "adit_relay_refused_total{reason=\"auth\"} 14\n"
	    "adit_relay_refused_total{reason=\"auth_missing\"} 15\n"
	    "adit_relay_refused_total{reason=\"auth_needless\"} 16\n"
	    "adit_relay_refused_total{reason=\"not_allowed\"} 17\n"
	    "adit_relay_refused_total{reason=\"version\"} 18\n"
	    "adit_relay_refused_total{reason=\"nonsense\"} 19\n"
	    "adit_relay_refused_total{reason=\"timeout\"} 20\n"
	    "adit_relay_refused_total{reason=\"crowded\"} 21\n"
	    "adit_relay_refused_total{reason=\"draining\"} 22\n"
	    "adit_relay_refused_total{reason=\"failed\"} 23\n"
	    "# HELP process_start_time_seconds Start time of the process "
	    "since unix epoch in seconds.\n"
	    "# TYPE process_start_time_seconds gauge\n"
	    "process_start_time_seconds 1700000000.123\n"
	    "# HELP process_open_fds Number of open file descriptors.\n"
	    "# TYPE process_open_fds gauge\n"
	    "process_open_fds 12\n"
	    "# HELP process_max_fds Maximum number of open file "
	    "descriptors.\n"
	    "# TYPE process_max_fds gauge\n"
	    "process_max_fds 1024\n");
}

/* Each of them is left out, family and all, and nothing else is. */
static void
unknown(void)
{
	static const char *const names[] = {
		"adit_relay_uptime_seconds", "process_start_time_seconds",
		"process_open_fds", "process_max_fds", "adit_relay_parked",
		"adit_relay_waiting"
	};
	struct stats_process p;
	const char *is, *s;
	unsigned set, k, lines;

	stats_init(&stats);
	for (set = 0; set < 64; set++) {
		p = process;
		if (set & 1)
			p.uptime_ms = -1;
		if (set & 2)
			p.start_ms = -1;
		if (set & 4)
			p.open_fds = -1;
		if (set & 8)
			p.max_fds = -1;
		if (set & 16)
			p.parked = -1;
		if (set & 32)
			p.waiting = -1;
		is = write_text(&p);
		lines = 14 * 2 + 32;
		for (k = 0; k < 6; k++) {
			unit_row("%x, %s", set, names[k]);
			CHECK_EQ(strstr(is, names[k]) == NULL,
			    (set >> k & 1) != 0);
			lines -= 3 * (set >> k & 1);
		}
		for (s = is; (s = strchr(s, '\n')) != NULL; s++)
			lines--;
		CHECK_EQ(lines, 0);
	}
	/* None is another thing than not known. */
	memset(&p, 0, sizeof(p));
	p.version = "";
	is = write_text(&p);
	CHECK(strstr(is, "\nadit_relay_uptime_seconds 0.000\n") != NULL);
	CHECK(strstr(is, "\nprocess_open_fds 0\n") != NULL);
	CHECK(strstr(is, "\nadit_relay_info{version=\"\"} 1\n") != NULL);
}

static void
versions(void)
{
	static const struct { const char *is, *should; } table[] = {
		{ "0.9-rc1", "{version=\"0.9-rc1\"} 1\n" },
		{ "a\"b", "{version=\"a\\\"b\"} 1\n" },
		{ "a\\", "{version=\"a\\\\\"} 1\n" },
		{ "a\nb 2", "{version=\"a\\nb 2\"} 1\n" },
		{ "\\n", "{version=\"\\\\n\"} 1\n" },
		{ "{}", "{version=\"{}\"} 1\n" }
	};
	struct stats_process p = process;
	size_t i;

	stats_init(&stats);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unit_row("%s", table[i].is);
		p.version = table[i].is;
		CHECK(strstr(write_text(&p), table[i].should) != NULL);
	}
}

/* As long as it gets, it fits; in less room than it takes there is nothing,
 * and no byte behind the room is touched. */
static void
room(void)
{
	char version[STATS_VERSION_MAX + 1], whole[STATS_TEXT_MAX];
	struct stats_process p;
	size_t n, cap;
	uint8_t *out;

	fill(&stats, &p, version);
	n = stats_text(&stats, &p, whole, sizeof(whole));
	REQUIRE(n > 0);
	CHECK(strncmp(whole, "# HELP ", 7) == 0);
	for (cap = 0; cap <= n; cap++) {
		unit_row("%zu of %zu", cap, n);
		memset(text, 0, sizeof(text));
		out = unit_guard(text, cap);
		CHECK_EQ(stats_text(&stats, &p, (char *)out, cap),
		    cap < n ? 0 : n);
	}
	CHECK_BYTES(unit_guard(whole, n), whole, n);
}

static void *
count(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		stats_up(&stats, STATS_PAIRS);
		stats_up(&stats, STATS_PAIRS_TOTAL);
		stats_bytes(&stats, 3, UINT64_C(1) << 32);
		if (i % 1000 == 0)
			(void)stats_text(&stats, &process, (char [1]) { 0 },
			    1);
		if (i % 2 == 0)
			stats_down(&stats, STATS_PAIRS);
	}
	return NULL;
}

static void
threads(void)
{
	char line[100];
	pthread_t t[THREADS];
	const char *is;
	int i;

	stats_init(&stats);
	for (i = 0; i < THREADS; i++)
		REQUIRE(pthread_create(&t[i], NULL, count, NULL) == 0);
	for (i = 0; i < THREADS; i++)
		REQUIRE(pthread_join(t[i], NULL) == 0);
	is = write_text(&process);
	(void)snprintf(line, sizeof(line), "\nadit_relay_pairs %d\n",
	    THREADS * ROUNDS / 2);
	CHECK(strstr(is, line) != NULL);
	(void)snprintf(line, sizeof(line), "\nadit_relay_pairs_total %d\n",
	    THREADS * ROUNDS);
	CHECK(strstr(is, line) != NULL);
	(void)snprintf(line, sizeof(line), "{direction=\"to_server\"} %d\n",
	    3 * THREADS * ROUNDS);
	CHECK(strstr(is, line) != NULL);
	(void)snprintf(line, sizeof(line), "{direction=\"to_client\"} %llu\n",
	    (unsigned long long)THREADS * ROUNDS << 32);
	CHECK(strstr(is, line) != NULL);
}

static void
type(void)
{
	CHECK_STR(stats_type, "text/plain; version=0.0.4; charset=utf-8");
}

int
main(int argc, char **argv)
{
	char version[STATS_VERSION_MAX + 1];
	struct stats_process p;
	size_t n;

	if (argc == 2 && strcmp(argv[1], "--text") == 0) {
		fill(&stats, &p, version);
		n = stats_text(&stats, &p, text, sizeof(text));
		return fwrite(text, 1, n, stdout) == n ? 0 : 1;
	}
	unit_case("stats: the text to the letter", letter);
	unit_case("stats: what is not known is left out", unknown);
	unit_case("stats: a version of any characters", versions);
	unit_case("stats: the longest text, and less room", room);
	unit_case("stats: counted by many threads", threads);
	unit_case("stats: its type", type);
	return unit_end();
}

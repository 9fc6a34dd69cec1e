/* SPDX-License-Identifier: MIT */
#ifndef LOG_H
#define LOG_H

enum log_level {
	LOG_ERROR,		/* --quiet shows these alone */
	LOG_NOTE,		/* what a person wants to know by default */
	LOG_STREAM		/* --verbose: two lines a stream */
};

enum { LOG_LINE_MAX = 768 };	/* bytes of one line, newline included */

/* Show messages up to this level.  Call before any thread is started. */
void log_set_level(enum log_level level);

/* Print one line on stderr with one write; keeps errno.  A line that is too
 * long is cut; one that finds stderr full for 100 ms is lost.  Bytes that
 * could steer a terminal come out as '?'. */
void log_line(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The last LOG_ERROR, without its newline; or what stands for none. */
void log_last_error(char line[LOG_LINE_MAX]);

#endif

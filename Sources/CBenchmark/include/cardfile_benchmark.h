#ifndef CARDFILE_BENCHMARK_H
#define CARDFILE_BENCHMARK_H

#include <stddef.h>
#include <stdint.h>

// The ceilings that Cardfile's figures are held against: what the libraries below it can do in
// plain C, with nothing of Cardfile in between.

// What ran: operations (answers, pages or creates) in a span of time.
struct benchmark_span {
  uint64_t operations;
  double seconds;
  uint64_t bytes;  // of the last page written; 0 where there is none
};

// Starts libmicrohttpd on a free loopback port with as many epoll threads as asked. Every GET is
// answered with body_bytes bytes under a header of header_bytes more than libmicrohttpd makes by
// itself. One server at a time; 0, or an errno value.
int benchmark_bare_http_start(size_t body_bytes, size_t header_bytes, unsigned threads,
                              uint16_t *port);
void benchmark_bare_http_stop(void);

// Reads the newest 50 leads of the largest tenant in the file at path, again and again, and writes
// each page as JSON into memory. Returns an SQLite result code.
int benchmark_read_pages(const char *path, unsigned threads, double seconds,
                         struct benchmark_span *span);

// Writes the rows of one created lead again and again, creates_per_commit of them in each
// transaction, durably (WAL, synchronous=FULL). A new file gets the tables of schema first.
// Returns an SQLite result code.
int benchmark_write_creates(const char *path, const char *schema, unsigned creates_per_commit,
                            double seconds, struct benchmark_span *span);

// Runs SQL statements on a file that no server holds. Returns an SQLite result code.
int benchmark_execute(const char *path, const char *sql);

// An SQLite result code in words.
const char *benchmark_sqlite_text(int code);

// Seconds of CLOCK_MONOTONIC.
double benchmark_clock(void);

// Once per process: without its global statistics lock SQLite's threads do not hold each other up.
void benchmark_configure_sqlite(void);

#endif

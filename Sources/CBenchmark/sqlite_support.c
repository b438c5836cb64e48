// What the ceilings on SQLite have in common.
#include <pthread.h>
#include <sqlite3.h>
#include <time.h>

#include "cardfile_benchmark.h"

static pthread_once_t configured = PTHREAD_ONCE_INIT;

static void configure(void) { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }

void benchmark_configure_sqlite(void) { pthread_once(&configured, configure); }

int benchmark_execute(const char *path, const char *sql) {
  sqlite3 *connection = NULL;
  benchmark_configure_sqlite();
  int code = sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, NULL);
  if (code == SQLITE_OK) code = sqlite3_exec(connection, sql, NULL, NULL, NULL);
  sqlite3_close(connection);
  return code;
}

const char *benchmark_sqlite_text(int code) { return sqlite3_errstr(code); }

double benchmark_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#include <sqlite3.h>

// Swift imports no variadic functions, and no macro that casts.

static inline int cardfile_sqlite3_turn_statistics_off(void) {
  return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static inline int cardfile_sqlite3_db_config(sqlite3 *database, int option, int value) {
  return sqlite3_db_config(database, option, value, (int *)0);
}

static inline sqlite3_destructor_type cardfile_sqlite3_transient(void) {
  return SQLITE_TRANSIENT;
}

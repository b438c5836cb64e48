// A page of leads from SQLite to JSON, without HTTP, rights or anything else of Cardfile.
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cardfile_benchmark.h"

enum { THREADS_MAX = 64, PAGE_BYTES_START = 64 * 1024, NUMBER_BYTES_MAX = 32 };

enum kind { TEXT, INTEGER, CENTS, JSON };

static const struct column {
  const char *name;
  const char *key;
  enum kind kind;
} columns[] = {
    {"id", "\"id\":", TEXT},
    {"external_id", "\"externalId\":", TEXT},
    {"owner_id", "\"ownerId\":", TEXT},
    {"created_by", "\"createdBy\":", TEXT},
    {"created_at", "\"createdAt\":", TEXT},
    {"updated_at", "\"updatedAt\":", TEXT},
    {"version", "\"version\":", INTEGER},
    {"tags", "\"tags\":", JSON},
    {"custom_fields", "\"customFields\":", JSON},
    {"metadata", "\"metadata\":", JSON},
    {"title", "\"title\":", TEXT},
    {"source", "\"source\":", TEXT},
    {"value", "\"value\":", CENTS},
    {"currency", "\"currency\":", TEXT},
    {"priority", "\"priority\":", TEXT},
    {"status", "\"status\":", TEXT},
    {"first_name", "\"firstName\":", TEXT},
    {"last_name", "\"lastName\":", TEXT},
    {"email", "\"email\":", TEXT},
    {"phone", "\"phone\":", TEXT},
    {"company", "\"company\":", TEXT},
    {"contact_id", "\"contactId\":", TEXT},
};
enum { COLUMN_COUNT = sizeof columns / sizeof columns[0] };

struct page {
  char *bytes;
  size_t count;
  size_t capacity;
};

static int reserve(struct page *page, size_t more) {
  if (page->count + more <= page->capacity) return SQLITE_OK;
  size_t capacity = (page->capacity + more) * 2;
  char *bytes = realloc(page->bytes, capacity);
  if (!bytes) return SQLITE_NOMEM;
  page->bytes = bytes;
  page->capacity = capacity;
  return SQLITE_OK;
}

// Call only after reserve() for at least this many bytes.
static void put(struct page *page, const char *bytes, size_t count) {
  memcpy(page->bytes + page->count, bytes, count);
  page->count += count;
}

static void put_escaped(struct page *page, const unsigned char *text, size_t count) {
  static const char digits[] = "0123456789abcdef";
  char *out = page->bytes + page->count;
  *out++ = '"';
  for (size_t index = 0; index < count; index++) {
    unsigned char byte = text[index];
    if (byte == '"' || byte == '\\') {
      *out++ = '\\';
      *out++ = (char)byte;
    } else if (byte < 0x20) {
      memcpy(out, "\\u00", 4);
      out[4] = digits[byte >> 4];
      out[5] = digits[byte & 15];
      out += 6;
    } else {
      *out++ = (char)byte;
    }
  }
  *out++ = '"';
  page->count = (size_t)(out - page->bytes);
}

static int put_column(struct page *page, sqlite3_stmt *statement, int index) {
  const struct column *column = &columns[index];
  const unsigned char *text = sqlite3_column_text(statement, index);
  size_t count = (size_t)sqlite3_column_bytes(statement, index);
  // The longest escape of one byte has six.
  int code = reserve(page, strlen(column->key) + count * 6 + NUMBER_BYTES_MAX);
  if (code != SQLITE_OK) return code;
  put(page, index ? "," : "{", 1);
  put(page, column->key, strlen(column->key));
  if (!text) {
    put(page, "null", 4);
  } else if (column->kind == TEXT) {
    put_escaped(page, text, count);
  } else if (column->kind == CENTS) {
    sqlite3_int64 cents = sqlite3_column_int64(statement, index);
    page->count += (size_t)snprintf(page->bytes + page->count, NUMBER_BYTES_MAX, "%lld.%02lld",
                                    cents / 100, cents % 100);
  } else {
    put(page, (const char *)text, count);
  }
  if (index == COLUMN_COUNT - 1) put(page, "}", 1);
  return SQLITE_OK;
}

static int read_page(struct page *page, sqlite3_stmt *statement) {
  int code, rows = 0;
  page->count = 0;
  put(page, "{\"data\":[", 9);
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    if (rows++) put(page, ",", 1);
    for (int index = 0; index < COLUMN_COUNT; index++) {
      if ((code = put_column(page, statement, index)) != SQLITE_OK) return code;
    }
  }
  put(page, "]}", 2);
  sqlite3_reset(statement);
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int prepare(sqlite3 *connection, sqlite3_stmt **statement) {
  char sql[1024] = "SELECT ";
  for (int index = 0; index < COLUMN_COUNT; index++) {
    if (index) strcat(sql, ", ");
    strcat(sql, columns[index].name);
  }
  strcat(sql,
         " FROM leads WHERE tenant_id = ?1 AND deleted_at IS NULL"
         " ORDER BY created_at DESC, id DESC LIMIT 50");
  int code = sqlite3_prepare_v3(connection, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
  if (code != SQLITE_OK) return code;
  sqlite3_stmt *largest = NULL;
  code = sqlite3_prepare_v2(connection,
                            "SELECT tenant_id FROM leads GROUP BY tenant_id"
                            " ORDER BY count(*) DESC LIMIT 1",
                            -1, &largest, NULL);
  if (code == SQLITE_OK && sqlite3_step(largest) == SQLITE_ROW) {
    code = sqlite3_bind_text(*statement, 1, (const char *)sqlite3_column_text(largest, 0), -1,
                             SQLITE_TRANSIENT);
  }
  sqlite3_finalize(largest);
  return code;
}

struct reader {
  const char *path;
  double seconds;  // wanted before, taken after
  uint64_t pages;
  uint64_t page_bytes;
  int code;
};

static void *run_reader(void *context) {
  struct reader *reader = context;
  struct page page = {malloc(PAGE_BYTES_START), 0, PAGE_BYTES_START};
  sqlite3 *connection = NULL;
  sqlite3_stmt *statement = NULL;
  int code = page.bytes ? SQLITE_OK : SQLITE_NOMEM;
  if (code == SQLITE_OK) {
    code = sqlite3_open_v2(reader->path, &connection, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
                           NULL);
  }
  // A reader never checkpoints, not at close either: the file belongs to the server's one writer.
  if (code == SQLITE_OK) {
    code = sqlite3_db_config(connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  }
  if (code == SQLITE_OK) code = prepare(connection, &statement);
  double start = benchmark_clock();
  double end = start;
  while (code == SQLITE_OK && end - start < reader->seconds) {
    code = read_page(&page, statement);
    reader->pages++;
    end = benchmark_clock();
  }
  reader->seconds = end - start;
  reader->page_bytes = page.count;
  reader->code = code;
  sqlite3_finalize(statement);
  sqlite3_close(connection);
  free(page.bytes);
  return NULL;
}

int benchmark_read_pages(const char *path, unsigned threads, double seconds,
                         struct benchmark_span *span) {
  struct reader readers[THREADS_MAX];
  pthread_t handles[THREADS_MAX];
  if (threads < 1 || threads > THREADS_MAX) return SQLITE_MISUSE;
  benchmark_configure_sqlite();
  unsigned started = 0;
  int code = SQLITE_OK;
  for (; started < threads; started++) {
    readers[started] = (struct reader){.path = path, .seconds = seconds};
    if (pthread_create(&handles[started], NULL, run_reader, &readers[started])) {
      code = SQLITE_NOMEM;
      break;
    }
  }
  *span = (struct benchmark_span){0};
  for (unsigned index = 0; index < started; index++) {
    pthread_join(handles[index], NULL);
    span->operations += readers[index].pages;
    span->bytes = readers[index].page_bytes;
    if (readers[index].seconds > span->seconds) span->seconds = readers[index].seconds;
    if (readers[index].code != SQLITE_OK) code = readers[index].code;
  }
  return code;
}

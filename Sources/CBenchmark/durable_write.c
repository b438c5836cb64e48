// The rows of one created lead, written durably by SQLite alone: the same tables, indexes, triggers
// and full text as Cardfile's, since they are made from its own schema file.
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cardfile_benchmark.h"

enum { ID_BYTES = 48, HASH_BYTES = 32, USERS = 12, WORDS = 16 };
// As the server's writer has them.
enum { CHECKPOINT_PAGES = 4000, CACHE_KIBIBYTES = 16384 };

enum insert { LEAD, ACTIVITY, CHAIN, OUTBOX, CHANGE, ROLLUP, DOCUMENT, INSERT_COUNT };

// ?1 id, ?2 timestamp, ?3 user, ?4 title, ?5 e-mail address, ?6 number of the create, ?7 activity
// id, ?8 hash; what does not vary stands in the text.
static const char *const inserts[INSERT_COUNT] = {
    [LEAD] =
        "INSERT INTO leads (tenant_id, id, owner_id, created_by, created_at, updated_at, tags,"
        " title, title_folded, source, value, currency, priority, status, first_name, last_name,"
        " last_name_folded, email, email_folded, phone, company)"
        " VALUES ('acme', ?1, ?3, ?3, ?2, ?2, '[\"fair\",\"spring\"]', ?4, lower(?4), 'website',"
        " ?6 * 100, 'EUR', 'medium', 'new', 'Erika', 'Mustermann', 'mustermann', ?5, ?5,"
        " '+49 30 1234567', 'Example Works')",
    [ACTIVITY] =
        "INSERT INTO crm_activities (id, tenant_id, user_id, operation, entity_id, entity_type,"
        " credit_cost, timestamp, session_id, user_context, permissions, metadata, compliance,"
        " created_at, seq, credit_units, unit_id, unit_path, salt, core_hash, personal_hash, hash)"
        " VALUES (?7, 'acme', ?3, 'crm.leads.create', ?1, 'lead', 5, ?2, 'session-1',"
        " '{\"user\":{\"id\":\"user-1\",\"name\":\"Erika Mustermann\",\"email\":"
        "\"erika@example.com\",\"title\":\"Account Executive\"},\"organization\":{\"id\":"
        "\"org-1\",\"name\":\"Acme Corp\"},\"department\":{\"id\":\"sales\",\"name\":\"Sales\"},"
        "\"entityPath\":\"Acme Corp \xe2\x86\x92 Sales \xe2\x86\x92 Erika Mustermann\"}',"
        " '{\"required\":\"crm.leads.create\",\"granted\":[\"crm.leads.create\","
        "\"crm.leads.read\",\"crm.leads.update\",\"crm.contacts.create\",\"crm.contacts.read\","
        "\"crm.contacts.update\",\"crm.deals.create\",\"crm.deals.read\"],\"roles\":[\"Sales\"],"
        "\"operationContext\":{\"scope\":\"own\",\"source\":\"role\"}}',"
        " '{\"fields\":{\"status\":\"new\",\"priority\":\"medium\"},\"ip\":\"127.0.0.1\","
        "\"userAgent\":\"benchmark\",\"requestId\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}',"
        " '{\"dataClassification\":\"personal\",\"legalBasis\":\"contract\"}', ?2, ?6, 50000,"
        " 'team-1', '/org-1/sales/team-1/', randomblob(16), ?8, ?8, ?8)",
    [CHAIN] =
        "INSERT INTO activity_chains (tenant_id, seq, head) VALUES ('acme', ?6, ?8)"
        " ON CONFLICT (tenant_id) DO UPDATE SET seq = excluded.seq, head = excluded.head",
    [OUTBOX] =
        "INSERT INTO activity_outbox (tenant_id, activity_id, credit_units, queued_at)"
        " VALUES ('acme', ?7, 50000, ?2)",
    [CHANGE] =
        "INSERT INTO change_log (tenant_id, entity_type, entity_id, action, version, owner_id,"
        " user_id, changed_at) VALUES ('acme', 'lead', ?1, 'create', 1, ?3, ?3, ?2)",
    [ROLLUP] =
        "INSERT INTO activity_rollups (tenant_id, bucket, unit_id, user_id, operation,"
        " entity_type, entries, credit_units, latest)"
        " VALUES ('acme', 1900000, 'team-1', ?3, 'crm.leads.create', 'lead', 1, 50000, ?2)"
        " ON CONFLICT DO UPDATE SET entries = entries + 1,"
        " credit_units = credit_units + excluded.credit_units, latest = excluded.latest",
    [DOCUMENT] =
        "INSERT INTO search_documents (tenant_id, entity_type, entity_id, tenant_token, title,"
        " body) VALUES ('acme', 'lead', ?1, 'tacme', ?4,"
        " 'erika mustermann ' || ?5 || ' example works 49 30 1234567 fair spring')",
};

struct writer {
  sqlite3 *connection;
  sqlite3_stmt *statements[INSERT_COUNT];
  sqlite3_int64 number;  // of the last create
};

static int open_file(struct writer *writer, const char *path, const char *schema) {
  int code = sqlite3_open_v2(path, &writer->connection,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                             NULL);
  if (code != SQLITE_OK) return code;
  char pragmas[256];
  snprintf(pragmas, sizeof pragmas,
           "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
           "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%d; PRAGMA wal_autocheckpoint = %d;"
           "PRAGMA wal_checkpoint(TRUNCATE)",
           CACHE_KIBIBYTES, CHECKPOINT_PAGES);
  code = sqlite3_exec(writer->connection, pragmas, NULL, NULL, NULL);
  if (code != SQLITE_OK) return code;
  if (sqlite3_table_column_metadata(writer->connection, NULL, "leads", NULL, NULL, NULL, NULL, NULL,
                                    NULL) != SQLITE_OK) {
    code = sqlite3_exec(writer->connection, schema, NULL, NULL, NULL);
    if (code != SQLITE_OK) return code;
  }
  for (int index = 0; index < INSERT_COUNT; index++) {
    code = sqlite3_prepare_v3(writer->connection, inserts[index], -1, SQLITE_PREPARE_PERSISTENT,
                              &writer->statements[index], NULL);
    if (code != SQLITE_OK) return code;
  }
  sqlite3_stmt *last = NULL;
  code = sqlite3_prepare_v2(writer->connection,
                            "SELECT coalesce(max(seq), 0) FROM activity_chains", -1, &last, NULL);
  if (code == SQLITE_OK && sqlite3_step(last) == SQLITE_ROW) {
    writer->number = sqlite3_column_int64(last, 0);
  }
  return sqlite3_finalize(last);
}

static void close_file(struct writer *writer) {
  for (int index = 0; index < INSERT_COUNT; index++) {
    sqlite3_finalize(writer->statements[index]);
  }
  sqlite3_close(writer->connection);
}

// The values of one create, as text that lives while its statements run.
struct values {
  char id[ID_BYTES];
  char timestamp[ID_BYTES];
  char user[ID_BYTES];
  char activity[2 * ID_BYTES];
  char title[2 * ID_BYTES];
  char email[ID_BYTES];
  unsigned char hash[HASH_BYTES];
};

static void make_values(struct values *values, sqlite3_int64 number) {
  static const char *const words[WORDS] = {
      "Harvest", "Bridge", "Engine",  "Garden", "Window", "Harbour", "Bicycle", "Turbine",
      "Cooling", "Museum", "Archive", "Studio", "Kitchen", "Railway", "Battery", "Furnace"};
  struct timespec now;
  struct tm utc;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &utc);
  int milliseconds = (int)(now.tv_nsec / 1000000);
  unsigned long long since_epoch = (unsigned long long)now.tv_sec * 1000 + (unsigned)milliseconds;
  unsigned random;
  sqlite3_randomness(sizeof random, &random);
  sqlite3_randomness(HASH_BYTES, values->hash);
  // Like a UUID of version 7: time first, so that ids come in the order of creation.
  snprintf(values->id, sizeof values->id, "%08llx-%04llx-7000-8000-%012llx", since_epoch >> 16,
           since_epoch & 0xffff, (unsigned long long)number);
  size_t length = strftime(values->timestamp, ID_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(values->timestamp + length, ID_BYTES - length, ".%03dZ", milliseconds);
  snprintf(values->user, sizeof values->user, "user-%u", random % USERS);
  snprintf(values->activity, sizeof values->activity, "activity:%llu:%s:%lld", since_epoch,
           values->user, number);
  snprintf(values->title, sizeof values->title, "%s and %s %lld", words[random / USERS % WORDS],
           words[random / USERS / WORDS % WORDS], number);
  snprintf(values->email, sizeof values->email, "person%lld@example.com", number);
}

static int bind(sqlite3_stmt *statement, const struct values *values, sqlite3_int64 number) {
  const char *const texts[] = {values->id,    values->timestamp, values->user, values->title,
                               values->email, NULL,              values->activity};
  int count = sqlite3_bind_parameter_count(statement);
  for (int index = 1; index <= count; index++) {
    int code;
    if (index == 6) {
      code = sqlite3_bind_int64(statement, index, number);
    } else if (index == 8) {
      code = sqlite3_bind_blob(statement, index, values->hash, HASH_BYTES, SQLITE_STATIC);
    } else {
      code = sqlite3_bind_text(statement, index, texts[index - 1], -1, SQLITE_STATIC);
    }
    if (code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

static int write_create(struct writer *writer) {
  struct values values;
  make_values(&values, ++writer->number);
  for (int index = 0; index < INSERT_COUNT; index++) {
    sqlite3_stmt *statement = writer->statements[index];
    int code = bind(statement, &values, writer->number);
    if (code != SQLITE_OK) return code;
    sqlite3_step(statement);
    if ((code = sqlite3_reset(statement)) != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int benchmark_write_creates(const char *path, const char *schema, unsigned creates_per_commit,
                            double seconds, struct benchmark_span *span) {
  struct writer writer = {0};
  *span = (struct benchmark_span){0};
  benchmark_configure_sqlite();
  int code = open_file(&writer, path, schema);
  double start = benchmark_clock();
  double end = start;
  while (code == SQLITE_OK && end - start < seconds) {
    code = sqlite3_exec(writer.connection, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (unsigned index = 0; code == SQLITE_OK && index < creates_per_commit; index++) {
      code = write_create(&writer);
    }
    if (code == SQLITE_OK) code = sqlite3_exec(writer.connection, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK) span->operations += creates_per_commit;
    end = benchmark_clock();
  }
  span->seconds = end - start;
  close_file(&writer);
  return code;
}

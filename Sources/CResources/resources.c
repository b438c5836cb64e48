// The table of everything in Resources/ that the binary carries. A new file is two lines here;
// the tidy test fails when a file of Resources/ is missing from the table.
#include "cardfile_resources.h"

static const unsigned char schema_0001[] = {
#embed "../../Resources/schema/0001-initial.sql"
};

static const unsigned char schema_0002[] = {
#embed "../../Resources/schema/0002-directory.sql"
};

static const unsigned char schema_0003[] = {
#embed "../../Resources/schema/0003-directory-feed.sql"
};

static const unsigned char schema_0004[] = {
#embed "../../Resources/schema/0004-outbox-and-usage.sql"
};

static const unsigned char schema_0005[] = {
#embed "../../Resources/schema/0005-sessions.sql"
};

static const unsigned char schema_0006[] = {
#embed "../../Resources/schema/0006-records.sql"
};

static const unsigned char schema_0007[] = {
#embed "../../Resources/schema/0007-files.sql"
};

static const unsigned char schema_0008[] = {
#embed "../../Resources/schema/0008-counters.sql"
};

static const unsigned char schema_0009[] = {
#embed "../../Resources/schema/0009-search.sql"
};

static const unsigned char schema_0010[] = {
#embed "../../Resources/schema/0010-board-and-reminders.sql"
};

static const unsigned char schema_0011[] = {
#embed "../../Resources/schema/0011-indexes.sql"
};

static const unsigned char schema_0012[] = {
#embed "../../Resources/schema/0012-timeline.sql"
};

static const unsigned char schema_0013[] = {
#embed "../../Resources/schema/0013-settings.sql"
};

static const unsigned char schema_0014[] = {
#embed "../../Resources/schema/0014-speed.sql"
};

static const unsigned char schema_0015[] = {
#embed "../../Resources/schema/0015-counters-of-owners.sql"
};

static const unsigned char schema_0016[] = {
#embed "../../Resources/schema/0016-activity-lists.sql"
};

static const unsigned char schema_0017[] = {
#embed "../../Resources/schema/0017-checkpoints.sql"
};

static const unsigned char schema_0018[] = {
#embed "../../Resources/schema/0018-activity-reports.sql"
};

static const unsigned char demo_records[] = {
#embed "../../Resources/demo/records.json"
};

static const unsigned char docs_api[] = {
#embed "../../Resources/docs/api.md"
};

static const unsigned char docs_architecture[] = {
#embed "../../Resources/docs/architecture.md"
};

static const unsigned char docs_archives[] = {
#embed "../../Resources/docs/archives.md"
};

static const unsigned char docs_audit[] = {
#embed "../../Resources/docs/audit.md"
};

static const unsigned char docs_operation[] = {
#embed "../../Resources/docs/operation.md"
};

static const unsigned char docs_performance[] = {
#embed "../../Resources/docs/performance.md"
};

static const unsigned char docs_wrapper[] = {
#embed "../../Resources/docs/wrapper.md"
};

#define ENTRY(path, array) {path, array, sizeof(array)}

static const struct cardfile_resource table[] = {
    ENTRY("demo/records.json", demo_records),
    ENTRY("docs/api.md", docs_api),
    ENTRY("docs/architecture.md", docs_architecture),
    ENTRY("docs/archives.md", docs_archives),
    ENTRY("docs/audit.md", docs_audit),
    ENTRY("docs/operation.md", docs_operation),
    ENTRY("docs/performance.md", docs_performance),
    ENTRY("docs/wrapper.md", docs_wrapper),
    ENTRY("schema/0001-initial.sql", schema_0001),
    ENTRY("schema/0002-directory.sql", schema_0002),
    ENTRY("schema/0003-directory-feed.sql", schema_0003),
    ENTRY("schema/0004-outbox-and-usage.sql", schema_0004),
    ENTRY("schema/0005-sessions.sql", schema_0005),
    ENTRY("schema/0006-records.sql", schema_0006),
    ENTRY("schema/0007-files.sql", schema_0007),
    ENTRY("schema/0008-counters.sql", schema_0008),
    ENTRY("schema/0009-search.sql", schema_0009),
    ENTRY("schema/0010-board-and-reminders.sql", schema_0010),
    ENTRY("schema/0011-indexes.sql", schema_0011),
    ENTRY("schema/0012-timeline.sql", schema_0012),
    ENTRY("schema/0013-settings.sql", schema_0013),
    ENTRY("schema/0014-speed.sql", schema_0014),
    ENTRY("schema/0015-counters-of-owners.sql", schema_0015),
    ENTRY("schema/0016-activity-lists.sql", schema_0016),
    ENTRY("schema/0017-checkpoints.sql", schema_0017),
    ENTRY("schema/0018-activity-reports.sql", schema_0018),
};

size_t cardfile_resource_count(void) { return sizeof(table) / sizeof(table[0]); }

struct cardfile_resource cardfile_resource_at(size_t index) { return table[index]; }

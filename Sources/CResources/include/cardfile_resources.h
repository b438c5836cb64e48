#ifndef CARDFILE_RESOURCES_H
#define CARDFILE_RESOURCES_H

#include <stddef.h>

// One file of Resources/, compiled into the binary by #embed.
struct cardfile_resource {
  const char *path;            // below Resources/, e.g. "schema/0001-initial.sql"
  const unsigned char *bytes;  // not zero-terminated
  size_t count;
};

size_t cardfile_resource_count(void);

// index < cardfile_resource_count(); what is returned lives as long as the process.
struct cardfile_resource cardfile_resource_at(size_t index);

#endif

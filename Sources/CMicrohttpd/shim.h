#include <microhttpd.h>

// MHD_get_connection_info is variadic, which Swift does not import.
static inline const union MHD_ConnectionInfo *
cardfile_connection_info(struct MHD_Connection *connection,
                         enum MHD_ConnectionInfoType type) {
  return MHD_get_connection_info(connection, type);
}

// libmicrohttpd alone: the same threads and flags as Cardfile's server, one fixed answer.
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "cardfile_benchmark.h"

enum { CONNECTION_MEMORY_BYTES = 64 * 1024, CONNECTIONS_MAX = 4096, IDLE_SECONDS = 60 };

static struct MHD_Daemon *daemon_running;
static struct MHD_Response *response;

static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_size, void **state) {
  (void)context, (void)url, (void)method, (void)version, (void)upload, (void)upload_size;
  // An answer in the first call, before the request is known to have no body, costs the connection:
  // libmicrohttpd closes it afterwards.
  static char seen;
  if (!*state) {
    *state = &seen;
    return MHD_YES;
  }
  return MHD_queue_response(connection, MHD_HTTP_OK, response);
}

// One field that makes the header as long as the one it is compared with.
static enum MHD_Result add_header_bytes(size_t bytes) {
  static const char name[] = "X-Size";
  enum { SEPARATORS_BYTES = 4 };  // ": " and the line's end
  if (bytes <= sizeof(name) - 1 + SEPARATORS_BYTES) return MHD_YES;
  size_t count = bytes - (sizeof(name) - 1) - SEPARATORS_BYTES;
  char *value = malloc(count + 1);
  if (!value) return MHD_NO;
  memset(value, 'x', count);
  value[count] = '\0';
  enum MHD_Result result = MHD_add_response_header(response, name, value);
  free(value);
  return result;
}

int benchmark_bare_http_start(size_t body_bytes, size_t header_bytes, unsigned threads,
                              uint16_t *port) {
  if (daemon_running) return EBUSY;
  char *body = malloc(body_bytes ? body_bytes : 1);
  if (!body) return ENOMEM;
  memset(body, 'x', body_bytes);
  response = MHD_create_response_from_buffer(body_bytes, body, MHD_RESPMEM_MUST_FREE);
  if (!response) return ENOMEM;
  MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
  if (add_header_bytes(header_bytes) != MHD_YES) return ENOMEM;

  struct sockaddr_in loopback = {.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct MHD_OptionItem options[] = {
      {MHD_OPTION_SOCK_ADDR, 0, &loopback},
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY_BYTES, NULL},
      {MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, NULL},
      {MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS, NULL},
      {MHD_OPTION_END, 0, NULL},
      {MHD_OPTION_END, 0, NULL},
  };
  // A pool of one thread is refused; one thread is what there is without a pool.
  if (threads > 1) {
    options[4] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, threads, NULL};
  }
  unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;
  daemon_running = MHD_start_daemon(flags, 0, NULL, NULL, &answer, NULL, MHD_OPTION_ARRAY, options,
                                    MHD_OPTION_END);
  if (!daemon_running) {
    MHD_destroy_response(response);
    return errno ? errno : EIO;
  }
  *port = MHD_get_daemon_info(daemon_running, MHD_DAEMON_INFO_BIND_PORT)->port;
  return 0;
}

void benchmark_bare_http_stop(void) {
  if (!daemon_running) return;
  MHD_stop_daemon(daemon_running);
  MHD_destroy_response(response);
  daemon_running = NULL;
}

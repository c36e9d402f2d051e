/* sasl_peer: one side of a SASL exchange on Cyrus SASL, driven line by line.
 *
 *   sasl_peer client|server MECHANISM [--host NAME] [--min-ssf N] [--max-ssf N] [--max-buffer N]
 *
 * Credentials are those that the GSS-API finds (NTLM_USER_FILE). SSF 0 is no layer, 1 integrity,
 * more confidentiality. The lines read and written are those of pgss_peer's SASL modes:
 *
 *   token B64|-            -> continue B64|-   established B64|-   error TEXT
 *   done  info  quit       -> ok TEXT                              error TEXT
 *   wrap B64  unwrap B64   -> ok B64|-                             error TEXT
 */
#include <sasl/sasl.h>
#include <sasl/saslutil.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kLineSize = 1 << 20 };

struct peer {
  bool client, started, established;
  const char* mechanism;
  sasl_conn_t* connection;
};

static char text[kLineSize], bytes[kLineSize];

static void die(const char* what) {
  fprintf(stderr, "sasl_peer: %s\n", what);
  exit(64);
}

static void say(const char* word, const char* data, unsigned size) {
  unsigned written;
  if (size == 0) {
    printf("%s -\n", word);
  } else if (sasl_encode64(data, size, text, sizeof text, &written) == SASL_OK) {
    printf("%s %s\n", word, text);
  } else {
    printf("error too long\n");
  }
}

static void say_error(const struct peer* peer, int result) {
  char reason[512];
  snprintf(reason, sizeof reason, "%s (%d)", sasl_errdetail(peer->connection), result);
  for (char* c = reason; *c; ++c)
    if (*c == '\n') *c = ' ';
  printf("error %s\n", reason);
}

static unsigned read_base64(const char* line) {
  unsigned size = 0;
  if (strcmp(line, "-") == 0) return 0;
  if (sasl_decode64(line, (unsigned)strlen(line), bytes, sizeof bytes, &size) != SASL_OK)
    die("not base64");
  return size;
}

static void take_token(struct peer* peer, const char* line) {
  const char* out = NULL;
  unsigned out_size = 0, size = read_base64(line);
  int result;
  if (peer->client && !peer->started) {
    const char* chosen;
    result = sasl_client_start(peer->connection, peer->mechanism, NULL, &out, &out_size, &chosen);
  } else if (peer->client) {
    result = sasl_client_step(peer->connection, bytes, size, NULL, &out, &out_size);
  } else if (!peer->started) {
    result = sasl_server_start(peer->connection, peer->mechanism, bytes, size, &out, &out_size);
  } else {
    result = sasl_server_step(peer->connection, bytes, size, &out, &out_size);
  }
  peer->started = true;
  peer->established = result == SASL_OK;
  if (result != SASL_OK && result != SASL_CONTINUE) return say_error(peer, result);
  say(result == SASL_OK ? "established" : "continue", out, out_size);
}

static unsigned limit(const struct peer* peer) {
  const void* value = NULL;
  if (sasl_getprop(peer->connection, SASL_MAXOUTBUF, &value) != SASL_OK) return 0;
  return *(const unsigned*)value;
}

/* wrap: in as many buffers as the other side's maximum size asks for. */
static void wrap(const struct peer* peer, const char* line) {
  static char wire[kLineSize];
  unsigned size = read_base64(line), most = limit(peer), written = 0;
  for (unsigned at = 0; at < size;) {
    const char* out;
    unsigned out_size, piece = size - at < most ? size - at : most;
    int result = sasl_encode(peer->connection, bytes + at, piece, &out, &out_size);
    if (result != SASL_OK) return say_error(peer, result);
    if (out_size > sizeof wire - written) die("too long");
    memcpy(wire + written, out, out_size);
    written += out_size;
    at += piece;
  }
  say("ok", wire, written);
}

static void unwrap(const struct peer* peer, const char* line) {
  const char* out = NULL;
  unsigned out_size = 0, size = read_base64(line);
  int result = sasl_decode(peer->connection, bytes, size, &out, &out_size);
  if (result != SASL_OK) return say_error(peer, result);
  say("ok", out, out_size);
}

static void tell_info(const struct peer* peer) {
  const void *ssf = NULL, *user = NULL;
  sasl_getprop(peer->connection, SASL_SSF, &ssf);
  sasl_getprop(peer->connection, SASL_USERNAME, &user);
  printf("ok ssf=%u max=%u user=%s\n", ssf ? *(const sasl_ssf_t*)ssf : 0, limit(peer),
         user ? (const char*)user : "");
}

static void obey(struct peer* peer, char* line) {
  char* rest = strchr(line, ' ');
  if (rest) *rest++ = 0;
  if (rest && strcmp(line, "token") == 0)
    take_token(peer, rest);
  else if (rest && strcmp(line, "wrap") == 0)
    wrap(peer, rest);
  else if (rest && strcmp(line, "unwrap") == 0)
    unwrap(peer, rest);
  else if (strcmp(line, "info") == 0)
    tell_info(peer);
  else if (strcmp(line, "done") == 0)
    printf(peer->established ? "ok -\n" : "error success before the exchange was complete\n");
  else if (strcmp(line, "quit") == 0)
    exit(0);
  else
    printf("error unknown command %s\n", line);
  fflush(stdout);
}

int main(int argc, char** argv) {
  static char line[kLineSize];
  const char* host = "localhost";
  sasl_security_properties_t wanted = {0, 256, 65536, 0, NULL, NULL};
  struct peer peer = {0};
  int result;
  if (argc < 3) die("usage: sasl_peer client|server MECHANISM [OPTIONS]");
  peer.client = strcmp(argv[1], "client") == 0;
  peer.mechanism = argv[2];
  for (int i = 3; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--host") == 0)
      host = argv[i + 1];
    else if (strcmp(argv[i], "--min-ssf") == 0)
      wanted.min_ssf = (sasl_ssf_t)strtoul(argv[i + 1], NULL, 10);
    else if (strcmp(argv[i], "--max-ssf") == 0)
      wanted.max_ssf = (sasl_ssf_t)strtoul(argv[i + 1], NULL, 10);
    else if (strcmp(argv[i], "--max-buffer") == 0)
      wanted.maxbufsize = (unsigned)strtoul(argv[i + 1], NULL, 10);
    else
      die("unknown option");
  }
  if (peer.client) {
    if (sasl_client_init(NULL) != SASL_OK) die("sasl_client_init");
    result = sasl_client_new("smtp", host, NULL, NULL, NULL, 0, &peer.connection);
  } else {
    if (sasl_server_init(NULL, "sasl_peer") != SASL_OK) die("sasl_server_init");
    result = sasl_server_new("smtp", host, NULL, NULL, NULL, NULL, 0, &peer.connection);
  }
  if (result != SASL_OK) die("no connection");
  if (sasl_setprop(peer.connection, SASL_SEC_PROPS, &wanted) != SASL_OK) die("SASL_SEC_PROPS");
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\r\n")] = 0;
    obey(&peer, line);
  }
  return 0;
}

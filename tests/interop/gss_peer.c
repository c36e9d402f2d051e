/* gss_peer: one side of a GSS-API exchange on the system's library (MIT mechglue, NTLM by
 * gss-ntlmssp; or Heimdal), driven line by line.
 *
 *   gss_peer initiate|accept ntlm|krb5|spnego [--inner ntlm|krb5] [--user NAME --password TEXT]
 *            [--target SERVICE@HOST] [--flags N] [--binding HEX [--address-type N]]
 *
 * NAME is DOMAIN\user. The acceptor finds its accounts in NTLM_USER_FILE (lines
 * DOMAIN:user:password). Of Kerberos KRB5CCNAME and KRB5_KTNAME name the tickets and the keys.
 * --inner is what SPNEGO carries (ntlm). --binding is the application data of the channel bindings,
 * --address-type that of its two addresses (0). The lines read and written are those of pgss_peer:
 *
 *   token B64|-        -> continue B64|-   established B64|-   error TEXT
 *   wrap B64  sign B64  unwrap B64  mic B64          -> ok B64  error TEXT
 *   verify B64-MESSAGE B64-MIC             -> ok -              error TEXT
 *   prf N B64                              -> ok B64            error TEXT
 *   key  info  quit                        -> ok TEXT           error TEXT
 */
#include <gssapi/gssapi.h>
#ifndef PGSS_HEIMDAL
#include <gssapi/gssapi_ext.h>
#endif
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kLineSize = 1 << 20 };

static gss_OID_desc spnego_oid = {6, "\x2b\x06\x01\x05\x05\x02"};
static gss_OID_desc krb5_oid = {9, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"};
static gss_OID_desc ntlm_oid = {10, "\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a"};
/* GSS_C_INQ_SSPI_SESSION_KEY, 1.2.840.113554.1.2.2.5.5 */
static gss_OID_desc session_key_oid = {11, "\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x05\x05"};

struct options {
  bool initiator;
  gss_OID mechanism, inner;
  const char *user, *password, *target, *binding;
  OM_uint32 flags, address_type;
};

struct peer {
  struct options options;
  gss_cred_id_t credential;
  gss_ctx_id_t context;
  gss_name_t target, source;
  struct gss_channel_bindings_struct binding;
  gss_channel_bindings_t bindings;
  OM_uint32 flags;
  gss_OID actual;
};

static void die(const char* what) {
  fprintf(stderr, "gss_peer: %s\n", what);
  exit(64);
}

/* ---- base64 and hex ---- */

static const char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void print_base64(const gss_buffer_desc* bytes) {
  const unsigned char* p = bytes->value;
  if (bytes->length == 0) putchar('-');
  for (size_t i = 0; i < bytes->length; i += 3) {
    size_t left = bytes->length - i;
    uint32_t group =
        (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
    putchar(kAlphabet[group >> 18]);
    putchar(kAlphabet[group >> 12 & 63]);
    putchar(left > 1 ? kAlphabet[group >> 6 & 63] : '=');
    putchar(left > 2 ? kAlphabet[group & 63] : '=');
  }
}

static gss_buffer_desc read_base64(const char* text) {
  gss_buffer_desc out = {0, calloc(strlen(text) + 1, 1)};
  uint32_t group = 0;
  int bits = 0;
  if (!out.value) die("no memory");
  if (strcmp(text, "-") == 0) return out;
  for (; *text && *text != '='; text++) {
    const char* digit = strchr(kAlphabet, *text);
    if (!digit) die("bad base64 on standard input");
    group = group << 6 | (uint32_t)(digit - kAlphabet);
    if ((bits += 6) >= 8)
      ((unsigned char*)out.value)[out.length++] = (unsigned char)(group >> (bits -= 8));
  }
  return out;
}

static gss_buffer_desc read_hex(const char* text) {
  gss_buffer_desc out = {strlen(text) / 2, calloc(strlen(text) + 1, 1)};
  if (!out.value) die("no memory");
  for (size_t i = 0; i < out.length; i++) {
    unsigned byte;
    if (sscanf(text + 2 * i, "%2x", &byte) != 1) die("--binding is not hex");
    ((unsigned char*)out.value)[i] = (unsigned char)byte;
  }
  return out;
}

/* ---- replies ---- */

static void print_status(OM_uint32 code, int type, gss_OID mechanism) {
  OM_uint32 minor, more = 0;
  do {
    gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
    if (gss_display_status(&minor, code, type, mechanism, &more, &text) != GSS_S_COMPLETE) return;
    printf(" %.*s", (int)text.length, (const char*)text.value);
    gss_release_buffer(&minor, &text);
  } while (more != 0);
}

static void print_error(const char* call, OM_uint32 major, OM_uint32 minor, gss_OID mechanism) {
  printf("error %s: major=0x%08x minor=%u:", call, major, minor);
  print_status(major, GSS_C_GSS_CODE, GSS_C_NO_OID);
  print_status(minor, GSS_C_MECH_CODE, mechanism);
  putchar('\n');
}

static void print_bytes(const char* word, const gss_buffer_desc* bytes) {
  printf("%s ", word);
  print_base64(bytes);
  putchar('\n');
}

/* ---- setting up ---- */

static gss_name_t import(const char* text, gss_OID type) {
  gss_buffer_desc buffer = {strlen(text), (void*)text};
  gss_name_t name = GSS_C_NO_NAME;
  OM_uint32 minor;
  if (gss_import_name(&minor, &buffer, type, &name) != GSS_S_COMPLETE)
    die("gss_import_name failed");
  return name;
}

static void acquire(struct peer* peer) {
  gss_OID_set_desc wanted = {1, peer->options.mechanism}, inner = {1, peer->options.inner};
  gss_cred_usage_t usage = peer->options.initiator ? GSS_C_INITIATE : GSS_C_ACCEPT;
  OM_uint32 major, minor;
  if (peer->options.password) {
    gss_buffer_desc password = {strlen(peer->options.password), (void*)peer->options.password};
    gss_name_t user = import(peer->options.user, GSS_C_NT_USER_NAME);
    major = gss_acquire_cred_with_password(&minor, user, &password, 0, &wanted, usage,
                                           &peer->credential, NULL, NULL);
  } else {
    major =
        gss_acquire_cred(&minor, GSS_C_NO_NAME, 0, &wanted, usage, &peer->credential, NULL, NULL);
  }
#ifdef PGSS_HEIMDAL /* its acceptor takes every mechanism that it has keys for */
  (void)inner;
#else
  if (major == GSS_S_COMPLETE && peer->options.mechanism == &spnego_oid)
    major = gss_set_neg_mechs(&minor, peer->credential, &inner);
#endif
  if (major == GSS_S_COMPLETE) return;
  print_error("gss_acquire_cred", major, minor, peer->options.inner);
  exit(1);
}

static void set_up(struct peer* peer) {
  acquire(peer);
  if (peer->options.target) peer->target = import(peer->options.target, GSS_C_NT_HOSTBASED_SERVICE);
  if (!peer->options.binding) return;
  peer->binding.application_data = read_hex(peer->options.binding);
  peer->binding.initiator_addrtype = peer->options.address_type;
  peer->binding.acceptor_addrtype = peer->options.address_type;
  peer->bindings = &peer->binding;
}

/* ---- commands ---- */

static void take_token(struct peer* peer, const char* text) {
  gss_buffer_desc in = read_base64(text), out = GSS_C_EMPTY_BUFFER;
  OM_uint32 major, minor, ignored;
  if (peer->options.initiator)
    major = gss_init_sec_context(&minor, peer->credential, &peer->context, peer->target,
                                 peer->options.mechanism, peer->options.flags, 0, peer->bindings,
                                 &in, &peer->actual, &out, &peer->flags, NULL);
  else
    major = gss_accept_sec_context(&minor, &peer->context, peer->credential, &in, peer->bindings,
                                   &peer->source, &peer->actual, &out, &peer->flags, NULL, NULL);
  if (GSS_ERROR(major))
    print_error("token", major, minor, peer->actual);
  else
    print_bytes(major == GSS_S_COMPLETE ? "established" : "continue", &out);
  gss_release_buffer(&ignored, &out);
  free(in.value);
}

static void answer(struct peer* peer, const char* call, OM_uint32 major, OM_uint32 minor,
                   gss_buffer_desc* out) {
  OM_uint32 ignored;
  if (major != GSS_S_COMPLETE)
    print_error(call, major, minor, peer->options.inner);
  else
    print_bytes("ok", out);
  gss_release_buffer(&ignored, out);
}

static void protect(struct peer* peer, const char* call, const char* text) {
  gss_buffer_desc in = read_base64(text), out = GSS_C_EMPTY_BUFFER;
  OM_uint32 major, minor;
  if (strcmp(call, "wrap") == 0 || strcmp(call, "sign") == 0)
    major = gss_wrap(&minor, peer->context, call[0] == 'w', GSS_C_QOP_DEFAULT, &in, NULL, &out);
  else if (strcmp(call, "unwrap") == 0)
    major = gss_unwrap(&minor, peer->context, &in, &out, NULL, NULL);
  else
    major = gss_get_mic(&minor, peer->context, GSS_C_QOP_DEFAULT, &in, &out);
  answer(peer, call, major, minor, &out);
  free(in.value);
}

static void verify(struct peer* peer, char* text) {
  char* mic_text = strchr(text, ' ');
  if (!mic_text) die("verify wants a message and a MIC");
  *mic_text++ = 0;
  gss_buffer_desc message = read_base64(text), mic = read_base64(mic_text),
                  nothing = GSS_C_EMPTY_BUFFER;
  OM_uint32 minor, major = gss_verify_mic(&minor, peer->context, &message, &mic, NULL);
  answer(peer, "verify", major, minor, &nothing);
  free(message.value);
  free(mic.value);
}

/* The key is numbered as GSS_C_PRF_KEY_FULL and GSS_C_PRF_KEY_PARTIAL are. */
static void pseudo_random(struct peer* peer, char* text) {
  char* input_text = strchr(text, ' ');
  if (!input_text) die("prf wants a key and an input");
  *input_text++ = 0;
  gss_buffer_desc input = read_base64(input_text), out = GSS_C_EMPTY_BUFFER;
  OM_uint32 minor, major = gss_pseudo_random(&minor, peer->context, atoi(text), &input, 64, &out);
  answer(peer, "prf", major, minor, &out);
  free(input.value);
}

static void tell_key(struct peer* peer) {
  gss_buffer_set_t keys = GSS_C_NO_BUFFER_SET;
  OM_uint32 minor,
      major = gss_inquire_sec_context_by_oid(&minor, peer->context, &session_key_oid, &keys);
  if (major != GSS_S_COMPLETE || !keys || keys->count == 0)
    print_error("key", major, minor, peer->options.inner);
  else
    print_bytes("ok", &keys->elements[0]);
  gss_release_buffer_set(&minor, &keys);
}

static void tell_info(struct peer* peer) {
  gss_buffer_desc name = GSS_C_EMPTY_BUFFER;
  OM_uint32 minor;
  if (peer->source) gss_display_name(&minor, peer->source, &name, NULL);
  printf("ok flags=0x%x source=%.*s\n", peer->flags, (int)name.length,
         name.length ? (const char*)name.value : "");
  gss_release_buffer(&minor, &name);
}

static void obey(struct peer* peer, char* line) {
  char* rest = strchr(line, ' ');
  if (rest) *rest++ = 0;
  if (rest && strcmp(line, "token") == 0)
    take_token(peer, rest);
  else if (rest && (strcmp(line, "wrap") == 0 || strcmp(line, "sign") == 0 ||
                    strcmp(line, "unwrap") == 0 || strcmp(line, "mic") == 0))
    protect(peer, line, rest);
  else if (rest && strcmp(line, "verify") == 0)
    verify(peer, rest);
  else if (rest && strcmp(line, "prf") == 0)
    pseudo_random(peer, rest);
  else if (strcmp(line, "key") == 0)
    tell_key(peer);
  else if (strcmp(line, "info") == 0)
    tell_info(peer);
  else if (strcmp(line, "quit") == 0)
    exit(0);
  else
    printf("error unknown command %s\n", line);
  fflush(stdout);
}

static gss_OID mechanism(const char* name) {
  if (strcmp(name, "spnego") == 0) return &spnego_oid;
  if (strcmp(name, "krb5") == 0) return &krb5_oid;
  if (strcmp(name, "ntlm") == 0) return &ntlm_oid;
  die("no such mechanism");
  return NULL;
}

static struct options read_options(int argc, char** argv) {
  struct options options = {0};
  if (argc < 3) die("usage: gss_peer initiate|accept ntlm|krb5|spnego [OPTIONS]");
  options.initiator = strcmp(argv[1], "initiate") == 0;
  options.mechanism = mechanism(argv[2]);
  options.inner = options.mechanism == &spnego_oid ? &ntlm_oid : options.mechanism;
  for (int i = 3; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--user") == 0)
      options.user = argv[i + 1];
    else if (strcmp(argv[i], "--password") == 0)
      options.password = argv[i + 1];
    else if (strcmp(argv[i], "--target") == 0)
      options.target = argv[i + 1];
    else if (strcmp(argv[i], "--binding") == 0)
      options.binding = argv[i + 1];
    else if (strcmp(argv[i], "--flags") == 0)
      options.flags = (OM_uint32)strtoul(argv[i + 1], NULL, 0);
    else if (strcmp(argv[i], "--inner") == 0)
      options.inner = mechanism(argv[i + 1]);
    else if (strcmp(argv[i], "--address-type") == 0)
      options.address_type = (OM_uint32)strtoul(argv[i + 1], NULL, 0);
    else
      die("unknown option");
  }
  if (options.initiator && !options.target) die("an initiator needs --target");
  if (options.initiator && options.inner == &ntlm_oid && (!options.user || !options.password))
    die("an initiator of NTLM needs --user and --password");
  return options;
}

int main(int argc, char** argv) {
  static char line[kLineSize];
  struct peer peer = {.options = read_options(argc, argv),
                      .credential = GSS_C_NO_CREDENTIAL,
                      .context = GSS_C_NO_CONTEXT};
  set_up(&peer);
  while (fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\r\n")] = 0;
    obey(&peer, line);
  }
  return 0;
}

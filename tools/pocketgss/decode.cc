// The verb `decode`: its options.
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <memory>
#include <optional>

#include "tools/decode/command.h"
#include "tools/decode/decode.h"
#include "tools/decode/decrypt.h"
#include "tools/krb5/files.h"
#include "tools/pocketgss/password.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

struct Options {
  DecodeOptions decode;
  bool hex = false, base64 = false, raw = false;
  std::string file = "-";
  std::string keytab, password_file;
};

// Keys is what --keytab and --password-file name.
struct Keys {
  std::optional<Runtime> runtime;
  std::optional<Decryptor> decryptor;
};

Fallible<Nothing> read_keys(const Options& options, Keys& keys) {
  if (options.keytab.empty() && options.password_file.empty()) return Nothing{};
  auto runtime = Runtime::create();
  if (!runtime.has_value()) return Failure{ExitCode::kSoftware, describe(runtime.error())};
  keys.runtime.emplace(std::move(runtime).value());
  keys.decryptor.emplace(*keys.runtime);
  if (!options.keytab.empty()) {
    const auto loaded = load_keytab(options.keytab);
    if (!loaded.has_value()) return loaded.failure();
    keys.decryptor->add(loaded.value().keytab);
  }
  if (!options.password_file.empty()) {
    auto password = read_password(options.password_file, "");
    if (!password.has_value()) return password.failure();
    keys.decryptor->set_password(std::move(password).value());
  }
  return Nothing{};
}

ExitCode run(Options& options) {
  if (options.hex) options.decode.format = InputFormat::kHex;
  if (options.base64) options.decode.format = InputFormat::kBase64;
  if (options.raw) options.decode.format = InputFormat::kRaw;
  Keys keys;
  const auto read = read_keys(options, keys);
  if (!read.has_value()) return report("decode", read.failure());
  if (keys.decryptor) options.decode.decryptor = &*keys.decryptor;
  if (options.file == "-") {
    // In step with stdin of C, std::cin could not tell a failed read from the end.
    std::ios::sync_with_stdio(false);
    return static_cast<ExitCode>(run_decode(options.decode, std::cin, std::cout, std::cerr));
  }
  std::ifstream in(options.file, std::ios::binary);
  if (!in) {
    return report("decode",
                  Failure{ExitCode::kNoInput, "cannot open " + tools::quoted(options.file) + ": " +
                                                  system_error_text(errno)});
  }
  return static_cast<ExitCode>(run_decode(options.decode, in, std::cout, std::cerr));
}

std::string kinds_help() {
  std::string text = "Take the token for this kind:";
  for (const std::string_view kind : kTokenKinds) text.append(" ").append(kind);
  return text;
}

}  // namespace

void add_decode(CLI::App& app, Run& run_verb) {
  CLI::App* verb = app.add_subcommand(
      "decode",
      "Show a SPNEGO, NTLM or Kerberos token, a key table or a credential cache as a tree");
  auto options = std::make_shared<Options>();
  verb->add_flag("--json", options->decode.json,
                 "One JSON object on standard output, also for a refusal");
  CLI::Option* hex = verb->add_flag("--hex", options->hex, "The input is hex");
  CLI::Option* base64 = verb->add_flag("--base64", options->base64, "The input is base64");
  CLI::Option* raw = verb->add_flag("--raw", options->raw, "The input is the token's own octets");
  hex->excludes(base64)->excludes(raw);
  base64->excludes(raw);
  verb->add_flag("--batch", options->decode.batch,
                 "A token a line; one JSON object a line, exit code 0")
      ->excludes(raw);
  verb->add_flag(
      "--show-keys", options->decode.show_keys,
      "Show the keys of a key table or a credential cache, and those that were decrypted; "
      "else they are <secret>");
  verb->add_option("--keytab", options->keytab,
                   "Decrypt what the keys of this key table open, and what those keys lead to")
      ->type_name("FILE");
  verb->add_option("--password-file", options->password_file,
                   "Decrypt what the password in this file opens: AS-REQ and AS-REP of its user")
      ->type_name("FILE");
  verb->add_option("--as", options->decode.kind, kinds_help())
      ->type_name("KIND")
      ->check(CLI::IsMember(std::vector<std::string>(kTokenKinds.begin(), kTokenKinds.end()))
                  .description(""));
  verb->add_option("FILE", options->file, "Where the token is; - for standard input")
      ->capture_default_str();
  verb->footer(
      "Without --hex, --base64 or --raw the input's form is told from its characters: hex digits "
      "alone\n"
      "are hex, other printable text is base64, anything else is raw. At most 1 MiB is read.");
  verb->callback([&run_verb, options] { run_verb = [options] { return run(*options); }; });
}

}  // namespace pocketgss::tools

// The verb `decode`: its options.
#include <CLI/CLI.hpp>

#include <fstream>
#include <iostream>
#include <memory>

#include "tools/decode/command.h"
#include "tools/decode/decode.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

struct Options {
  DecodeOptions decode;
  bool hex = false, base64 = false, raw = false;
  std::string file = "-";
};

ExitCode run(Options& options) {
  if (options.hex) options.decode.format = InputFormat::kHex;
  if (options.base64) options.decode.format = InputFormat::kBase64;
  if (options.raw) options.decode.format = InputFormat::kRaw;
  if (options.file == "-") {
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
      "decode", "Show a SPNEGO or NTLM token, a key table or a credential cache as a tree");
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
  verb->add_flag("--show-keys", options->decode.show_keys,
                 "Show the keys of a key table or a credential cache; else they are <secret>");
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

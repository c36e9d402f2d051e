// verify_recording FILE: prints what of a recorded login the password explains. Exit code 0: all of
// it.
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "tools/demo/recording.h"

namespace {

using namespace pocketgss;
using namespace pocketgss::tools;

int fail(const std::string& message) {
  std::cerr << "verify_recording: " << message << '\n';
  return 1;
}

int run(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto recording = parse_recording(text);
  if (!recording) return fail(std::string("no recording in ") + path);
  auto runtime = Runtime::create();
  if (!runtime.has_value()) return fail(describe(runtime.error()));
  const auto checks = verify_recording(runtime.value(), *recording);
  if (!checks.has_value()) return fail(describe(checks.error()));

  std::cout << "initiator: " << recording->initiator << "\nacceptor:  " << recording->acceptor
            << "\naccount:   " << recording->domain << '\\' << recording->user << ", password "
            << recording->password << '\n';
  bool all_right = true;
  for (const Check& check : checks.value()) {
    std::cout << (check.right ? "right  " : "WRONG  ") << check.what << ": " << check.detail
              << '\n';
    all_right = all_right && check.right;
  }
  return all_right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  return argc == 2 ? run(argv[1]) : fail("usage: verify_recording FILE");
}

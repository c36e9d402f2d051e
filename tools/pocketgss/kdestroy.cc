// The verb `kdestroy`: overwrites and deletes a credential cache.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include <CLI/CLI.hpp>

#include "tools/files.h"
#include "tools/krb5/files.h"
#include "tools/pocketgss/report.h"
#include "tools/pocketgss/verbs.h"
#include "tools/text.h"

namespace pocketgss::tools {
namespace {

Failure failed(const std::string& path, const char* what) {
  const ExitCode code = errno == ENOENT ? ExitCode::kNoInput : ExitCode::kIoError;
  return Failure{code, std::string("cannot ") + what + " " + tools::quoted(path) + ": " +
                           system_error_text(errno)};
}

// overwrite writes zeros over a whole file, so that its keys are gone even where its blocks are
// given to another file.
bool overwrite(int fd, off_t size) {
  static constexpr std::array<uint8_t, 4096> kZeros{};
  while (size > 0) {
    const auto part = std::min<size_t>(kZeros.size(), static_cast<size_t>(size));
    if (!write_all(fd, ByteView(kZeros.data(), part))) return false;
    size -= static_cast<off_t>(part);
  }
  return ::fsync(fd) == 0;
}

// is_ccache tells by the version where it can: then a cache that is broken can be destroyed too. The
// versions 1 and 2 look like key tables, which must not be lost so easily: they are read.
Fallible<bool> is_ccache(int fd, const std::string& path) {
  const auto octets = read_descriptor(fd, path, kMaxKrb5File);
  if (!octets.has_value()) return octets.failure();
  const ByteView file = octets.value().view();
  if (file.size() < 2 || file[0] != 5) return false;
  return file[1] == 3 || file[1] == 4 || mechs::krb5::parse_ccache(file).has_value();
}

// destroy refuses what is no credential cache: a wrong --ccache must not cost anyone a file. It
// follows no link at the end of the path, for in /tmp anybody can put one.
Fallible<Nothing> destroy(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) return failed(path, "open");
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) return failed(path, "open");
  if (!S_ISREG(status.st_mode))
    return Failure{ExitCode::kDataError, tools::quoted(path) + " is not a file; it is left alone"};
  const auto known = is_ccache(file.get(), path);
  if (!known.has_value()) return known.failure();
  if (!known.value()) {
    return Failure{ExitCode::kDataError,
                   tools::quoted(path) + " is not a credential cache; it is left alone"};
  }
  if (::lseek(file.get(), 0, SEEK_SET) != 0 || !overwrite(file.get(), status.st_size))
    return failed(path, "overwrite");
  if (::unlink(path.c_str()) != 0) return failed(path, "delete");
  return Nothing{};
}

ExitCode run_kdestroy(const std::string& given) {
  const auto path = ccache_path(given);
  if (!path.has_value()) return report("kdestroy", path.failure());
  const auto done = destroy(path.value());
  return done.has_value() ? ExitCode::kOk : report("kdestroy", done.failure());
}

}  // namespace

void add_kdestroy(CLI::App& app, Run& run) {
  CLI::App* verb =
      app.add_subcommand("kdestroy", "Overwrite and delete a Kerberos credential cache");
  const auto ccache = std::make_shared<std::string>();
  verb->add_option("--ccache", *ccache, "The cache; default: KRB5CCNAME, else /tmp/krb5cc_UID")
      ->type_name("FILE");
  verb->footer("A file that is not a credential cache is left alone.");
  verb->callback([ccache, &run] { run = [ccache] { return run_kdestroy(*ccache); }; });
}

}  // namespace pocketgss::tools

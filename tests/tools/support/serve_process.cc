// ServeProcess: `pocketgss serve` in a folder of its own.
#include "tests/tools/support/serve_process.h"

namespace pocketgss::tools::testing {
namespace {

// port_in finds the port in "pocketgss serve: listening on 127.0.0.1:PORT".
uint16_t port_in(const std::string& text, const std::string& address = "") {
  const size_t line = text.find("listening on " + address);
  const size_t end = text.find('\n', line);
  const size_t colon = text.rfind(':', end);
  return static_cast<uint16_t>(std::stoul(text.substr(colon + 1, end - colon - 1)));
}

}  // namespace

bool ServeProcess::start(Arguments more, const std::string& listen) {
  Arguments all = {"serve",     "--listen",      listen,       "--users",          folder / "users",
                   "--maildir", folder / "mail", "--hostname", "mail.example.test"};
  all.insert(all.end(), more.begin(), more.end());
  return run(std::move(all));
}

bool ServeProcess::start_without_users(Arguments more) {
  Arguments all = {"serve",         "--listen",   "127.0.0.1:0",      "--maildir",
                   folder / "mail", "--hostname", "mail.example.test"};
  all.insert(all.end(), more.begin(), more.end());
  return run(std::move(all));
}

bool ServeProcess::run(Arguments arguments) {
  process_ = std::make_unique<Process>(arguments);
  const bool listening =
      process_->read_error_until("listening on ") && process_->read_error_until("\n");
  if (listening) port_ = port_in(process_->error());
  return listening;
}

bool ServeProcess::start_with_tls(Arguments more, const std::string& listen) {
  more.insert(more.end(), {"--tls-cert", PGSS_TEST_DATA "/server.pem", "--tls-key",
                           PGSS_TEST_DATA "/server.key"});
  return start(std::move(more), listen);
}

uint16_t ServeProcess::port_of(const std::string& address) {
  return logged("listening on " + address + ":") ? port_in(log(), address) : uint16_t{0};
}

SessionOptions ServeProcess::options(const std::string& password) const {
  SessionOptions options;
  options.port = port_;
  options.password = password;
  return options;
}

SessionOptions ServeProcess::tls_options(const std::string& password) const {
  SessionOptions with_tls = options(password);
  with_tls.smtp.tls = SmtpClientConfig::Tls::kStartTls;
  with_tls.trust = TrustStore::from_file(PGSS_TEST_DATA "/ca.pem").value();
  return with_tls;
}

std::vector<std::string> ServeProcess::messages() const {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "mail" / "new")) {
    out.push_back(content_of(entry.path()));
  }
  return out;
}

size_t ServeProcess::temporary_files() const {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator(folder.path() / "mail" / "tmp"), {}));
}

}  // namespace pocketgss::tools::testing

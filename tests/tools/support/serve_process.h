// ServeProcess: `pocketgss serve` in a folder of its own, with the account bob / password.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_SERVE_PROCESS_H_
#define PGSS_TESTS_TOOLS_SUPPORT_SERVE_PROCESS_H_

#include <memory>
#include <string>
#include <vector>

#include "tests/tools/support/mail_session.h"
#include "tests/tools/support/process.h"
#include "tests/tools/support/raw_client.h"
#include "tests/tools/support/temp_folder.h"

namespace pocketgss::tools::testing {

inline constexpr const char* kBob = "bob:8846f7eaee8fb117ad06bdd830b7586c\n";  // password

class ServeProcess {
 public:
  ServeProcess() { folder.write("users", kBob); }

  // start adds --users, --maildir and --hostname; false: it did not come to listen, see process().
  bool start(Arguments more = {}, const std::string& listen = "127.0.0.1:0");
  // start_without_users leaves --users out.
  bool start_without_users(Arguments more = {});
  bool start_with_tls(Arguments more = {}, const std::string& listen = "127.0.0.1:0");
  Process& process() { return *process_; }
  uint16_t port() const { return port_; }
  // port_of is that of a further --listen ADDRESS:0; 0: it is not listened on.
  uint16_t port_of(const std::string& address);

  SessionOptions options(const std::string& password = "password") const;
  SessionOptions tls_options(const std::string& password = "password") const;

  // messages are those in new/, each as its whole content.
  std::vector<std::string> messages() const;
  size_t temporary_files() const;
  // logged waits until the log has `text`.
  bool logged(const std::string& text) { return process_->read_error_until(text); }
  const std::string& log() const { return process_->error(); }

  TempFolder folder;

 private:
  bool run(Arguments arguments);

  std::unique_ptr<Process> process_;
  uint16_t port_ = 0;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_SERVE_PROCESS_H_

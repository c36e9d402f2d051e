// RunningServer: `serve` in a thread of the test's own, for settings that the command line has not.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_RUNNING_SERVER_H_
#define PGSS_TESTS_TOOLS_SUPPORT_RUNNING_SERVER_H_

#include <functional>
#include <memory>
#include <thread>

#include "tests/tools/support/temp_folder.h"
#include "tools/net/server.h"

namespace pocketgss::tools::testing {

// RunningServer serves from a thread until it is destroyed.
class RunningServer {
 public:
  explicit RunningServer(const std::function<void(ServerConfig&)>& change = [](ServerConfig&) {}) {
    ServerConfig config;
    config.listen = {Endpoint{"127.0.0.1", 0}};
    config.users_file = folder.write("users", "bob:8846f7eaee8fb117ad06bdd830b7586c\n");
    config.maildir = folder / "mail";
    config.stop_time = 1'000'000;
    change(config);
    server_ = Server::open(std::move(config)).value();
    thread_ = std::thread([this] { server_->run(); });
  }
  ~RunningServer() {
    server_->stop();
    thread_.join();
  }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  void stop() { server_->stop(); }
  uint16_t port() const { return *server_->addresses().front().port; }
  size_t connections() const { return server_->connection_count(); }

  TempFolder folder;

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_RUNNING_SERVER_H_

// ScriptedServer: an SMTP server on loopback that says what a test tells it to, to one client.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_SCRIPTED_SERVER_H_
#define PGSS_TESTS_TOOLS_SUPPORT_SCRIPTED_SERVER_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/lib/support/loopback.h"

namespace pocketgss::tools::testing {

class ScriptedServer {
 public:
  // Answer gives the reply to a line, without its line end; empty: none.
  using Answer = std::function<std::string(const std::string& line)>;

  explicit ScriptedServer(Answer answer);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(sockets_.port); }
  // lines are those that came, to the client's end of the connection.
  const std::vector<std::string>& lines();

 private:
  void serve();

  Answer answer_;
  pocketgss::testing::LoopbackSockets sockets_;
  std::vector<std::string> lines_;
  std::thread thread_;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_SCRIPTED_SERVER_H_

// ScriptedServer: an SMTP server on loopback that says what a test tells it to, to one client.
#ifndef PGSS_TESTS_TOOLS_SUPPORT_SCRIPTED_SERVER_H_
#define PGSS_TESTS_TOOLS_SUPPORT_SCRIPTED_SERVER_H_

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/lib/support/loopback.h"
#include "tools/tls/tls.h"

namespace pocketgss::tools::testing {

// ScriptedManner is how the server behaves. A line is named by how it begins; the greeting is the
// answer to the empty one.
struct ScriptedManner {
  std::optional<ServerIdentity> tls = std::nullopt;  // from the first byte, or behind STARTTLS
  bool starttls = false;
  std::optional<std::string> hangs_up_on = std::nullopt;   // a line: closes instead of an answer
  std::optional<std::string> closes_after = std::nullopt;  // a line: answers, and then closes
  std::optional<std::string> dribbles_on = std::nullopt;  // a line: its answer comes octet by octet
  std::chrono::milliseconds pause{200};                   // between two of these octets
  // What it says with the end of its TLS handshake, in one piece; then it closes.
  std::optional<std::string> parts_with = std::nullopt;
  bool resets = false;  // it closes by a reset
};

class ScriptedServer {
 public:
  // Answer gives the reply to a line, without its line end; empty: none.
  using Answer = std::function<std::string(const std::string& line)>;

  explicit ScriptedServer(Answer answer, ScriptedManner manner = {});
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  uint16_t port() const { return sockets_.port; }
  std::string address() const { return "127.0.0.1:" + std::to_string(sockets_.port); }
  // lines are those that came, to the client's end of the connection.
  const std::vector<std::string>& lines();

 private:
  void serve();
  bool talk(int connection);
  bool shake_hands(int connection);
  bool on_line(int connection, const std::string& line);
  bool answer(int connection, const std::string& line, const std::string& text);
  bool say(int connection, std::string_view text);
  bool flush(int connection);
  std::optional<std::string> hear(int connection);

  Answer answer_;
  ScriptedManner manner_;
  pocketgss::testing::LoopbackSockets sockets_;
  std::unique_ptr<TlsEngine> tls_;
  std::string waiting_;  // what came and is no line yet
  std::vector<std::string> lines_;
  std::thread thread_;
};

}  // namespace pocketgss::tools::testing

#endif  // PGSS_TESTS_TOOLS_SUPPORT_SCRIPTED_SERVER_H_

// ScriptedServer: an SMTP server that says what a test tells it to.
#include "tests/tools/support/scripted_server.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace pocketgss::tools::testing {
namespace {

constexpr int kPatience = 20'000;  // milliseconds, for a client to come

void say(int connection, const std::string& text) {
  ::send(connection, text.data(), text.size(), MSG_NOSIGNAL);
}

}  // namespace

ScriptedServer::ScriptedServer(Answer answer)
    : answer_(std::move(answer)), sockets_(pocketgss::testing::loopback_sockets()) {
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(sockets_.tcp, SHUT_RDWR);  // where nobody came
  if (thread_.joinable()) thread_.join();
  ::close(sockets_.tcp);
  ::close(sockets_.udp);
}

const std::vector<std::string>& ScriptedServer::lines() {
  if (thread_.joinable()) thread_.join();
  return lines_;
}

void ScriptedServer::serve() {
  pollfd entry{sockets_.tcp, POLLIN, 0};
  if (::poll(&entry, 1, kPatience) <= 0) return;
  const int connection = ::accept(sockets_.tcp, nullptr, nullptr);
  if (connection < 0) return;
  say(connection, "220 scripted\r\n");
  std::string waiting;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::recv(connection, piece.data(), piece.size(), 0);
    if (got <= 0) break;
    waiting.append(piece.data(), static_cast<size_t>(got));
    for (size_t end = 0; (end = waiting.find("\r\n")) != std::string::npos;) {
      lines_.push_back(waiting.substr(0, end));
      waiting.erase(0, end + 2);
      if (const std::string reply = answer_(lines_.back()); !reply.empty())
        say(connection, reply + "\r\n");
    }
  }
  ::close(connection);
}

}  // namespace pocketgss::tools::testing

// ScriptedServer: an SMTP server that says what a test tells it to.
#include "tests/tools/support/scripted_server.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace pocketgss::tools::testing {
namespace {

constexpr int kPatience = 20'000;  // milliseconds, for a client to come

bool send_all(int connection, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes = bytes.from(static_cast<size_t>(sent));
  }
  return true;
}

bool begins(const std::optional<std::string>& with, const std::string& line) {
  return with && (with->empty() ? line.empty() : line.starts_with(*with));
}

}  // namespace

ScriptedServer::ScriptedServer(Answer answer, ScriptedManner manner)
    : answer_(std::move(answer)),
      manner_(std::move(manner)),
      sockets_(pocketgss::testing::loopback_sockets()) {
  if (manner_.tls && !manner_.starttls) tls_ = make_tls_server(*manner_.tls).value();
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
  talk(connection);
  if (tls_) {
    tls_->close();
    flush(connection);
  }
  const linger at_once{1, 0};
  if (manner_.resets) ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(connection);
}

// talk returns false once there is nothing more to say or to hear.
bool ScriptedServer::talk(int connection) {
  if (tls_ && !shake_hands(connection)) return false;
  if (begins(manner_.hangs_up_on, "") || !answer(connection, "", "220 scripted\r\n")) return false;
  if (begins(manner_.closes_after, "")) return false;
  for (;;) {
    for (size_t end = 0; (end = waiting_.find("\r\n")) != std::string::npos;) {
      const std::string line = waiting_.substr(0, end);
      waiting_.erase(0, end + 2);
      if (!on_line(connection, line)) return false;
    }
    const auto piece = hear(connection);
    if (!piece) return false;
    waiting_ += *piece;
  }
}

// shake_hands: a client of TLS 1.3 may say something with the end of its handshake.
bool ScriptedServer::shake_hands(int connection) {
  while (!tls_->established()) {
    const auto piece = hear(connection);
    if (!piece) return false;
    waiting_ += *piece;
  }
  return true;
}

bool ScriptedServer::on_line(int connection, const std::string& line) {
  lines_.push_back(line);
  if (begins(manner_.hangs_up_on, line)) return false;
  const std::string reply = answer_(line);
  if (!reply.empty() && !answer(connection, line, reply + "\r\n")) return false;
  if (begins(manner_.closes_after, line)) return false;
  if (!manner_.starttls || line != "STARTTLS") return true;
  tls_ = make_tls_server(*manner_.tls).value();
  return shake_hands(connection);
}

bool ScriptedServer::answer(int connection, const std::string& line, const std::string& text) {
  if (!begins(manner_.dribbles_on, line)) return say(connection, text);
  for (const char& octet : text) {
    if (!say(connection, std::string_view(&octet, 1))) return false;
    std::this_thread::sleep_for(manner_.pause);
  }
  return true;
}

bool ScriptedServer::say(int connection, std::string_view text) {
  if (!tls_) return send_all(connection, as_bytes(text));
  return tls_->send(as_bytes(text)).has_value() && flush(connection);
}

bool ScriptedServer::flush(int connection) {
  return send_all(connection, tls_->take_output());
}

// hear returns what came, which may be nothing within TLS; none: the client is gone.
std::optional<std::string> ScriptedServer::hear(int connection) {
  std::array<uint8_t, 4096> piece{};
  const ssize_t got = ::recv(connection, piece.data(), piece.size(), 0);
  if (got <= 0) return std::nullopt;
  const ByteView bytes(piece.data(), static_cast<size_t>(got));
  if (!tls_) return std::string(as_text(bytes));
  const bool received = tls_->receive(bytes).has_value();
  const bool parts =
      manner_.parts_with && tls_->send(as_bytes(*manner_.parts_with + "\r\n")).has_value();
  if (parts) tls_->close();
  if (!flush(connection) || !received || parts || tls_->peer_closed()) return std::nullopt;
  return std::string(as_text(tls_->take_plaintext()));
}

}  // namespace pocketgss::tools::testing

// Log lines on standard error.
#include "tools/net/log.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>

#include "tools/text.h"

namespace pocketgss::tools {
namespace {

// time_stamp: RFC 3339 in UTC, with milliseconds.
std::string time_stamp(UnixMicros now) {
  using namespace std::chrono;
  const auto at = floor<milliseconds>(sys_time<microseconds>(microseconds(now)));
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(at - day);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return text.data();
}

std::string peer_text(const LogPeer& peer) {
  return " from=" + peer.address +
         " tls=" + (peer.tls_version.empty() ? "none" : std::string(peer.tls_version));
}

const char* yes_no(bool value) {
  return value ? "yes" : "no";
}

std::string mechanism_text(const SaslReport& report) {
  return std::string(sasl_label(report.mechanism)) + "/" + report.context.mechanism;
}

// logon_text is the account in the PAC, where the principal's name is not the whole story.
std::string logon_text(const ContextInfo& context) {
  return context.logon_name.empty() ? "" : " logon=" + quoted(context.logon_name);
}

const char* layer_text(const SaslReport& report) {
  if (report.layer == kNoLayer) return "";
  return report.layer == kIntegrityLayer ? " layer=integrity" : " layer=confidentiality";
}

}  // namespace

void log_line(Clock& clock, std::string_view text) {
  const std::string line =
      time_stamp(clock.now()) + " pocketgss serve: " + std::string(text) + "\n";
  static_cast<void>(!::write(STDERR_FILENO, line.data(), line.size()));
}

std::string login_text(const SaslReport& report, const LogPeer& peer) {
  const ContextInfo& context = report.context;
  return "login: user=" + quoted(context.account_name) + " as=" + quoted(context.initiator_name) +
         logon_text(context) + " mechanism=" + mechanism_text(report) + peer_text(peer) +
         " channel-bound=" + yes_no(context.channel_bound) +
         " mic=" + yes_no(context.mic_verified) + layer_text(report);
}

std::string refusal_text(const SmtpServer::LoginRefused& refused, const LogPeer& peer) {
  return "login refused: claimed=" + quoted(refused.claimed) +
         " mechanism=" + std::string(sasl_name(refused.mechanism)) + peer_text(peer) +
         (refused.context_complete ? " credential=taken" : "") +
         " reason: " + describe(refused.error);
}

}  // namespace pocketgss::tools

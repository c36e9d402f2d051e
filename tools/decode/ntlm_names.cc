// What the numbers of an NTLM message mean, in words.
#include "tools/decode/ntlm_names.h"

#include <array>
#include <chrono>
#include <cstdio>

#include "mechs/ntlm/av_pair.h"
#include "mechs/ntlm/flags.h"

namespace pocketgss::tools {
namespace {

using namespace mechs::ntlm;

std::string numbered(const char* format, uint32_t number) {
  char text[32];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

constexpr std::array kAvFlags = {
    FlagName{kAvAccountConstrained, "the account's authentication is constrained"},
    FlagName{kAvMicPresent, "the AUTHENTICATE_MESSAGE carries a MIC"},
    FlagName{kAvUntrustedSpn, "the target name comes from an untrusted source"},
};

template <size_t N>
std::vector<std::string> bit_names(uint32_t flags, const std::array<FlagName, N>& table) {
  std::vector<std::string> names;
  for (const FlagName& flag : table) {
    if (has_flag(flags, flag.bit)) names.emplace_back(flag.name);
    flags &= ~flag.bit;
  }
  if (flags != 0) names.push_back(numbered("reserved 0x%08x", flags));
  return names;
}

}  // namespace

std::vector<std::string> negotiate_flag_names(uint32_t flags) {
  return bit_names(flags, kFlagNames);
}
std::vector<std::string> av_flag_names(uint32_t flags) {
  return bit_names(flags, kAvFlags);
}

std::string av_id_name(uint16_t av_id) {
  const std::string known = mechs::ntlm::name(static_cast<AvId>(av_id));
  return known == "AvId" ? numbered("AvId 0x%04x", av_id) : known;
}

std::string filetime_text(uint64_t filetime) {
  using namespace std::chrono;
  constexpr uint64_t kTicksPerSecond = 10'000'000;
  constexpr int64_t kSecondsFrom1601To1970 = 11'644'473'600;
  constexpr uint64_t kEndOfYear9999 = 2'650'467'744'000'000'000;
  if (filetime >= kEndOfYear9999) return "";
  const auto whole = sys_seconds(
      seconds(static_cast<int64_t>(filetime / kTicksPerSecond) - kSecondsFrom1601To1970));
  const auto day = floor<days>(whole);
  const year_month_day date(day);
  const hh_mm_ss time(whole - day);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d.%07u UTC",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<unsigned>(filetime % kTicksPerSecond));
  return text;
}

}  // namespace pocketgss::tools

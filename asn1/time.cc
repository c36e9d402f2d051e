// The calendar of KerberosTime: the Gregorian one, backwards to the year 0 (ISO 8601).
#include "asn1/time.h"

#include <algorithm>
#include <optional>

namespace pocketgss::asn1 {
namespace {

constexpr int64_t kSecondsOfDay = 86400;

struct Civil {
  int year;
  int month;  // 1 to 12
  int day;    // 1 to 31
  int hour, minute, second;
};

constexpr bool is_leap(int year) {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int days_in(int month, int year) {
  if (month == 2) return is_leap(year) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// Years are counted from March here, so that a leap day is the last of its year; 153 days are the
// five months from March to July, and every such run. 719468 days lie between 0000-03-01 and 1970.
constexpr int64_t kDaysToEpoch = 719468;
constexpr int kDaysOf400Years = 146097;

constexpr int64_t days_from_epoch(int year, int month, int day) {
  const int from_march = year - (month <= 2 ? 1 : 0) + 400;  // never negative
  const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return int64_t{365} * from_march + from_march / 4 - from_march / 100 + from_march / 400 +
         of_year - kDaysOf400Years - kDaysToEpoch;
}

constexpr Civil civil(KerberosTime time) {
  const int64_t since = time.seconds - kMinKerberosTime.seconds;  // 0000-01-01, never negative
  const auto of_day = static_cast<int>(since % kSecondsOfDay);
  // From 0400-03-01 before the year 0 on, so that there is no negative number.
  const int64_t days = since / kSecondsOfDay - 60 + kDaysOf400Years;
  const int64_t era = days / kDaysOf400Years;
  const auto of_era = static_cast<int>(days % kDaysOf400Years);
  const int year_of_era =
      (of_era - of_era / 1460 + of_era / 36524 - of_era / (kDaysOf400Years - 1)) / 365;
  const int of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int from_march = (5 * of_year + 2) / 153;
  const int month = from_march + (from_march < 10 ? 3 : -9);
  const auto year = static_cast<int>(year_of_era + era * 400 - 400) + (month <= 2 ? 1 : 0);
  return Civil{
      year,       month, of_year - (153 * from_march + 2) / 5 + 1, of_day / 3600, of_day / 60 % 60,
      of_day % 60};
}

constexpr Civil kEpoch = civil(KerberosTime{0});
static_assert(kEpoch.year == 1970 && kEpoch.month == 1 && kEpoch.day == 1 && kEpoch.second == 0);
static_assert(days_from_epoch(0, 1, 1) * kSecondsOfDay == kMinKerberosTime.seconds);
static_assert((days_from_epoch(9999, 12, 31) + 1) * kSecondsOfDay - 1 == kMaxKerberosTime.seconds);

// Digits reads numbers of two digits; `bad` is the index of the first that is none or too high.
class Digits {
 public:
  explicit Digits(ByteView text) : text_(text) {}

  int two(int low, int high) {
    const int tens = digit();
    const int value = tens * 10 + digit();
    if (!bad_ && (value < low || value > high)) bad_ = static_cast<uint32_t>(at_ - 2);
    return value;
  }
  std::optional<uint32_t> bad() const { return bad_; }

 private:
  int digit() {
    const int value = text_[at_] - '0';
    if (!bad_ && (value < 0 || value > 9)) bad_ = static_cast<uint32_t>(at_);
    ++at_;
    return value;
  }

  ByteView text_;
  size_t at_ = 0;
  std::optional<uint32_t> bad_;
};

void put(char*& out, int value, int digits) {
  for (int i = digits; i > 0; --i, value /= 10) out[i - 1] = static_cast<char>('0' + value % 10);
  out += digits;
}

Civil nearest(KerberosTime time) {
  return civil(std::clamp(time, kMinKerberosTime, kMaxKerberosTime));
}

}  // namespace

// RFC 4120 5.2.3: "MUST NOT include any fractional portions of the seconds. ... the encoding of
// KerberosTime as UTC time always ends in 'Z'". 23:59:60 is not a time that any KDC gives.
Result<KerberosTime> kerberos_time(Reader& in, const char* field) {
  Reader after = in;
  PGSS_TRY(const ByteView text, after.contents(kGeneralizedTime, field));
  const uint32_t start = after.offset() - static_cast<uint32_t>(text.size());
  if (text.size() != kKerberosTimeSize) return Error{Errc::kMalformed, field, in.offset() + 1, 0};
  Digits digits(text);
  const int century = digits.two(0, 99);
  const int year = century * 100 + digits.two(0, 99);
  const int month = digits.two(1, 12);
  const int day = digits.two(1, digits.bad() ? 31 : days_in(month, year));
  const int hour = digits.two(0, 23);
  const int minute = digits.two(0, 59);
  const int second = digits.two(0, 59);
  if (const auto bad = digits.bad()) return Error{Errc::kMalformed, field, start + *bad, 0};
  if (text.back() != 'Z') {
    return Error{Errc::kMalformed, field, start + static_cast<uint32_t>(text.size()) - 1, 0};
  }
  in = after;
  return KerberosTime{days_from_epoch(year, month, day) * kSecondsOfDay + hour * 3600 +
                      minute * 60 + second};
}

void write(Writer& out, KerberosTime time) {
  const Civil at = nearest(time);
  char text[kKerberosTimeSize];
  char* end = text;
  put(end, at.year, 4);
  for (const int part : {at.month, at.day, at.hour, at.minute, at.second}) put(end, part, 2);
  *end = 'Z';
  out.element(kGeneralizedTime, as_bytes(std::string_view(text, sizeof(text))));
}

std::string iso_text(KerberosTime time) {
  const Civil at = nearest(time);
  char text[20];
  char* end = text;
  put(end, at.year, 4);
  const auto part = [&](char before, int value) {
    *end++ = before;
    put(end, value, 2);
  };
  part('-', at.month);
  part('-', at.day);
  part('T', at.hour);
  part(':', at.minute);
  part(':', at.second);
  *end = 'Z';
  return std::string(text, sizeof(text));
}

}  // namespace pocketgss::asn1

// Result<T>: a value or an Error. PGSS_TRY and PGSS_CHECK pass an Error on.
#ifndef POCKETGSS_RESULT_H_
#define POCKETGSS_RESULT_H_

#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <variant>

#include <pocketgss/error.h>

PGSS_EXPORT_BEGIN
namespace pocketgss {

namespace internal {

class ResultHead;
struct Passing;

// Refusal is the Error of a Result, on its way to the Result of the function around it.
struct Refusal {
  const ResultHead& from;
  operator const Error&() const;  // NOLINT: of a function that returns an Error
};

// ResultHead is what every Result begins with, whatever its value. It has the size of an Error, and
// so fits in the two registers in which the 64-bit ABIs of Unix return it.
class ResultHead {
 public:
  bool has_value() const noexcept { return error_.code == Error::kNone; }
  const Error& error() const noexcept { return error_; }

 protected:
  ResultHead() noexcept : error_(Error::None()) {}
  // Of a Result whose copies are made here: where it has a value nothing else is written or read.
  struct Unread {};
  explicit ResultHead(Unread) noexcept : error_(Error::Unread()) {}
  ResultHead(Unread, const ResultHead& other) noexcept : ResultHead(Unread()) {
    if (!other.has_value()) error_ = other.error_;
  }
  explicit ResultHead(const Error& error) noexcept : error_(error) {}
  explicit ResultHead(const Refusal& refusal) noexcept : error_(refusal.from.error_) {}

 private:
  Error error_;
};

inline Refusal::operator const Error&() const {
  return from.error();
}

// What a Result holds: value and error side by side, not one of the two as in a std::variant. Of a
// T that is copied as bytes a compiler keeps them apart in registers, where it would spill a
// variant to memory at each PGSS_TRY: the DER reader is some ten times faster so. Of any other T it
// takes half the code to move.
template <typename T, bool kPlain = std::is_trivially_copyable_v<T>>
class ResultStorage : public ResultHead {
 public:
  explicit ResultStorage(T&& value) : ResultHead(Unread()), value_(std::move(value)) {}
  template <typename... Parts>
  explicit ResultStorage(std::in_place_t, Parts&&... parts)
      : ResultHead(Unread()), value_(std::forward<Parts>(parts)...) {}
  explicit ResultStorage(const Error& error) noexcept : ResultHead(error) {}
  explicit ResultStorage(const Refusal& refusal) noexcept : ResultHead(refusal) {}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
// Of a value that is not there it believes that it may be moved, copied or destroyed all the same.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
  ResultStorage(ResultStorage&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : ResultHead(Unread(), other) {
    if (has_value()) std::construct_at(&value_, std::move(other.value_));
  }
  ResultStorage(const ResultStorage& other)
    requires std::is_copy_constructible_v<T>
      : ResultHead(Unread(), other) {
    if (has_value()) std::construct_at(&value_, other.value_);
  }
  ResultStorage& operator=(ResultStorage other) {  // whatever is to throw has thrown by now
    static_assert(std::is_nothrow_move_constructible_v<T>);
    std::destroy_at(this);
    std::construct_at(this, std::move(other));
    return *this;
  }
  ~ResultStorage() {
    if (has_value()) std::destroy_at(&value_);
  }
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

  T& value() { return value_; }
  const T& value() const { return value_; }

 private:
  union {
    T value_;
  };
};

template <typename T>
class ResultStorage<T, true> : public ResultHead {
 public:
  explicit ResultStorage(T&& value) : value_(value) {}
  explicit ResultStorage(std::in_place_t) { ::new (static_cast<void*>(&value_)) T; }
  explicit ResultStorage(const Error& error) noexcept : ResultHead(error) {}
  explicit ResultStorage(const Refusal& refusal) noexcept : ResultHead(refusal) {}

  T& value() { return value_; }
  const T& value() const { return value_; }

 private:
  union {  // alone in its union, so that it need not be constructed
    T value_;
  };
};

template <>
class ResultStorage<void> : public ResultHead {
 public:
  ResultStorage() noexcept = default;
  explicit ResultStorage(const Error& error) noexcept : ResultHead(error) {}
  explicit ResultStorage(const Refusal& refusal) noexcept : ResultHead(refusal) {}
};

}  // namespace internal

namespace internal {

// kIsAlternative: V is a std::variant with A among its types.
template <typename A, typename V>
constexpr bool kIsAlternative = false;
template <typename A, typename... Types>
constexpr bool kIsAlternative<A, std::variant<Types...>> = (std::is_same_v<A, Types> || ...);

}  // namespace internal

// Result<T> holds a T or an Error. There is no operator bool: with a boolean T it would mislead.
// value() of an error, or error() of a value, is a bug of the caller's and ends the program.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T&& value) : storage_(std::move(value)) {}  // NOLINT: `return value;`
  Result(const T& value)                             // NOLINT
    requires std::is_copy_constructible_v<T>
      : storage_(T(value)) {}
  // Where T is a variant, one of its types is put in its place: `return Continue{...};`.
  template <typename Alternative>
    requires internal::kIsAlternative<std::remove_cvref_t<Alternative>, T>
  Result(Alternative&& value)  // NOLINT
      : storage_(std::in_place, std::forward<Alternative>(value)) {}
  Result(const Error& error) : storage_(error) {}            // NOLINT: `return error;`
  Result(const internal::Refusal& from) : storage_(from) {}  // NOLINT: PGSS_TRY
  // A default T, for the caller to fill where it stands: of a large one a copy is dear.
  explicit Result(std::in_place_t) : storage_(std::in_place) {}

  bool has_value() const noexcept { return storage_.has_value(); }

  T& value() & {
    if (!has_value()) std::abort();
    return storage_.value();
  }
  const T& value() const& {
    if (!has_value()) std::abort();
    return storage_.value();
  }
  T&& value() && {
    if (!has_value()) std::abort();
    return std::move(storage_.value());
  }
  const Error& error() const {
    if (has_value()) std::abort();
    return storage_.error();
  }

 private:
  friend struct internal::Passing;
  internal::ResultStorage<T> storage_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(const Error& error) : storage_(error) {}            // NOLINT: `return error;`
  Result(const internal::Refusal& from) : storage_(from) {}  // NOLINT: PGSS_CHECK

  bool has_value() const noexcept { return storage_.has_value(); }
  void value() const {
    if (!has_value()) std::abort();
  }
  const Error& error() const {
    if (has_value()) std::abort();
    return storage_.error();
  }

 private:
  friend struct internal::Passing;
  internal::ResultStorage<void> storage_;
};

namespace internal {

// Passing is what PGSS_TRY and PGSS_CHECK take a Result apart with, once they have asked has_value().
struct Passing {
  template <typename T>
  static Refusal refusal(const Result<T>& result) {
    return {result.storage_};
  }
  template <typename T>
  static T&& value(Result<T>& result) {
    return std::move(result.storage_.value());
  }
};

}  // namespace internal

}  // namespace pocketgss
PGSS_EXPORT_END

#define PGSS_CONCAT_(a, b) a##b
#define PGSS_CONCAT(a, b) PGSS_CONCAT_(a, b)

// PGSS_TRY(Reader seq, r.enter(kSequence)); declares (or assigns) from a Result<T>, or returns its
// Error.
#define PGSS_TRY(declaration, ...) \
  PGSS_TRY_(PGSS_CONCAT(pgss_result_, __LINE__), declaration, __VA_ARGS__)
#define PGSS_TRY_(temporary, declaration, ...)                                           \
  auto temporary = (__VA_ARGS__);                                                        \
  if (!temporary.has_value()) return ::pocketgss::internal::Passing::refusal(temporary); \
  declaration = ::pocketgss::internal::Passing::value(temporary)

// PGSS_CHECK(r.finish()); returns the Error of a Result<void> (or of any Result whose value is not
// needed).
#define PGSS_CHECK(...)                                                 \
  do {                                                                  \
    if (auto pgss_checked = (__VA_ARGS__); !pgss_checked.has_value()) { \
      return ::pocketgss::internal::Passing::refusal(pgss_checked);     \
    }                                                                   \
  } while (false)

#endif  // POCKETGSS_RESULT_H_

// Result<T>: a value or an Error. PGSS_TRY and PGSS_CHECK pass an Error on.
#ifndef POCKETGSS_RESULT_H_
#define POCKETGSS_RESULT_H_

#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <pocketgss/error.h>

namespace pocketgss PGSS_EXPORT {

namespace internal {

// ErrorPlace has room for an Error, which need not be there: so it is copied without asking.
union ErrorPlace {
  ErrorPlace() {}
  explicit ErrorPlace(const Error& e) : error(e) {}
  Error error;
};

// What a Result holds: value and error side by side, not one of the two as in a std::variant. Of a
// T that is copied as bytes a compiler keeps them apart in registers, where it would spill a
// variant to memory at each PGSS_TRY: the DER reader is some ten times faster so. Of any other T it
// takes half the code to move.
template <typename T, bool kPlain = std::is_trivially_copyable_v<T>>
class ResultStorage {
 public:
  explicit ResultStorage(T&& value) : value_(std::move(value)), ok_(true) {}
  explicit ResultStorage(std::in_place_t) : value_(), ok_(true) {}
  explicit ResultStorage(const Error& error) : error_(error), ok_(false) {}
  ResultStorage(ResultStorage&& other) noexcept(std::is_nothrow_move_constructible_v<T>)
      : error_(other.error_), ok_(other.ok_) {
    if (ok_) std::construct_at(&value_, std::move(other.value_));
  }
  ResultStorage(const ResultStorage& other)
    requires std::is_copy_constructible_v<T>
      : error_(other.error_), ok_(other.ok_) {
    if (ok_) std::construct_at(&value_, other.value_);
  }
  ResultStorage& operator=(ResultStorage other) {  // whatever is to throw has thrown by now
    static_assert(std::is_nothrow_move_constructible_v<T>);
    std::destroy_at(this);
    std::construct_at(this, std::move(other));
    return *this;
  }
  ~ResultStorage() {
    if (ok_) std::destroy_at(&value_);
  }

  bool has_value() const noexcept { return ok_; }
  T& value() { return value_; }
  const T& value() const { return value_; }
  const Error& error() const { return error_.error; }

 private:
  union {
    T value_;
  };
  ErrorPlace error_;
  bool ok_;
};

template <typename T>
class ResultStorage<T, true> {
 public:
  explicit ResultStorage(T&& value) : value_(value), ok_(true) {}
  explicit ResultStorage(std::in_place_t) : ok_(true) { ::new (static_cast<void*>(&value_)) T; }
  explicit ResultStorage(const Error& error) : error_(error), ok_(false) {}

  bool has_value() const noexcept { return ok_; }
  T& value() { return value_; }
  const T& value() const { return value_; }
  const Error& error() const { return error_.error; }

 private:
  union {  // alone in its union, so that it need not be constructed
    T value_;
  };
  ErrorPlace error_;
  bool ok_;
};

}  // namespace internal

// Result<T> holds a T or an Error. There is no operator bool: with a boolean T it would mislead.
// value() of an error, or error() of a value, is a bug of the caller's and ends the program.
template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T&& value) : storage_(std::move(value)) {}  // NOLINT: `return value;`
  Result(const T& value)                              // NOLINT
    requires std::is_copy_constructible_v<T>
      : storage_(T(value)) {}
  Result(const Error& error) : storage_(error) {}  // NOLINT: `return error;`
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
  internal::ResultStorage<T> storage_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(error), ok_(false) {}  // NOLINT: `return error;`

  bool has_value() const noexcept { return ok_; }
  void value() const {
    if (!ok_) std::abort();
  }
  const Error& error() const {
    if (ok_) std::abort();
    return error_;
  }

 private:
  Error error_{};
  bool ok_ = true;
};

}  // namespace pocketgss

#define PGSS_CONCAT_(a, b) a##b
#define PGSS_CONCAT(a, b) PGSS_CONCAT_(a, b)

// PGSS_TRY(Reader seq, r.enter(kSequence)); declares (or assigns) from a Result<T>, or returns its
// Error.
#define PGSS_TRY(declaration, ...) \
  PGSS_TRY_(PGSS_CONCAT(pgss_result_, __LINE__), declaration, __VA_ARGS__)
#define PGSS_TRY_(temporary, declaration, ...)          \
  auto temporary = (__VA_ARGS__);                       \
  if (!temporary.has_value()) return temporary.error(); \
  declaration = std::move(temporary).value()

// PGSS_CHECK(r.finish()); returns the Error of a Result<void> (or of any Result whose value is not
// needed).
#define PGSS_CHECK(...)                                                 \
  do {                                                                  \
    if (auto pgss_checked = (__VA_ARGS__); !pgss_checked.has_value()) { \
      return pgss_checked.error();                                      \
    }                                                                   \
  } while (false)

#endif  // POCKETGSS_RESULT_H_

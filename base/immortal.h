// Immortal: what is there before the program starts and until it has ended.
#ifndef PGSS_BASE_IMMORTAL_H_
#define PGSS_BASE_IMMORTAL_H_

namespace pocketgss {

template <typename T>
union Immortal {
  constexpr Immortal() : object() {}
  ~Immortal() {}  // leaves the object as it is
  T object;
};

}  // namespace pocketgss

#endif  // PGSS_BASE_IMMORTAL_H_

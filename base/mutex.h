// Mutex is std::mutex, and nothing where libstdc++ was built for a system without threads.
#ifndef PGSS_BASE_MUTEX_H_
#define PGSS_BASE_MUTEX_H_

#include <mutex>

namespace pocketgss {

#if defined(__GLIBCXX__) && !defined(_GLIBCXX_HAS_GTHREADS)
struct Mutex {
  void lock() {}
  void unlock() {}
};
#else
using Mutex = std::mutex;
#endif

}  // namespace pocketgss

#endif  // PGSS_BASE_MUTEX_H_

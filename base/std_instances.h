// Included before every file of ours where code is built for size (cmake/options.cmake). libstdc++
// has a std::string of its own in its shared library, but from C++20 on it lets every program make
// another: this says that the one is enough. A member that is not in there would fail the link.
#ifndef PGSS_BASE_STD_INSTANCES_H_
#define PGSS_BASE_STD_INSTANCES_H_

#include <string>

#ifdef __GLIBCXX__
extern template class std::basic_string<char>;
#endif

#endif  // PGSS_BASE_STD_INSTANCES_H_

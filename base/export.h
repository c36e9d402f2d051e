// PGSS_EXPORT_BEGIN and PGSS_EXPORT_END: what a shared library shows. Everything is built hidden;
// public headers put what they declare between the two, so that it is visible and nothing else is.
// (An attribute of the namespace does not do: clang takes a function by the block that defines it.)
// PGSS_LOCAL: what is declared there and is private all the same.
#ifndef POCKETGSS_EXPORT_H_
#define POCKETGSS_EXPORT_H_

#define PGSS_EXPORT_BEGIN _Pragma("GCC visibility push(default)")
#define PGSS_EXPORT_END _Pragma("GCC visibility pop")
#define PGSS_LOCAL __attribute__((visibility("hidden")))

#endif  // POCKETGSS_EXPORT_H_

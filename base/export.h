// PGSS_EXPORT: what a shared library shows. Everything is built hidden; public headers open their
// namespace with it, so what they declare is visible and nothing else is. PGSS_LOCAL: what is declared
// there and is private all the same.
#ifndef POCKETGSS_EXPORT_H_
#define POCKETGSS_EXPORT_H_

#define PGSS_EXPORT __attribute__((visibility("default")))
#define PGSS_LOCAL __attribute__((visibility("hidden")))

#endif  // POCKETGSS_EXPORT_H_

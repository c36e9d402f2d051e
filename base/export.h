// PGSS_EXPORT: what a shared library shows. Everything is built hidden; public headers open their
// namespace with it, so what they declare is visible and nothing else is.
#ifndef POCKETGSS_EXPORT_H_
#define POCKETGSS_EXPORT_H_

#define PGSS_EXPORT __attribute__((visibility("default")))

#endif  // POCKETGSS_EXPORT_H_

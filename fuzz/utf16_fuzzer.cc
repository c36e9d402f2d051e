// Text in both encodings: conversion, upper-casing, account names.
#include "fuzz/oracles_lib.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  pocketgss::fuzz::check_utf8({data, size});
  pocketgss::fuzz::check_utf16({data, size});
  return 0;
}

#!/usr/bin/env bash
# tests/install/run.sh static|shared BUILD-FOLDER: installs the library into a scratch prefix and uses it as a stranger
# would: each public header alone and without Botan's headers, a consumer by find_package, another by pkg-config.
# `shared` builds the library anew as a shared object, and looks at what it shows.
set -euo pipefail

kind=$1
build=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cxx=${CXX:-c++}

fail() {
  echo "FAILED: $*"
  exit 1
}

if [ "$kind" = shared ]; then
  cmake -G Ninja -S "$here/../.." -B "$work/build" -DBUILD_SHARED_LIBS=ON -DPGSS_BUILD_TOOLS=OFF \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DCMAKE_CXX_COMPILER="$cxx" >"$work/log" ||
    { cat "$work/log"; fail configure; }
  build=$work/build
  ninja -C "$build" >"$work/log" || { cat "$work/log"; fail "shared build"; }
fi

echo "== install"
cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; fail install; }
lib=$(dirname "$(find "$work/prefix" -name 'libpocketgss.*' | head -n 1)")

echo "== each public header alone, Botan nowhere"
! grep -rniE 'botan/|Botan::' "$work/prefix/include" || fail "a public header speaks of Botan"
for header in "$work"/prefix/include/pocketgss/*.h; do
  # -fno-exceptions, -fno-rtti: as programs for devices are compiled.
  "$cxx" -std=c++20 -Wall -Wextra -Wpedantic -Werror -fno-exceptions -fno-rtti -fsyntax-only \
    -I"$work/prefix/include" -include "$header" -x c++ /dev/null || fail "$(basename "$header") does not stand alone"
  grep -q '^namespace pocketgss PGSS_EXPORT {' "$header" || [ "$(basename "$header")" = export.h ] ||
    fail "$(basename "$header") does not export what it declares"
done

echo "== a consumer by find_package"
cmake -G Ninja -S "$here" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$cxx" \
  >"$work/log" && ninja -C "$work/consumer" >>"$work/log" || { cat "$work/log"; fail find_package; }
"$work/consumer/consumer"
if [ -e "$work/prefix/include/pocketgss/dns_kdcs.h" ]; then "$work/consumer/dns_consumer"; fi

echo "== a consumer by pkg-config"
export PKG_CONFIG_PATH="$lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
"$cxx" -std=c++20 -fno-exceptions -fno-rtti "$here/consumer.cc" -o "$work/by-pkg-config" $(pkg-config --cflags --libs pocketgss) -Wl,-rpath,"$lib"
"$work/by-pkg-config"
if [ -e "$work/prefix/include/pocketgss/dns_kdcs.h" ]; then
  ! pkg-config --print-requires pocketgss | grep -q cares || fail "the library asks for c-ares"
  "$cxx" -std=c++20 "$here/dns_consumer.cc" -o "$work/dns-by-pkg-config" \
    $(pkg-config --cflags --libs pocketgss-dns) -Wl,-rpath,"$lib"
  "$work/dns-by-pkg-config"
fi

if [ "$kind" = static ]; then
  echo "== a folder of another project"
  cmake -G Ninja -S "$here/parent" -B "$work/parent" -DCMAKE_CXX_COMPILER="$cxx" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail add_subdirectory; }
  cmake -G Ninja -S "$here/parent" -B "$work/asked" -DNAMED=BOTAN -DCMAKE_CXX_COMPILER="$cxx" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "add_subdirectory, where pkg-config was asked"; }
  ! grep -rq 'file(INSTALL' "$work/parent" --include=cmake_install.cmake || fail "it is installed with the parent"
fi

if [ "$kind" = shared ]; then
  echo "== what the shared object shows"
  nm -DC --defined-only "$lib/libpocketgss.so" | sed 's/^ *[0-9a-f]* . //' >"$work/symbols"
  grep -q '^pocketgss::Runtime::create' "$work/symbols" || fail "Runtime::create is not exported"
  ! grep -E '^((typeinfo|typeinfo name|vtable) for )?(Botan|pocketgss::asn1|pocketgss::mechs)::' "$work/symbols" ||
    fail "these belong to no public header"
fi
echo "install ($kind): ok"

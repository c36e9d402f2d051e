#!/usr/bin/env bash
# tests/install/run.sh static|shared BUILD-FOLDER: installs the library into a scratch prefix and uses it as a stranger
# would: each public header alone and without Botan's headers, a consumer by find_package, another by pkg-config.
# `static` does the latter also where headers and archives are elsewhere.
# `shared` builds the library anew as a shared object, with what the presets for size set but -Os, and looks at what it shows.
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
  cmake -G Ninja -S "$here/../.." -B "$work/build" -DBUILD_SHARED_LIBS=ON -DPGSS_BUILD_TOOLS=OFF -DPGSS_RTTI=OFF \
    -DCMAKE_BUILD_TYPE=MinSizeRel -DCMAKE_CXX_FLAGS_MINSIZEREL="-O1 -DNDEBUG" -DCMAKE_CXX_COMPILER="$cxx" >"$work/log" ||
    { cat "$work/log"; fail configure; }
  build=$work/build
  ninja -C "$build" >"$work/log" || { cat "$work/log"; fail "shared build"; }
fi

echo "== install"
cmake --install "$build" --prefix "$work/prefix" >"$work/log" || { cat "$work/log"; fail install; }
lib=$(dirname "$(find "$work/prefix" -name 'libpocketgss.*' | head -n 1)")
[ -s "$work/prefix/share/doc/pocketgss/LICENSE" ] || fail "the licence is not installed"

echo "== each public header alone, Botan nowhere"
! grep -rniE 'botan/|Botan::' "$work/prefix/include" || fail "a public header speaks of Botan"
for header in "$work"/prefix/include/pocketgss/*.h; do
  # -fno-exceptions, -fno-rtti: as programs for devices are compiled.
  "$cxx" -std=c++20 -Wall -Wextra -Wpedantic -Werror -fno-exceptions -fno-rtti -fsyntax-only \
    -I"$work/prefix/include" -include "$header" -x c++ /dev/null || fail "$(basename "$header") does not stand alone"
  grep -qx 'PGSS_EXPORT_BEGIN' "$header" && grep -qx 'PGSS_EXPORT_END' "$header" || [ "$(basename "$header")" = export.h ] ||
    fail "$(basename "$header") does not export what it declares"
done

# consumers PREFIX-OR-PACKAGE LIB: a consumer by find_package, which looks for the package there, and another by pkg-config.
consumers() {
  local where=$1 lib=$2 PKG_CONFIG_PATH="$2/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}" dns
  dns=$(find "$lib" -maxdepth 1 -name 'libpocketgss_dns.*' | head -n 1)
  rm -rf "$work/consumer"
  cmake -G Ninja -S "$here" -B "$work/consumer" -DCMAKE_PREFIX_PATH="$where" -DCMAKE_CXX_COMPILER="$cxx" \
    >"$work/log" && ninja -C "$work/consumer" >>"$work/log" || { cat "$work/log"; fail find_package; }
  "$work/consumer/consumer"
  [ -z "$dns" ] || "$work/consumer/dns_consumer"

  export PKG_CONFIG_PATH
  "$cxx" -std=c++20 -fno-exceptions -fno-rtti "$here/consumer.cc" -o "$work/by-pkg-config" $(pkg-config --cflags --libs pocketgss) -Wl,-rpath,"$lib"
  "$work/by-pkg-config"
  [ -n "$dns" ] || return 0
  ! pkg-config --print-requires pocketgss | grep -q cares || fail "the library asks for c-ares"
  "$cxx" -std=c++20 "$here/dns_consumer.cc" -o "$work/dns-by-pkg-config" \
    $(pkg-config --cflags --libs pocketgss-dns) -Wl,-rpath,"$lib"
  "$work/dns-by-pkg-config"
}

echo "== consumers by find_package and by pkg-config"
consumers "$work/prefix" "$lib"

if [ "$kind" = static ]; then
  echo "== Botan is not there"
  env -u PKG_CONFIG_PATH PKG_CONFIG_LIBDIR="$work" cmake -Dpocketgss_DIR="$lib/cmake/pocketgss" -P "$here/missing.cmake" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "a package that cannot be used"; }

  # The same archives with other folders, without another build.
  mapfile -t options < <(sed -n 's/^\(PGSS_[A-Z0-9_]*:\(BOOL\|STRING\)=.*\)/-D\1/p' "$build/CMakeCache.txt")
  install_into() { # install_into LIBDIR INCLUDEDIR, below the prefix unless they are absolute
    cmake -G Ninja -S "$here/../.." -B "$work/other" "${options[@]}" -DPGSS_BUILD_TOOLS=OFF -DPGSS_DEVELOPER_MODE=OFF \
      -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_INSTALL_PREFIX="$work/other-prefix" -DCMAKE_INSTALL_LIBDIR="$1" \
      -DCMAKE_INSTALL_INCLUDEDIR="$2" >"$work/log" 2>&1 || { cat "$work/log"; fail "configure for $1 and $2"; }
    cp "$build/libpocketgss.a" "$work/other/"
    [ ! -e "$build/lib/platform/libpocketgss_dns.a" ] || cp "$build/lib/platform/libpocketgss_dns.a" "$work/other/lib/platform/"
    cmake --install "$work/other" >"$work/log" || { cat "$work/log"; fail "install into $1 and $2"; }
  }
  echo "== headers in another folder"
  install_into lib headers/pgss
  consumers "$work/other-prefix" "$work/other-prefix/lib"
  echo "== absolute folders"
  rm -rf "$work/other-prefix"
  install_into "$work/out/lib" "$work/dev/include"
  consumers "$work/out/lib/cmake/pocketgss" "$work/out/lib"
  said=$(PKG_CONFIG_PATH=$work/out/lib/pkgconfig pkg-config --variable=includedir pocketgss)
  [ "$said" = "$work/dev/include" ] || fail "the headers are in $work/dev/include; pkg-config says $said"
  echo "== /usr, whose folders pkg-config leaves out"
  cmake -DCMAKE_INSTALL_PREFIX=/usr -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_INSTALL_INCLUDEDIR=include "$work/other" >"$work/log" 2>&1 ||
    { cat "$work/log"; fail "configure for /usr"; }
  said=$(PKG_CONFIG_PATH=$work/other/package pkg-config --cflags --libs pocketgss)
  [[ $said != *pkgconfig* && $said != *package* ]] || fail "$said"
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

  echo "== its name to the loader"
  version=$(PKG_CONFIG_PATH="$lib/pkgconfig" pkg-config --modversion pocketgss)
  case $version in
    0.*) abi=${version%.*} ;;
    *) abi=${version%%.*} ;;
  esac
  for name in pocketgss pocketgss_dns; do
    [ -e "$lib/lib$name.so" ] || continue
    readelf -d "$lib/lib$name.so" | grep -qF "[lib$name.so.$abi]" || fail "lib$name.so of version $version is not lib$name.so.$abi"
  done
fi
echo "install ($kind): ok"

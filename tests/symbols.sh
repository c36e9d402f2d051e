#!/bin/sh
# symbols.sh NM LIBRARY WITHOUT-RC4 WITHOUT-KERBEROS: row KRA-5. The library has nothing of DES and 3DES. That the two programs link
# shows that nothing needs what their builds leave out (other_builds.cmake); that what counts is not there either is looked at here,
# as is that this script sees symbols at all.
set -eu
names=$(mktemp) && trap 'rm -f "$names"' EXIT

expect() { # expect yes|no PATTERN WHERE
  if grep -Eq "$2" "$names"; then found=yes; else found=no; fi
  [ "$found" = "$1" ] && return
  echo "$3: $2: $found, and ought to be $1" >&2
  grep -E "$2" "$names" | head -n 5 >&2 || true
  exit 1
}

"$1" -C "$2" >"$names"
expect yes 'krb5::kAes256Sha1Profile' "$2"
expect yes 'krb5::kRc4HmacProfile' "$2"
expect no 'TripleDES|Botan::DES|[Dd]es3|DES_|krb5::k?(Des|DES)[A-Z]|Camellia' "$2"

"$1" -C "$3" >"$names"
expect yes 'krb5::kAes256Sha1Profile' "$3"
expect no 'krb5::kRc4HmacProfile|krb5::Rfc4757Tokens::' "$3"

"$1" -C "$4" >"$names"
expect yes 'pocketgss::mechs::ntlm::' "$4"
expect no 'krb5::(parse_|AsExchange|kAes|Keytab)' "$4"
echo "neither DES nor 3DES; no rc4-hmac where it is left out; no Kerberos but stubs where that is"

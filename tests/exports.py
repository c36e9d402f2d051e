#!/usr/bin/env python3
"""exports.py ARCHIVE HEADER-FOLDER: what the public headers declare is visible to who links a shared library of these objects.

Every function at namespace scope of a header that the archive defines must have default visibility; compilers differ in what
gives it to them (base/export.h). Nothing of the inner layers may have it.
"""
import pathlib
import re
import subprocess
import sys

# At the start of a line: a result, the name, the parenthesis.
FUNCTION = re.compile(r"^(?!#|//|using |template|friend |return )[\w:][\w:<>,&* ]*[ &*](\w+)\((?:[^;{]|\{\})*;", re.M | re.S)


def main():
    if len(sys.argv) != 3:
        print(__doc__.strip())
        return 0 if sys.argv[1:] in (["--help"], ["-h"]) else 64
    archive, folder = sys.argv[1:]
    declared = {name for header in pathlib.Path(folder).glob("*.h") for name in FUNCTION.findall(header.read_text())}
    listing = subprocess.run(["readelf", "-sW", "--demangle", archive], check=True, capture_output=True, text=True).stdout
    shown, faults = 0, 0
    for visibility, name in re.findall(r" FUNC +GLOBAL +(\w+) +\d+ pocketgss::([\w:]+)", listing):
        inner = name.startswith(("asn1::", "mechs::", "crypto::", "kerberos::", "sasl::"))
        if visibility == "DEFAULT":
            shown += not inner
        if inner == (visibility == "DEFAULT") and (inner or name in declared):
            print(f"pocketgss::{name}: {visibility.lower()} visibility")
            faults += 1
    print(f"{len(declared)} functions in public headers, {shown} symbols shown, {faults} faults")
    return 1 if faults or shown < 30 or len(declared) < 30 else 0


if __name__ == "__main__":
    sys.exit(main())

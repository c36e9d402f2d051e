#!/usr/bin/env python3
"""options.py BUILD: the builds that docs/embedding.md offers, by their own options, out of the objects of a finished build.

Each is configured. What it compiles must find its public headers; what no object of BUILD stands for is compiled anew; the library is
linked with nothing undefined, and then all that the build itself links.
"""
import concurrent.futures
import functools
import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILDS = [
    ["BUILD_SHARED_LIBS=ON"],
    ["PGSS_RC4_HMAC=OFF"],
    ["PGSS_DNS=OFF"],
    ["PGSS_PLATFORM=OFF"],
    ["PGSS_SMTP=OFF"],
    ["PGSS_KERBEROS=OFF"],
    ["CMAKE_SYSTEM_NAME=Generic"],  # no operating system: no sockets, and so no program
]
LIBRARY = re.compile(r"/pgss_(?:base|asn1|mechs|lib|platform|sasl)\.dir/")


class Fault(Exception):
    pass


def run(command, folder=None):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Fault(f"{shlex.join(map(str, command))}\n{done.stdout}")


def cached(build):
    return dict(re.findall(r"^(\w+):\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M))


def commands(build):
    """{object: (source, command)}; an object is named by its path in the build folder, which is the same in each build."""
    found = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        found[words[words.index("-o") + 1]] = (pathlib.Path(entry["file"]), words)
    return found


def macros(command):
    return frozenset(word for word in command if word.startswith("-D"))


@functools.cache
def includes(path):
    return re.findall(r'^\s*#\s*include (?:"([^"]+)"|<(pocketgss/[^>]+)>)', path.read_text(), re.M)


def look_for_headers(source, headers):
    """Fails where a source, or what it includes of the project, includes a <pocketgss/...> that is not in `headers`."""
    seen, waiting = set(), [source]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        for own, name in includes(path):
            if name and not (headers / name).exists():
                raise Fault(f"{path} includes <{name}>, which this build does not have (reached from {source})")
            waiting.append(ROOT / own if own else (headers / name).resolve())


def check(options, build, known, values, work):
    run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", work, f"-DCMAKE_CXX_COMPILER={values['CMAKE_CXX_COMPILER']}",
         f"-DCMAKE_BUILD_TYPE={values['CMAKE_BUILD_TYPE']}", f"-DPGSS_BOTAN={values['PGSS_BOTAN']}", "-DPGSS_WERROR=ON",
         *(f"-D{option}" for option in options)])
    alike = {(source, macros(command)): name for name, (source, command) in known.items()}
    listed, objects, anew = commands(work), {}, 0
    for name, (source, command) in listed.items():
        mine = macros(command)
        theirs = macros(known[name][1]) if name in known else None
        if (source, mine) in alike:
            objects[name] = build / alike[source, mine]  # of tests/other_builds.cmake, perhaps
        elif theirs is not None and not any(macro[2:].partition("=")[0] in source.read_text() for macro in mine ^ theirs):
            objects[name] = build / name
        else:
            objects[name] = None
            anew += 1
            continue
        look_for_headers(source, work / "include")
        if not objects[name].exists():
            raise Fault(f"{objects[name]} is not there: build it first")
    for name, made in objects.items():
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        if made:
            (work / name).symlink_to(made)
        else:
            run([*listed[name][1], "-O0"], work)

    library = [name for name in objects if LIBRARY.search("/" + name)]
    run([values["CMAKE_CXX_COMPILER"], "-shared", "-Wl,-z,defs", "-o", "all.so", *library, *values["POCKETGSS_BOTAN_LDFLAGS"].split(";")], work)
    steps = subprocess.run(["ninja", "-t", "commands", "all"], cwd=work, check=True, capture_output=True, text=True).stdout.splitlines()
    for step in steps:
        if " -c " not in step:  # it links
            run(["sh", "-c", step], work)
    program = (work / "pocketgss").exists()
    return f"{len(objects)} objects, {anew} of them compiled anew, {'with' if program else 'without'} the program"


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__.strip())
        return 0 if sys.argv[1:] in (["--help"], ["-h"]) else 64
    build = pathlib.Path(sys.argv[1]).resolve()
    known, values, faults = commands(build), cached(build), 0
    with tempfile.TemporaryDirectory() as work, concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(check, options, build, known, values, pathlib.Path(work) / str(i)) for i, options in enumerate(BUILDS)]
        for options, result in zip(BUILDS, waiting):
            try:
                print(f"{' '.join(options)}: {result.result()}")
            except Fault as fault:
                print(f"{' '.join(options)}: FAILED: {fault}")
                faults += 1
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

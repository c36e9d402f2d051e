#!/usr/bin/env python3
# Real peers against PocketGSS: chooses cases, prepares their programs, runs each group in its
# namespace, counts.
import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile
import threading

from cases import GROUPS
from harness import case as case_module
from harness import inside, namespace, peers
from harness.tools import Tools, Unprepared

PARALLEL = 2  # groups at a time


def main():
    options = _arguments()
    if options.groups:
        return _compare_groups(set(options.groups))
    chosen = list(case_module.select(GROUPS, options.only))
    if options.list:
        for group, case in chosen:
            print(f"{case.name}  needs: {' '.join(case.needs) or 'nothing'}")
        return 0
    tools = Tools(pathlib.Path(options.build).resolve())
    if options.inside:
        group = next(group for group in GROUPS if group.name == options.inside)
        inside.run_group(group, set(sys.stdin.read().split()), pathlib.Path(options.state), tools)
        return 0
    if options.missing:
        return _print_missing(chosen)
    if not chosen:
        print(f"no case matches {' '.join(options.only)}", file=sys.stderr)
        return 64
    return Run(tools, options.keep).all(chosen)


def _arguments():
    parser = argparse.ArgumentParser(
        prog="script/interop",
        description="Runs PocketGSS against real peers, each group in a network and mount "
        "namespace. "
        "A case whose peer is not installed is left out; with CI=true that is a failure.",
        epilog="Exit code: 0 all well, 1 a case failed, 64 wrong arguments, 77 every chosen case was "
        "left out.",
    )
    parser.add_argument("--list", action="store_true", help="print the cases and what they need")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="only cases whose name holds PATTERN or matches it as a shell pattern; may be given "
        "more than once",
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the servers' folders and print where they are"
    )
    parser.add_argument(
        "--build", default="build", metavar="DIR", help="the build folder (default: build)"
    )
    parser.add_argument(
        "--missing",
        action="store_true",
        help="print one line that names the peers that are not installed",
    )
    parser.add_argument("--groups", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--state", help=argparse.SUPPRESS)
    return parser.parse_args()


def _compare_groups(listed):
    """ctest lists the groups in its own file; none may be missing there."""
    groups = {group.name for group in GROUPS}
    for name in sorted(groups - listed):
        print(f"interop: ctest does not run the group {name} (tests/interop/CMakeLists.txt)")
    for name in sorted(listed - groups):
        print(f"interop: there is no group {name}")
    return 0 if groups == listed else 1


def _print_missing(chosen):
    names = sorted({name for _, case in chosen for name in case.needs if peers.missing([name])})
    reason = namespace.refusal()
    if names:
        print("interop: not installed, their cases are left out: " + ", ".join(names))
    if reason:
        print(f"interop: every case is left out: {reason}")
    return 0


class Run:
    def __init__(self, tools, keep):
        self._tools, self._keep = tools, keep
        self._print_lock = threading.Lock()
        self.passed = self.failed = self.left_out = 0

    def all(self, chosen):
        runnable = self._leave_out(chosen)
        groups = {}
        for group, case in runnable:
            groups.setdefault(group.name, []).append(case.name)
        with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(lambda item: self._group(*item), groups.items()))
        print(f"interop: {self.passed} ok, {self.failed} failed, {self.left_out} left out")
        return 1 if self.failed else 0 if self.passed else 77

    def _leave_out(self, chosen):
        refusal = namespace.refusal()
        unprepared = {}
        for name in sorted({name for _, case in chosen for name in case.needs}):
            if not refusal and not peers.missing([name]):
                try:
                    self._tools.prepare(name)
                except Unprepared as reason:
                    unprepared[name] = str(reason)
        runnable = []
        for group, case in chosen:
            missing = peers.missing(case.needs)
            reason = refusal or (
                missing and f"peer {missing.name} not installed ({missing.package})"
            )
            reason = reason or next(
                (f"peer {name}: {unprepared[name]}" for name in case.needs if name in unprepared),
                None,
            )
            if reason:
                self._count(
                    f"FAIL {case.name} {reason}"
                    if os.environ.get("CI") == "true"
                    else f"left out {case.name}: {reason}"
                )
            else:
                runnable.append((group, case))
        return runnable

    def _group(self, name, cases):
        state = pathlib.Path(tempfile.mkdtemp(prefix=f"pgss-{name}-"))
        try:
            left = set(cases) - self._work(name, cases, state)
        finally:
            self._discard(state)
        for case in sorted(left):
            self._count(f"FAIL {case} the group ended before it")

    def _work(self, name, cases, state):
        """Runs the group's cases in its namespace; returns those that printed a line."""
        command = [
            sys.executable,
            __file__,
            "--inside",
            name,
            "--state",
            str(state),
            "--build",
            str(self._tools.build),
        ]
        worker = subprocess.Popen(
            namespace.command_inside(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
        )
        try:
            worker.stdin.write("\n".join(cases))
            worker.stdin.close()
            return {self._count(line.rstrip("\n")) for line in worker.stdout}
        finally:
            worker.stdout.close()  # where we were interrupted, it ends at its next line
            _wait_or_kill(worker)

    def _count(self, line):
        """Prints a line of a case, or one that explains it; returns the case's name for the
        former."""
        words = line.split()
        with self._print_lock:
            print(line, flush=True)
            if line.startswith("ok "):
                self.passed += 1
            elif line.startswith("FAIL "):
                self.failed += 1
            elif line.startswith("left out "):
                self.left_out += 1
                return words[2].rstrip(":")
            else:
                return None
        return words[1]

    def _discard(self, state):
        if self._keep:
            print(f"# kept: {state}", flush=True)
        else:
            subprocess.run(
                namespace.privileged(["rm", "-rf", "--one-file-system", str(state)]), check=False
            )


def _wait_or_kill(worker):
    try:
        worker.wait(10)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(
            PermissionError
        ):  # started through sudo; its own time limit ends it
            worker.kill()
        worker.wait()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # nobody reads on: `script/interop | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

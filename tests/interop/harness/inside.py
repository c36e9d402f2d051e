# What runs inside a group's namespace: starts its servers, runs its cases, prints a line for each.
import contextlib
import os
import pathlib
import signal
import threading
import time

from . import namespace
from .case import Failed
from .peers import SEARCH_PATH
from .process import tail
from .tokens import Refused

CASE_LIMIT = 60  # seconds
GROUP_LIMIT = 240  # for all cases of a group


def run_group(group, names, state: pathlib.Path, tools):
    os.environ["PATH"] = SEARCH_PATH
    _end_after(GROUP_LIMIT)
    state.chmod(0o755)
    namespace.prepare(state, group.hidden)
    cases = [case for case in group.cases if case.name in names]
    try:
        with group.servers(state, tools) as servers:
            for case in cases:
                _run_case(case, servers, state)
    except (Failed, OSError, ValueError) as failure:
        for case in cases:
            print(f"FAIL {case.name} servers: {failure}", flush=True)
            failure = str(failure).splitlines()[0]  # the logs once are enough


def _end_after(seconds):
    """This process is the first of its namespace: with it goes everything that it started."""
    timer = threading.Timer(seconds, os._exit, (1,))
    timer.daemon = True
    timer.start()


def _run_case(case, servers, state):
    started, sizes = time.monotonic(), _log_sizes(state)
    try:
        with _time_limit(CASE_LIMIT):
            detail = case.run(servers)
        print(f"ok   {case.name}  {detail} ({time.monotonic() - started:.1f} s)", flush=True)
    except (Failed, Refused) as failure:
        _report(case, str(failure), state, sizes)
    except Exception as error:  # not foreseen: a failure of this case, not of the run
        _report(case, f"{type(error).__name__}: {error}", state, sizes)


def _report(case, reason, state, sizes):
    lines = [f"FAIL {case.name} {reason}"]
    for path, size in _log_sizes(state).items():
        if size > sizes.get(path, 0):
            lines += [f"    -- {path.name}", tail(path)]
    print("\n".join(lines), flush=True)


def _log_sizes(state):
    return {path: path.stat().st_size for path in sorted(state.rglob("*.log"))}


@contextlib.contextmanager
def _time_limit(seconds):
    def late(_signal, _frame):
        raise Failed(f"not done within {seconds} s")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)

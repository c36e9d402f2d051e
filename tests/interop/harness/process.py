# Processes of the harness: servers that are awaited and stopped, clients with a time limit,
# drivers that answer line by line.
import contextlib
import itertools
import os
import pathlib
import selectors
import signal
import socket
import subprocess
import time

from .case import Failed

START_LIMIT = 20  # seconds, for a server to be ready
ANSWER_LIMIT = 15  # for one line of a driver
CLIENT_LIMIT = 40  # for a whole run of a client


_ports = itertools.count(2525)


def free_port():
    """The namespace is ours alone, and these ports lie below those that connections come from."""
    return next(_ports)


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


def wait_until(what, ready, limit=START_LIMIT, alive=lambda: True):
    end = time.monotonic() + limit
    while not ready():
        if not alive():
            raise Failed(f"{what} ended before it was ready")
        if time.monotonic() > end:
            raise Failed(f"{what} was not ready within {limit} s")
        time.sleep(0.05)


class Service:
    """A server in the foreground. Its output goes to `log`; it is ended by its process id."""

    def __init__(self, name, command, log: pathlib.Path, environment=None):
        self.name, self.log = name, log
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
            )

    def wait_ready(self, ready):
        try:
            wait_until(self.name, ready, alive=self.running)
        except Failed as failure:
            self.stop()
            raise Failed(f"{failure}\n{tail(self.log)}") from None

    def running(self):
        return self._process.poll() is None

    def stop(self):
        if self.running():
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        if self.running():
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class Outcome:
    def __init__(self, code, output):
        self.code, self.output = code, output

    def last_line(self):
        return (self.output.strip().splitlines() or ["no output"])[-1]


def run_client(command, *, environment=None, stdin="", limit=CLIENT_LIMIT) -> Outcome:
    """Runs to its end; standard output and error come back in one text. A time-out is a failure of
    the case."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            env={**os.environ, **(environment or {})},
            timeout=limit,
        )
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{command[0]} was not done within {limit} s\n{_text(late.stdout)}") from None
    return Outcome(done.returncode, done.stdout)


def _text(output):
    return output.decode(errors="backslashreplace") if isinstance(output, bytes) else output or ""


class LineProcess:
    """A program that answers each line on its standard input with one line."""

    def __init__(self, command, environment=None, log=None):
        self.name = pathlib.Path(str(command[0])).name
        self._buffer = b""
        self._errors = open(log, "ab") if log else subprocess.DEVNULL
        self._process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**os.environ, **(environment or {})},
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._process.stdout, selectors.EVENT_READ)

    def ask(self, line) -> str:
        try:
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._ended()
        return self._line()

    def _line(self):
        end = time.monotonic() + ANSWER_LIMIT
        while b"\n" not in self._buffer:
            if not self._selector.select(max(0, end - time.monotonic())):
                raise Failed(f"{self.name} gave no answer within {ANSWER_LIMIT} s")
            got = os.read(self._process.stdout.fileno(), 65536)
            if not got:
                return self._ended()
            self._buffer += got
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="backslashreplace").rstrip("\r")

    def _ended(self):
        said = self._buffer.decode(errors="backslashreplace")
        raise Failed(f"{self.name} ended with exit code {self._process.wait()} {said}")

    def close(self):
        """The end of its input ends a driver; one that stays is killed."""
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        self._process.kill()
        self._process.wait()
        self._selector.close()
        self._process.stdout.close()
        if self._errors is not subprocess.DEVNULL:
            self._errors.close()


def tail(path, lines=30):
    path = pathlib.Path(path)
    text = path.read_text(errors="backslashreplace") if path.exists() else ""
    return "\n".join(f"    | {line}" for line in text.splitlines()[-lines:])

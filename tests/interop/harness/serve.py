# Our own server: `pocketgss serve` with one account, a Maildir and a log.
import contextlib
import pathlib
import time

from . import accounts
from .case import Failed
from .process import Service, free_port, run_client
from .smtp import plain_session


class Serve:
    """`name` tells several servers of one group apart; `options` go to the command line as they
    are. Without users it takes no NTLM."""

    def __init__(self, tools, state: pathlib.Path, name, *options, tls=None, users=True):
        if tls:
            options = (*options, "--tls-cert", tls.chain, "--tls-key", tls.key)
        self.name, self._with_users = name, users
        self._program, self._options = tools.pocketgss, options
        self._folder = state / f"serve-{name}"
        self._folder.mkdir()
        self.log = self._folder / f"serve-{name}.log"
        self.port = free_port()
        self._service = None

    def start(self):
        users = ["--users", self._write_users()] if self._with_users else []
        self._service = Service(
            f"serve ({self.name})",
            [
                self._program,
                "serve",
                "--listen",
                f"127.0.0.1:{self.port}",
                *users,
                "--maildir",
                self.maildir,
                "--hostname",
                accounts.HOST,
                *self._options,
            ],
            self.log,
        )
        self._service.wait_ready(lambda: plain_session(self.port))

    def _write_users(self):
        users = self._folder / "users"
        password = self._folder / "password"
        password.write_text(accounts.PASSWORD + "\n")
        password.chmod(0o600)
        made = run_client(
            [
                self._program,
                "passwd",
                "--users",
                users,
                "--user",
                accounts.USER,
                "--password-file",
                password,
            ]
        )
        if made.code != 0:
            raise Failed(f"pocketgss passwd: {made.output.strip()}")
        return users

    @property
    def maildir(self):
        return self._folder / "maildir"

    def message(self, subject):
        """The delivered message with this subject, or None."""
        for path in sorted((self.maildir / "new").glob("*")):
            text = path.read_text(errors="backslashreplace")
            if f"Subject: {subject}" in text:
                return text
        return None

    def log_size(self):
        return self.log.stat().st_size

    def logged_since(self, size):
        return self.log.read_bytes()[size:].decode(errors="backslashreplace")

    def wait_logged(self, size, words, limit=3):
        """The log line since `size` that holds all these words, without regard to case; None where
        none comes in time."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            for line in self.logged_since(size).splitlines():
                if all(word.lower() in line.lower() for word in words):
                    return line
            time.sleep(0.05)
        return None

    def stop(self):
        if self._service:
            self._service.stop()


@contextlib.contextmanager
def running(*servers):
    try:
        for server in servers:
            server.start()
        yield {server.name: server for server in servers}
    finally:
        for server in servers:
            server.stop()

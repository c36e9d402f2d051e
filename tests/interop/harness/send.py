# `pocketgss send` of one message to a server of the harness.
from . import accounts
from .clock import showing
from .process import Outcome, run_client

FROM, TO = f"{accounts.USER}@example.test", "bob@example.test"


def secret_file(folder, password):
    path = folder / f"password-{password}"
    path.write_text(password + "\n")
    path.chmod(0o600)
    return path


def send(tools, port, subject, *options, clock=None) -> Outcome:
    """The dialogue is in the output (-v). Without a --tls among the options there is none. `clock` is
    what its clock shows (clock.py), where that is wrong."""
    if "--tls" not in options:
        options = ("--tls", "none", *options)
    message = f"From: {FROM}\r\nSubject: {subject}\r\n\r\nsent by pocketgss\r\n"
    command = [
        tools.pocketgss,
        "send",
        "-v",
        "--server",
        f"{accounts.HOST}:{port}",
        *options,
        "--from",
        FROM,
        "--to",
        TO,
    ]
    return run_client(showing(clock, command), stdin=message)

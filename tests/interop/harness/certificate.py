# A certificate for mail.example.test and the authority that signed it, made anew for each group.
import dataclasses
import pathlib
import subprocess

from . import accounts
from .case import Failed


@dataclasses.dataclass(frozen=True)
class Certificate:
    authority: pathlib.Path  # what clients trust; PEM
    chain: pathlib.Path  # the server's certificate; PEM
    key: pathlib.Path


def make(folder: pathlib.Path) -> Certificate:
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    authority_key = folder / "authority.key"
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=interop",
        "-keyout",
        authority_key,
        "-out",
        made.authority,
    )
    _openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        f"/CN={accounts.HOST}",
        "-addext",
        f"subjectAltName=DNS:{accounts.HOST}",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
        "-CA",
        made.authority,
        "-CAkey",
        authority_key,
        "-keyout",
        made.key,
        "-out",
        made.chain,
    )
    made.key.chmod(0o600)
    return made


def _openssl(*arguments):
    command = ["openssl", *(str(word) for word in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failed(f"openssl: {done.stderr.strip()}")

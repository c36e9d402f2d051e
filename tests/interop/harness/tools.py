# The programs that the cases run: what the build made, and the foreign clients that the harness
# builds from sources beside it. Those are kept in the build folder and made again where their
# sources change.
import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

from .peers import JAVA_MAIL

SOURCES = pathlib.Path(__file__).resolve().parent.parent
PREPARE_LIMIT = 300  # seconds; the first time packages are fetched


class Unprepared(Exception):
    """A foreign client could not be built; the text says why."""


class Tools:
    def __init__(self, build: pathlib.Path):
        self.build = build
        self._cache = build / "interop"

    @property
    def pgss_peer(self):
        return self.build / "tests" / "interop" / "pgss_peer"

    @property
    def pgss_kdc(self):
        return self.build / "tests" / "interop" / "pgss_kdc"

    @property
    def gss_peer(self):
        return self.build / "tests" / "interop" / "gss_peer"

    @property
    def heimdal_peer(self):
        return self.build / "tests" / "interop" / "heimdal_peer"

    @property
    def sasl_peer(self):
        return self.build / "tests" / "interop" / "sasl_peer"

    @property
    def pocketgss(self):
        return self.build / "pocketgss"

    @property
    def dotnet_mail(self):
        return self._cache / "dotnet" / "out" / "dotnetmail.dll"

    @property
    def node_mail(self):
        return self._cache / "node" / "send.js"

    @property
    def heimdal(self):
        """The root of Heimdal's unpacked packages."""
        return self._cache / "heimdal"

    @property
    def exim(self):
        return self._cache / "exim"

    @property
    def java_classpath(self):
        return ":".join([str(self._cache / "java"), *JAVA_MAIL])

    def prepare(self, peer):
        """Builds what the peer's cases run. Unprepared where that fails."""
        make = {
            "dotnet": self._build_dotnet,
            "nodemailer": self._install_node,
            "javamail": self._compile_java,
            "heimdal-kdc": lambda: self._unpack("heimdal", "heimdal-kdc", "heimdal-clients"),
            "exim": lambda: self._unpack("exim", "exim4-daemon-heavy"),
        }.get(peer)
        if make:
            make()

    def _build_dotnet(self):
        def build(folder):
            _run(
                [
                    "dotnet",
                    "build",
                    "-c",
                    "Release",
                    "-o",
                    folder / "out",
                    "--nologo",
                    "-v",
                    "quiet",
                    "-p:RestoreLockedMode=true",
                    folder,
                ],
                "dotnet build",
                {
                    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
                    "DOTNET_NOLOGO": "1",
                    "MSBUILDDISABLENODEREUSE": "1",
                    "DOTNET_CLI_USE_MSBUILD_SERVER": "0",
                },
            )

        self._make("dotnet", build)

    def _install_node(self):
        self._make(
            "node",
            lambda folder: _run(
                ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder],
                "npm ci",
            ),
        )

    def _compile_java(self):
        self._make(
            "java",
            lambda folder: _run(
                ["javac", "-d", folder, "-cp", ":".join(JAVA_MAIL), *folder.glob("*.java")], "javac"
            ),
        )

    def _unpack(self, name, *packages):
        """Debian packages that cannot be installed, as they conflict with others."""
        folder, stamp = self._cache / name, self._cache / f"{name}.stamp"
        with _lock(self._cache / f"{name}.lock"):
            if stamp.exists() and stamp.read_text() == " ".join(packages):
                return
            print(f"# fetching {name}", file=sys.stderr, flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _run(["apt-get", "download", *packages], "apt-get download", folder=folder)
            for package in folder.glob("*.deb"):
                _run(["dpkg-deb", "-x", package, folder], "dpkg-deb")
            stamp.write_text(" ".join(packages))

    def _make(self, name, build):
        """Copies the sources into the cache and builds there, unless that was done with the same
        sources."""
        folder, stamp = self._cache / name, self._cache / f"{name}.stamp"
        digest = _digest(SOURCES / name)
        with _lock(self._cache / f"{name}.lock"):
            if stamp.exists() and stamp.read_text() == digest:
                return
            print(f"# preparing {name}", file=sys.stderr, flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(SOURCES / name, folder)
            build(folder)
            stamp.write_text(digest)


@contextlib.contextmanager
def _lock(path):
    """Several runs may share a build folder: one prepares, the others wait for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _digest(folder):
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _run(command, what, environment=None, folder=None):
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            timeout=PREPARE_LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise Unprepared(f"{what} was not done within {PREPARE_LIMIT} s") from None
    if done.returncode != 0:
        lines = done.stdout.strip().splitlines() or ["no output"]
        raise Unprepared(f"{what} failed: {lines[-1]}")

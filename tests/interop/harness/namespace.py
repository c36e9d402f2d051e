# A network, mount and process namespace for each group of peers: loopback alone, files hidden or
# replaced for the group only, and nothing that the group started outlives it.
import fcntl
import glob
import os
import pathlib
import shutil
import socket
import struct
import subprocess

HOSTS = "127.0.0.1 localhost mail.example.test client.example.test\n"
_KEPT_VARIABLES = (
    "PATH",
    "CI",
    "HOME",
    "LANG",
    "DOTNET_ROOT",
    "JAVA_HOME",
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
)
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def privileged(command):
    """The command as root: itself, or by a sudo that asks no password. None where neither is to be
    had."""
    if os.geteuid() == 0:
        return command
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    ):
        kept = [f"{name}={os.environ[name]}" for name in _KEPT_VARIABLES if name in os.environ]
        return ["sudo", "-n", "env", *kept, *command]
    return None


def command_inside(command):
    """--kill-child and the process namespace: whatever the command started ends with it."""
    return privileged(
        [
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--",
            *command,
        ]
    )


def refusal():
    """Why no namespace can be made here, or None."""
    command = command_inside(["true"])
    if command is None:
        return "namespaces need root, or a user whom sudo asks no password"
    tried = subprocess.run(command, capture_output=True, text=True)
    if tried.returncode != 0:
        return (
            "no namespaces here: " + (tried.stderr.strip().splitlines() or ["unshare failed"])[-1]
        )
    return None


def prepare(state: pathlib.Path, hidden):
    """Called first inside: loopback up, names from a file of ours and no name server, `hidden`
    files emptied."""
    _loopback_up()
    for name, content in (("hosts", HOSTS), ("resolv.conf", "options timeout:1 attempts:1\n")):
        (state / name).write_text(content)
        if os.path.exists(f"/etc/{name}"):
            bind(state / name, f"/etc/{name}")
    for pattern in hidden:
        for path in glob.glob(pattern):
            bind("/dev/null", path)


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def bind(source, target):
    subprocess.run(["mount", "--bind", str(source), str(target)], check=True)


def private_folder(path):
    """An empty folder at `path`, for this namespace alone; what stood there is hidden."""
    os.makedirs(path, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", str(path)], check=True)

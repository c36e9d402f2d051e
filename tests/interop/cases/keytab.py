# Key tables with MIT krb5's ktutil and klist: what we write it lists, what it writes we list, with
# the same keys; and each adds to the other's.
import contextlib
import re

from harness.case import Failed, Group
from harness.process import run_client

NEEDS = ("krb5-user",)
PRINCIPAL = "smtp/mail.example.test@EXAMPLE.TEST"
PASSWORD, ANOTHER_PASSWORD = "Secret.123", "Secret.124"
KVNO = 300  # more than 8 bits
ETYPES = (
    "aes256-cts-hmac-sha1-96",
    "aes128-cts-hmac-sha1-96",
    "aes256-cts-hmac-sha384-192",
    "aes128-cts-hmac-sha256-128",
)
ENVIRONMENT = {"KRB5_CONFIG": "/dev/null", "LC_ALL": "C", "TZ": "UTC"}


class Tables:
    def __init__(self, program, folder):
        self._program, self._folder = program, folder
        self._password = folder / "password"
        self._password.write_text(PASSWORD + "\n")

    def new(self, name):
        path = self._folder / name
        path.unlink(missing_ok=True)
        return path

    def add_ours(self, table, kvno=KVNO):
        _run(
            [self._program, "keytab", "add", "--keytab", table, "--principal", PRINCIPAL, "--kvno", kvno]
            + ["--password-file", self._password]
        )

    def list_ours(self, table):
        """(kvno, principal, etype, key) of each key, as our program lists them."""
        text = _run([self._program, "keytab", "list", "--show-keys", "--keytab", table])
        return [(int(line[0]), *line[2:]) for line in (row.split("  ") for row in text.splitlines())]

    def add_theirs(self, table, kvno=KVNO, password=PASSWORD):
        commands = "".join(
            f"addent -password -p {PRINCIPAL} -k {kvno} -e {etype}\n{password}\n" for etype in ETYPES
        )
        _run(["ktutil"], commands + f"wkt {table}\nquit\n")

    def list_theirs(self, table):
        text = _run(["klist", "-k", "-e", "-K", table])
        rows = re.findall(r"^ *(\d+) (\S+) \((\S+)\) +\(0x([0-9a-f]+)\)$", text, re.M)
        return [(int(kvno), *rest) for kvno, *rest in rows]


def _run(command, text=""):
    done = run_client(command, environment=ENVIRONMENT, stdin=text)
    if done.code != 0:
        raise Failed(f"{command[0]}: {done.last_line()}")
    return done.output


@contextlib.contextmanager
def _tables(state, tools):
    yield Tables(tools.pocketgss, state)


group = Group("keytab", _tables)
GROUPS = [group]


def _compare(ours, theirs, count):
    if ours != theirs:
        raise Failed(f"pocketgss lists {len(ours)} keys, klist {len(theirs)}, and they differ")
    if len(ours) != count:
        raise Failed(f"{len(ours)} keys where {count} were added")
    return f"{count} keys, listed alike"


@group.case("add-and-mit-klist", needs=NEEDS)
def ours_to_theirs(tables):
    table = tables.new("ours")
    tables.add_ours(table)
    return _compare(tables.list_ours(table), tables.list_theirs(table), len(ETYPES))


@group.case("mit-ktutil-and-list", needs=NEEDS)
def theirs_to_ours(tables):
    table = tables.new("theirs")
    tables.add_theirs(table)
    return _compare(tables.list_ours(table), tables.list_theirs(table), len(ETYPES))


@group.case("same-keys-of-a-password", needs=NEEDS)
def same_keys(tables):
    ours, theirs = tables.new("ours"), tables.new("theirs")
    tables.add_ours(ours)
    tables.add_theirs(theirs)
    return _compare(tables.list_ours(ours), tables.list_theirs(theirs), len(ETYPES))


@group.case("other-keys-of-another-password", needs=NEEDS)
def other_keys(tables):
    """The rest of each line is alike, and no key is."""
    ours, theirs = tables.new("ours"), tables.new("theirs")
    tables.add_ours(ours)
    tables.add_theirs(theirs, password=ANOTHER_PASSWORD)
    listed = tables.list_ours(ours), tables.list_theirs(theirs)
    names, keys = ([[row[part] for row in rows] for rows in listed] for part in (slice(3), 3))
    if names[0] != names[1] or len(names[0]) != len(ETYPES):
        raise Failed(f"not the same names: {names}")
    if set(keys[0]) & set(keys[1]):
        raise Failed("a key of both passwords")
    try:
        _compare(*listed, len(ETYPES))
    except Failed as difference:
        return f"{difference}"
    raise Failed("listed alike")


@group.case("each-adds-to-the-other", needs=NEEDS)
def mixed(tables):
    table = tables.new("mixed")
    tables.add_theirs(table, 1)
    tables.add_ours(table, 2)
    tables.add_theirs(table, 3)
    return _compare(tables.list_ours(table), tables.list_theirs(table), 3 * len(ETYPES))

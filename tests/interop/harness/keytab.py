# Key tables made by our own program.
from . import accounts
from .case import Failed
from .process import run_client
from .send import secret_file


def add_keys(tools, table, principals, *, etypes=(), kvno=1, password=accounts.PASSWORD):
    """Keys of a password under these names: next to those of a KDC's new services, whose keys are
    random, they are wrong ones with the right version."""
    secret = secret_file(table.parent, password)
    for principal in principals:
        command = [tools.pocketgss, "keytab", "add", "--keytab", table, "--principal", principal]
        command += ["--kvno", str(kvno), "--password-file", secret]
        for etype in etypes:
            command += ["--etype", str(etype)]
        done = run_client(command)
        if done.code != 0:
            raise Failed(f"pocketgss keytab add: {done.last_line()}")
    return table

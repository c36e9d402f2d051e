# What a case is: a name, the peers it needs and a function; groups of cases share one namespace
# and one set of servers.
import dataclasses
import fnmatch
from typing import Callable, Optional


class Failed(Exception):
    """The case did not do what it must. The text is the reason; `logs` are shown below it."""


@dataclasses.dataclass(frozen=True)
class Case:
    name: str  # group/what
    needs: tuple  # names of peers (peers.py) that must be installed
    run: Callable  # takes the group's servers, returns a short detail for the ok line


@dataclasses.dataclass
class Group:
    """Cases that run in one network and mount namespace. `servers` is a context manager: it starts
    what all of them use."""

    name: str
    servers: Callable
    hidden: tuple = ()  # files (glob patterns) that processes of this group must not find
    cases: list = dataclasses.field(default_factory=list)

    def case(self, name: str, *, needs: tuple = (), run: Optional[Callable] = None):
        def register(function):
            self.cases.append(Case(f"{self.name}/{name}", tuple(needs), function))
            return function

        return register(run) if run else register


def select(groups, patterns):
    """The cases whose name matches one of the patterns: a group, a part of the name, or a shell
    pattern."""
    for group in groups:
        for case in group.cases:
            if not patterns or any(_matches(case.name, pattern) for pattern in patterns):
                yield group, case


def _matches(name, pattern):
    return pattern in name or fnmatch.fnmatch(name, pattern)

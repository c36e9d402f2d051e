# Clocks that are wrong: a program under faketime, beside servers that have the right time.
AHEAD = "an-hour-ahead"
WRONG = {AHEAD: "+3600", "an-hour-behind": "-3600", "of-1970": "@1970-01-02 00:00:00"}


def showing(clock, command):
    """The command, whose clock shows `clock`: what faketime takes after -f, or None for the right
    time. How long things take is not changed."""
    return ["faketime", "--exclude-monotonic", "-f", clock, *command] if clock else command

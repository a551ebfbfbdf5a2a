"""What can go wrong on the way, and the exit status by which a script tells it."""


class Failed(Exception):
    """Something that should have worked did not; the text says what and where to look."""

    status = 1


class Unavailable(Failed):
    """Something that we need and cannot bring is not there (EX_UNAVAILABLE of sysexits)."""

    status = 69

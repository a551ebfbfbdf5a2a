"""What proves the promises by killing, freezing and cutting; started by `deploy/chaos`.

It adds no house of its own: it plays with that of `tests/stories`, and every round ends in the
oracle of `tests/checker`.

    points      the named points at which a daemon dies: what each means and how it is reached
    crash       one death at one point, and what came of it
    matrix      `deploy/chaos crashpoints`: every point, three positions, alone and with a second
    report      what people read while it runs, the table at its end, and the same as JSON
"""

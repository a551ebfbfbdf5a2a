"""What proves the promises by killing, freezing and cutting; started by `deploy/chaos`.

It adds no house of its own: it plays with that of `tests/stories`, and every round ends in the
oracle of `tests/checker`.

    points      the named points at which a daemon dies: what each means and how it is reached
    crash       one death at one point, and what came of it
    matrix      `deploy/chaos crashpoints`: every point, three positions, alone and with a second
    storm       `deploy/chaos random`: three instances, faults every few seconds, then quiet
    mutants     `deploy/chaos mutants`: each safeguard is taken out once, and some test must notice
    safeguards  what they are, and how each is taken out
    faults      the catalogue of what may happen, drawn by a seed; ground carries it out
    proxy       a TCP proxy that is late, cuts, falls silent or resets, per direction
    seats       the places of the instances; load asks for all sorts of things meanwhile
    vitals      descriptors, memory and tasks of a process
    report      what people read while it runs, the table at its end, and the same as JSON
"""

"""The ground deliveryd stands on: what has to be there before the daemon can run.

Standard library only: this code runs before there is a virtual environment. Linux only.

    failures      what can go wrong, with the exit status that says so
    progress      one line per thing done
    processes     start, find, end; every server process carries a mark by which it is found again
    state         the state folder: ports and passwords of the servers, who holds it
    debian        packages by apt-get, without the servers that they would start
    unpacked      the same packages in a folder, for those who are not root
    environment   `.venv` from `uv.lock`
    prepare       says what is missing and why, then brings it
    postgres      our Postgres
    rabbitmq      our RabbitMQ
    servers       both: start, stop, restart, status
    verbs         `deploy/servers`, as typed
    steps         `deploy/test`, as typed
    chaos         `deploy/chaos`, as typed
    bench         `deploy/bench`, as typed
    handover      how these two become a program of `tests/`

For `deploy/demo`: `prepare.everything(say)`, then `servers.start(folder, say)`, which returns
`Servers(dsn, url, …)`, and at the end `servers.stop(folder, say)`.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - nothing else has checked it when a script starts
    print(f"deploy: Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    sys.exit(69)

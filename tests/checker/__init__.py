"""The oracle: after a story it reckons again what should have happened, and tells what didn't.

It shares no code with the daemon and none with the sink. It looks at four independent witnesses:
what was published, what the sink has on record, what came from the event exchange, and the daemon's
own books; and it holds each against the others.

    evidence    what the witnesses say, as plain values
    asked       a request, read by the checker's own understanding of it
    record      the sink's record, from its lines
    books       the daemon's tables, by plain SQL
    world       the four laid side by side: who belongs to what
    laws        what must hold of them: requests, accounts, deliveries, events, limits
    verdict     every law, counted: `N passed, N failed`
"""

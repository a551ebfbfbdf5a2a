"""The demo: sample requests go in through RabbitMQ, mail and events come out, before your eyes.

Nothing here imports the daemon: it is asked, and judged, from outside. `producer` and `follower`
are also the example for whoever writes a producer or a consumer of events.

Before there is a virtual environment, standard library only:

    stage       `deploy/demo`, as typed: sets up, starts, watches over the play, stops
    programs    the development SMTP server and the daemon as processes
    afterwards  where to look next, and the variables of a shell that wants to

The play, under `.venv/bin/python -m show`:

    __main__    everything below, for as long as it takes
    samples     the requests, and what each of them demands
    producer    publishes them, and collects the answers
    follower    the events, as they come from the exchange
    mailbox     the copies that the development server has taken
    seen        all that came back, sorted by request
    verdict     what came back against what was demanded
    screen      live tables on a terminal
    lines       the same as plain lines, anywhere else
    summary     the balance at the end
"""

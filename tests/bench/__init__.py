"""The benchmark; started by `deploy/bench`.

It counts by itself: nothing here that counts, times or judges is the daemon's.

    cases     all cases; case: what one is
    campaign  how fast a campaign goes, how little memory a large one takes
    single    requests to one recipient: many that wait, urgent ones among them
    bringing  contacts from a file, beside a bare COPY
    finding   everyone of a directory, beside a bare INSERT; town: the directory
    rounds    reference, run, reference; repeated when the machine changed meanwhile
    race      one timed run: clock, first mail, last event, what everybody used
    stand     what a run stands on: a fresh database, a prefix at the broker, the daemons
    letter    the letter, those who get it, the requests
    post      the bench at the broker: publishes, counts and reads events
    relay     Postfix's `smtp-sink` and the reference by `smtp-source`
    meter     CPU time and memory of processes, by the kernel's word
    count     what the events say
    sightings when the sink took a certain mail
    proof     the second run, read by the checker: dumps reads the sink's
    figures   a run, a result, its ratio, whether it is void
    bars      what people see while it runs; show: the table at the end
"""

"""The sink: a scripted SMTP server, the measuring instrument for all that sends mail.

It accepts everything, records every copy, and misbehaves exactly as told: by words in the
recipient's address (`behaviour`), or by a control channel (`control`, `mode`). It stands alone: it
imports the standard library and nothing else of `daemon`, so that what it says about the daemon is
a second opinion.

From the wire inwards: `server` listens, `session` is one connection (bytes, time, TLS), `dialogue`
is what the server says to each command (no I/O), `body` finds the end of a message, `behaviour` and
`answer` are what is done wrong on purpose, `record`, `show` and `tally` are what is remembered.
`client` is for those who ask: the control channel's caller and the reader of records.
"""

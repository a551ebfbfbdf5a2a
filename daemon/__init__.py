"""deliveryd: requests come in from RabbitMQ, mail goes out by SMTP, events go back.

The folders follow the mail's journey; each looks down only (import contracts in pyproject.toml):

    intake      parcels become requests, and accepted ones jobs
    directory   customers, transports, tokens: who may ask, and the ways out
    expansion   who is meant becomes deliveries
    dispatch    what is due is claimed, permitted, handed out, and settled
    compose     a message becomes bytes for each recipient
    delivery    bytes go to a relay; what it says becomes an outcome
    ledger      what happened is appended, and told to the world

    mail        the words and laws of all of them; pure
    dialects    foreign requests, mapped to ours; pure
    store       Postgres      broker   RabbitMQ      web   HTTP
    cli         what a person types;  app and engine put the parts together
    sink        a scripted SMTP server that judges the rest and shares nothing with it

README.md beside this file says where to look for what.
"""

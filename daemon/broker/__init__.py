"""The broker's door: the only room that speaks AMQP.

`connection` keeps a named link up, `consumer` takes parcels off a queue in groups, `publisher` puts
whole batches onto an exchange and counts the confirms, `topology` knows what must exist there,
`depth` reads how full a queue is. Underneath: `wire` (one connection until it is lost), `tap` (its
ear), `channel`, and the pure `encode`, `decode` and `confirms`.
"""

"""The way out: attempts in, outcomes back. The only room that speaks SMTP.

`courier` is the seam; `smtp` hands to a relay, `file` writes `.eml` files for dry runs. Behind
`smtp`: `connect` opens a connection, `session` leads the conversation on it, `dialogue` knows whom
each reply belongs to, `verdict` what it means, `replies` reads it, `wire` moves the octets.
"""

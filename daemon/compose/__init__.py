"""7. Compose: a message becomes a plan once, and a plan becomes each delivery's bytes.

Pure: no I/O, no clock, no randomness, no logging. Composed again, the bytes are the same.
"""

"""Requests: from a parcel's bytes to a checked command in canonical form, and to its answer.

    parcel      bytes → a JSON object, bounded
    decode      a JSON object → a command, or everything that is wrong with it
    forms       which commands there are
    send, commands, recipients   the commands themselves: their classes are the contract
    kinds       the kinds of value their fields hold
    rules       limits and defaults that the configuration may change
    findings    how faults are collected and told
    answers     what goes back

`README.md` shows one document of every command; a test decodes each of them.
"""

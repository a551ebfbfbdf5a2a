"""The life of the process: its start, its signs to systemd, its reloads, its faults."""

"""How small and how large a number that is typed may be; any other is a matter of usage.

Each is the `validator` of a parameter. A test sees to it that no number of any command is without.
"""

from cyclopts.validators import Number

LARGEST = 2**63 - 1
"""What a column of ids holds."""
MOST_ROWS = 100_000
"""That are held in memory at once."""
DAY = 86_400.0

ID = Number(gte=0, lte=LARGEST)
"""An id, or where a page goes on; 0 is whoever isn't known."""
COUNT = Number(gte=1, lte=LARGEST)
ROWS = Number(gte=1, lte=MOST_ROWS)
ROWS_OR_NONE = Number(gte=0, lte=MOST_ROWS)
"""Where a sum is shown besides, which may be all that is wanted."""
SAMPLE = Number(gte=0, lte=1000)
PATIENCE = Number(gte=0, lte=DAY)
"""Seconds that something is waited for."""
PAUSE = Number(gte=0.05, lte=DAY)
"""Seconds between two looks at one thing."""
LONG_PAUSE = Number(gte=0.2, lte=DAY)
"""Seconds between two looks that ask the database a dozen things."""
DAYS = Number(gte=0, lte=36_500)
PROCESSES = Number(gte=1, lte=64)
"""Of one supervisor."""

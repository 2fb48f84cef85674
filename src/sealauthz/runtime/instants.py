"""The sentinel values of time columns: NEVER and FOREVER."""

NEVER = 0
"""An instant before all others: it has not happened."""

FOREVER = 253_402_300_799_000_000
"""An instant after all others (the end of the year 9999): there is no end."""

"""The fleet: every model in a row."""

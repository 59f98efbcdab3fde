"""How groups and slices of the rows are served."""

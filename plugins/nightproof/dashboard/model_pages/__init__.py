"""A model over its nights."""

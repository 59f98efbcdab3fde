"""The check families: pure functions from profiles to findings."""

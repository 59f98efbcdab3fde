"""The dashboard over a large fleet: pages, starts, memory, and how soon a night is seen."""

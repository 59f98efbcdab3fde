"""Alerts on real flights: a season with nothing injected, and twenty faults put in: `make bench-faults`."""

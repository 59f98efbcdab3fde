"""Incidents: of the fleet, of a model, and one in depth."""

"""Drift: features by nights, and the distribution of one feature on one night."""

"""A night in depth: its verdict, findings, evaluations, reports, record and files."""

"""The alert simulator: how often a rule pages for nothing, and how soon it finds real harm."""

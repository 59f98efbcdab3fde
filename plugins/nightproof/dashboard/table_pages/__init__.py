"""Where the metrics table lies, and code that asks it."""

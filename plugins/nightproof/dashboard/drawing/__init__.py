"""Charts, sparklines, and what every number says of itself."""

"""The demo: real servers on this machine and a year of real flights.

``python -m nightproof.demo`` runs the main job once, from training data to a Slack message; the servers
serve the integration tests too. Everything is written below one folder, ``.demo/``.
"""

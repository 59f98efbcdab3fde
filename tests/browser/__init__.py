"""The dashboard in a real browser: alone, and inside a real Airflow behind its login."""

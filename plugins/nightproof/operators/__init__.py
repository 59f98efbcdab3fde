"""Airflow's side of Nightproof: operators, a sensor and the DAGs built of them.

Only this package and the UI plugin import Airflow. Each operator's ``execute`` is one call into
:mod:`nightproof.pipeline`; they can be used in anybody's own DAG.
"""

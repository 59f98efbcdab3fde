"""One Airflow DAG for each model config in ``include/models``: nobody writes a DAG.

A broken file keeps a DAG of its own, which says what is wrong; the others are not touched by it.
"""

from airflow.sdk import get_parsing_context
from nightproof.catalog import config_paths, models_folder
from nightproof.operators.dag import nightly_dag

# A task's process needs its own DAG only; the scheduler's needs all.
wanted = get_parsing_context().dag_id

for path in config_paths(models_folder()):
    if wanted in (None, path.stem):
        dag = nightly_dag(path)
        globals()[dag.dag_id] = dag

"""One DAG for all results: the metrics tables are kept whole and small."""

from airflow.sdk import get_parsing_context
from nightproof.catalog import models_folder
from nightproof.fleet import MAINTENANCE_DAG_ID
from nightproof.operators.maintenance import maintenance_dag

if get_parsing_context().dag_id in (None, MAINTENANCE_DAG_ID):
    dag = maintenance_dag(models_folder())

"""One DAG for all models: what waited to be told, and the weekly digests."""

from airflow.sdk import get_parsing_context
from nightproof.catalog import models_folder
from nightproof.fleet import DAG_ID
from nightproof.operators.fleet import fleet_dag

if get_parsing_context().dag_id in (None, DAG_ID):
    dag = fleet_dag(models_folder())

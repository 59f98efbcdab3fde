"""Object storage and Slack by Airflow's connections, so that credentials stay in Airflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException, AirflowNotFoundException

from nightproof.storage import DirectoryStore, OpenStore, Store

if TYPE_CHECKING:
    from nightproof.alert import Sender


def store_opener(aws_conn_id: str) -> OpenStore:
    """Opens ``s3://`` roots with the credentials and endpoint of an Airflow connection."""

    def open_root(root: str) -> Store:
        if root == "file:///":
            return DirectoryStore(Path("/"))
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        from nightproof.storage.s3 import CLIENT_CONFIG, S3Store

        hook = S3Hook(aws_conn_id=aws_conn_id, config=CLIENT_CONFIG)
        return S3Store(root.removeprefix("s3://"), hook.get_conn())

    return open_root


def slack_sender(slack_conn_id: str) -> Sender:
    """A Slack client by an Airflow connection of type ``slack``.

    Raises
    ------
    AirflowFailException
        If there is no such connection.
    """
    from airflow.providers.slack.hooks.slack import SlackHook

    from nightproof.alert import retry_handlers

    try:
        sender: Sender = SlackHook(slack_conn_id=slack_conn_id, retry_handlers=retry_handlers()).get_conn()
    except AirflowNotFoundException as error:
        raise AirflowFailException(
            f"There is no Airflow connection {slack_conn_id!r} to tell Slack by: add one of type slack with the "
            "bot's token as its password, or remove alerts.slack from the config."
        ) from error
    return sender

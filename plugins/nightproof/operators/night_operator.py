"""What all of Nightproof's operators share: which model, by which connections, and clear failures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from nightproof.catalog import find_model, models_folder, suites_folder
from nightproof.config import ModelConfig
from nightproof.errors import (
    AccessRefused,
    BucketMissing,
    ConfigError,
    DataError,
    NightError,
    RecordError,
)
from nightproof.operators.connections import store_opener

if TYPE_CHECKING:
    from nightproof.pipeline import Ticket
    from nightproof.resources import Resources

FINAL = (ConfigError, NightError, DataError, RecordError, AccessRefused, BucketMissing)
"""Errors that trying again cannot mend: the task fails at once."""


class NightOperator(BaseOperator):
    """Base of the operators: one step of one model's night.

    Parameters
    ----------
    model
        Name of the model; its config is read when the task runs.
    models_folder
        Folder of the configs; by default ``NIGHTPROOF_MODELS`` or ``include/models``.
    aws_conn_id
        Airflow connection for object storage.
    """

    template_fields: Sequence[str] = ("model", "models_folder", "aws_conn_id")
    ui_color = "#e8edf7"

    def __init__(
        self, *, model: str, models_folder: str | None = None, aws_conn_id: str = "aws_default", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.model = model
        self.models_folder = models_folder
        self.aws_conn_id = aws_conn_id

    def execute(self, context: Context) -> Any:
        """Run the step; what cannot be mended by trying again fails at once."""
        try:
            return self.step(self.read_config(), self.open_resources(), context)
        except FINAL as error:
            raise AirflowFailException(str(error)) from error

    @abstractmethod
    def step(self, config: ModelConfig, resources: Resources, context: Context) -> Any:
        """Do the work; what it returns goes to XCom and is small."""

    def read_config(self) -> ModelConfig:
        """The model's config, as it is now."""
        return find_model(self.model, self.folder)

    def open_resources(self) -> Resources:
        """Storage by the Airflow connection, and this worker's cache."""
        return open_resources(self.folder, self.aws_conn_id)

    @property
    def folder(self) -> Path:
        """Folder of the configs."""
        return Path(self.models_folder) if self.models_folder else models_folder()


def open_resources(models: Path, aws_conn_id: str) -> Resources:
    """Storage by an Airflow connection, and this worker's cache."""
    from nightproof.cache import Cache, default_folder
    from nightproof.resources import Resources

    return Resources(cache=Cache(default_folder()), suites=suites_folder(models), open_store=store_opener(aws_conn_id))


class TicketOperator(NightOperator):
    """Base of the operators that go on with an evaluation that a pull has named.

    Parameters
    ----------
    ticket
        What the pull returned: a mapping, by default the XCom of the task ``pull``.
    """

    template_fields: Sequence[str] = (*NightOperator.template_fields, "ticket")

    def __init__(self, *, ticket: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ticket = ticket

    def step(self, config: ModelConfig, resources: Resources, context: Context) -> Any:
        """Check that the config is still the one of the pull, and do the work."""
        from nightproof.pipeline import Ticket

        found = self.ticket or context["ti"].xcom_pull(task_ids="pull")
        if not found:
            raise AirflowFailException("There is no ticket from a pull: give ticket=, or run the task pull first.")
        ticket = Ticket.model_validate(found)
        if ticket.config != config.fingerprint:
            raise AirflowFailException(
                f"The config of {config.model} has changed since this night was pulled: "
                "clear the run from the task pull, and the night is evaluated anew."
            )
        return self.advance(config, ticket, resources, context)

    @abstractmethod
    def advance(self, config: ModelConfig, ticket: Ticket, resources: Resources, context: Context) -> Any:
        """Do the work; what it returns goes to XCom and is small."""

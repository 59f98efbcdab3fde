"""The sensor that waits for a night's labels to be due and its objects to be there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from nightproof.catalog import find_model, models_folder
from nightproof.config import ModelConfig
from nightproof.errors import NightproofError, StoreUnavailable
from nightproof.night import Night
from nightproof.operators.connections import store_opener
from nightproof.operators.night_operator import NightOperator

POLL_SECONDS = 60.0


class WaitForDataOperator(NightOperator):
    """Wait, deferred and so without a worker, until the night can be pulled.

    It can be once its labels are due and each of its prefixes has an object. After ``data.wait``
    in vain the task fails, and says under which prefixes it looked.

    Parameters
    ----------
    night
        The UTC day to evaluate, YYYY-MM-DD.
    poll_seconds
        How often to look.
    """

    template_fields: Sequence[str] = (*NightOperator.template_fields, "night")

    def __init__(self, *, night: str = "{{ ds }}", poll_seconds: float = POLL_SECONDS, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.night = night
        self.poll_seconds = poll_seconds

    def step(self, config: ModelConfig, resources: Any, context: Context) -> None:
        """Look once, and defer to the trigger if there is something to wait for."""
        from nightproof.pull import missing_places

        night = Night.parse(self.night, config.data.label_delay)
        now = datetime.now(UTC)
        if night.matures_at <= now and not missing_places(config, night, resources.open_store):
            return
        deadline = max(now, night.matures_at) + config.data.wait
        self.log.info("Waiting for night %s, until %s", night, deadline.isoformat(timespec="minutes"))
        self.defer(
            trigger=NightTrigger(
                model=self.model,
                night=str(night),
                models_folder=str(self.folder),
                aws_conn_id=self.aws_conn_id,
                poll_seconds=self.poll_seconds,
                deadline=deadline.isoformat(),
            ),
            method_name="resume",
            timeout=deadline - now + timedelta(minutes=10),
        )

    def resume(self, context: Context, event: dict[str, Any]) -> None:
        """Go on, or fail with what the trigger saw."""
        if event["problem"]:
            raise AirflowFailException(event["problem"])


class NightTrigger(BaseTrigger):
    """Looks for a night's objects, every so often, until a deadline."""

    def __init__(
        self,
        *,
        model: str,
        night: str,
        models_folder: str | None,
        aws_conn_id: str,
        poll_seconds: float,
        deadline: str,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.model = model
        self.night = night
        self.models_folder = models_folder
        self.aws_conn_id = aws_conn_id
        self.poll_seconds = poll_seconds
        self.deadline = deadline

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Where the class is and how to make it again; holds no credentials."""
        names = ("model", "night", "models_folder", "aws_conn_id", "poll_seconds", "deadline")
        return "nightproof.operators.wait.NightTrigger", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: a problem in words, or none."""
        try:
            folder = Path(self.models_folder) if self.models_folder else models_folder()
            config = find_model(self.model, folder)
            night = Night.parse(self.night, config.data.label_delay)
            await self._sleep_until(night.matures_at)
            while problem := await self._problem(config, night):
                if datetime.now(UTC) >= datetime.fromisoformat(self.deadline):
                    yield _event(problem)
                    return
                await asyncio.sleep(self.poll_seconds)
        except NightproofError as error:
            yield _event(str(error))
            return
        yield _event(None)

    async def _sleep_until(self, instant: datetime) -> None:
        while (left := (instant - datetime.now(UTC)).total_seconds()) > 0:
            await asyncio.sleep(min(left, 3600.0))

    async def _problem(self, config: ModelConfig, night: Night) -> str | None:
        """Why the night cannot be pulled yet, in words; an outage of the store is waited out too."""
        from nightproof.pull import missing_places

        def look() -> list[str]:
            # In a thread: neither boto3 nor the connection's look-up may block the event loop.
            return missing_places(config, night, store_opener(self.aws_conn_id))

        try:
            missing = await asyncio.to_thread(look)
        except StoreUnavailable as error:
            self.log.warning("%s", error)
            return f"Night {night} of {config.model} could not be looked for until data.wait was over: {error}"
        return _in_vain(config, night, missing) if missing else None


def _event(problem: str | None) -> TriggerEvent:
    return TriggerEvent({"problem": problem})  # type: ignore[no-untyped-call]


def _in_vain(config: ModelConfig, night: Night, missing: list[str]) -> str:
    return (
        f"Night {night} of {config.model} did not arrive: after waiting for data.wait there is still no object "
        f"under {' nor under '.join(missing)}. Write it and clear this task, or raise data.wait."
    )

"""Alert: tell Slack, once, whatever is retried, wherever it crashes.

For each event of an incident, one worker claims the right to tell it by a conditional create in
the results. It then posts, with the event's key in the message's metadata, and leaves a receipt.
Whoever finds a claim without a receipt looks for the key in the channel's history first: if the
message is there, the receipt was all that was missing; if not, the next claim is taken and the
message is sent. So nothing is sent twice, and nothing is lost to a crash between any two steps.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.http_retry.handler import RetryHandler

from nightproof.errors import AlertError, ObjectExists, ObjectMissing
from nightproof.evaluation import Evaluation
from nightproof.message import Links, Message, compose
from nightproof.record import Record
from nightproof.results import ModelResults
from nightproof.storage import Store
from nightproof.verdict import Incident

TRIES = 5
CLAIM_SECONDS = 300
"""A claim without a receipt that is younger than this belongs to somebody who is still at it."""
EVENT_TYPE = "nightproof_incident"


Sender = WebClient
"""What posts and looks: slack_sdk's client, by whichever token and address."""


class Claim(Record):
    """Somebody's word that they are telling an event."""

    number: int
    claimed_at: str


class Receipt(Record):
    """Slack's word that it has a message."""

    key: str
    channel: str
    ts: str
    text: str


def retry_handlers() -> list[RetryHandler]:
    """What slack_sdk may retry by itself: answers of 429, which say that nothing was posted.

    A 5xx or a broken connection does not say so; there, :class:`Post` looks before it posts again.
    """
    return [RateLimitErrorRetryHandler(max_retry_count=TRIES)]


def client_from_environment() -> WebClient | None:
    """A client by ``SLACK_BOT_TOKEN`` (and ``NIGHTPROOF_SLACK_URL``), or ``None`` without a token."""
    token = os.environ.get("SLACK_BOT_TOKEN")
    if not token:
        return None
    base_url = os.environ.get("NIGHTPROOF_SLACK_URL", WebClient.BASE_URL)
    return WebClient(token=token, base_url=base_url, retry_handlers=retry_handlers())


def alert(evaluation: Evaluation, *, results: ModelResults, sender: Sender, links: Links) -> list[Receipt]:
    """Tell Slack of every event of the night's incidents that it has not been told.

    An incident that is open and was never told of (because an earlier night was not alerted) is
    told as it stands.

    Returns
    -------
    list of Receipt
        Of the messages that this call sent; empty where there was nothing new to say.

    Raises
    ------
    AlertError
        If Slack did not take a message; what was not sent can be retried.
    """
    slack = evaluation.config.alerts.slack
    if slack is None:
        return []
    sent = []
    for incident in evaluation.verdict.incidents:
        night = str(evaluation.night)
        post = Post(incident, night, results=results, sender=sender, channel=slack.channel)
        if post.is_news():
            receipt = post.deliver(compose(incident, evaluation, links))
            sent += [receipt] if receipt else []
    return sent


def post_notice(sender: Sender, channel: str, message: Message) -> None:
    """Post a message that is no incident's, once and without a record.

    Raises
    ------
    AlertError
        If Slack did not take it.
    """
    try:
        sender.chat_postMessage(channel=channel, text=message.text, blocks=message.blocks, unfurl_links=False)
    except SlackApiError as error:
        raise AlertError(f"Slack did not take the message to {channel}: {_refusal(error)}.") from error
    except (SlackClientError, HTTPException, OSError) as error:
        raise AlertError(f"Slack did not take the message to {channel}: {type(error).__name__}.") from error


class Post:
    """One event of one incident: its claims and its receipt in the results, its message in Slack.

    Parameters
    ----------
    incident
        Whose event it is.
    night
        The night of the event.
    results
        The model's results.
    sender
        Slack.
    channel
        As the config names it.
    """

    def __init__(self, incident: Incident, night: str, *, results: ModelResults, sender: Sender, channel: str) -> None:
        self._incident = incident
        self._store: Store = results.store
        self._folder = f"{results.folder}alerts/{incident.id}/"
        # An incident opens once; it may spread or end on any night.
        once = incident.event in ("opened", "ongoing")
        self._name = "opened" if once else f"{incident.event}-{night}"
        self._sender = sender
        self._channel = channel

    def is_news(self) -> bool:
        """Whether to tell: not what goes on as told, nor the end of what was never told."""
        if self._incident.event in ("ongoing", "recovered"):
            return (self._first() is None) == (self._incident.event == "ongoing")
        return self._receipt(self._name) is None

    def deliver(self, message: Message) -> Receipt | None:
        """Send the message unless it was sent; gives the receipt if this call sent it."""
        while self._receipt(self._name) is None:
            claims = self._claims()
            if claims and not self._is_given_up(claims[-1]):
                time.sleep(1.0)
                continue
            found = self._search(since=claims[0].claimed_at) if claims else None
            if found is not None:
                self._keep(found)
                return None
            if self._claim(len(claims)):
                return self._send(message, number=len(claims))
        return None

    def _claims(self) -> list[Claim]:
        listed = [found.key for found in self._store.list(f"{self._folder}{self._name}.claim-")]
        claims = [key for key in listed if not key.endswith(".released.json")]
        return [Claim.from_bytes(self._store.read(key), name=self._store.url(key)) for key in claims]

    def _claim(self, number: int) -> bool:
        claim = Claim(number=number, claimed_at=datetime.now(UTC).isoformat(timespec="seconds"))
        return self._create(f"{self._name}.claim-{number:03d}.json", claim)

    def _is_given_up(self, claim: Claim) -> bool:
        age = datetime.now(UTC) - datetime.fromisoformat(claim.claimed_at)
        if age.total_seconds() > CLAIM_SECONDS:
            return True
        return self._exists(f"{self._name}.claim-{claim.number:03d}.released.json")

    def _send(self, message: Message, *, number: int) -> Receipt:
        try:
            receipt = self._post(message, number=number)
        except AlertError:
            # Whoever retries need not wait for this claim to grow old.
            released = Claim(number=number, claimed_at=datetime.now(UTC).isoformat(timespec="seconds"))
            self._create(f"{self._name}.claim-{number:03d}.released.json", released)
            raise
        self._keep(receipt)
        return receipt

    def _post(self, message: Message, *, number: int) -> Receipt:
        began = datetime.now(UTC).isoformat(timespec="seconds")
        problem = ""
        for attempt in range(TRIES):
            if attempt:
                time.sleep(min(2.0**attempt, 20.0))
                if (found := self._search(since=began)) is not None:
                    return found
                if len(self._claims()) > number + 1:
                    raise AlertError(self._failure(f"{problem}, and another worker has taken it over"))
            try:
                answer = self._sender.chat_postMessage(**self._arguments(message))
            except SlackApiError as error:
                problem = _refusal(error)
                if error.response.status_code < 500:
                    raise AlertError(self._failure(problem)) from error
            except (SlackClientError, HTTPException, OSError) as error:
                problem = f"no answer ({type(error).__name__})"
            else:
                return Receipt(key=self._key, channel=answer["channel"], ts=answer["ts"], text=message.text)
        raise AlertError(self._failure(f"{problem}, {TRIES} times"))

    def _arguments(self, message: Message) -> dict[str, Any]:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"key": self._key}}
        arguments: dict[str, Any] = {
            "channel": self._channel,
            "text": message.text,
            "blocks": message.blocks,
            "metadata": metadata,
            "unfurl_links": False,
        }
        # What opens an incident stands by itself, whatever was told before it.
        first = None if self._name == "opened" else self._first()
        if first is not None:
            arguments |= {"channel": first.channel, "thread_ts": first.ts, "reply_broadcast": True}
        return arguments

    @property
    def _key(self) -> str:
        return self._store.url(f"{self._folder}{self._name}")

    def _failure(self, problem: str) -> str:
        return (
            f"Slack did not take the message to {self._channel}: {problem}. "
            "It is not lost: run the alert task again once this is mended."
        )

    def _search(self, *, since: str) -> Receipt | None:
        """The event's message in Slack, if it got there."""
        try:
            for found in self._messages(str(datetime.fromisoformat(since).timestamp() - CLAIM_SECONDS)):
                metadata = found.get("metadata") or {}
                if metadata.get("event_payload", {}).get("key") == self._key:
                    channel = self._channel_id()
                    return Receipt(key=self._key, channel=channel, ts=found["ts"], text=found.get("text", ""))
        except SlackApiError as error:
            needs = "The bot needs channels:read and channels:history (groups:… for private channels)"
            raise AlertError(self._failure(f"{_refusal(error)} while looking for it. {needs}")) from error
        except (SlackClientError, HTTPException, OSError) as error:
            raise AlertError(self._failure(f"no answer while looking for it ({type(error).__name__})")) from error
        return None

    def _messages(self, oldest: str) -> Iterator[dict[str, Any]]:
        first = self._first()
        channel = first.channel if first else self._channel_id()
        asked: dict[str, Any] = {"channel": channel, "oldest": oldest, "include_all_metadata": True}
        yield from _pages(self._sender.conversations_history, "messages", **asked)
        if first is not None:
            yield from _pages(self._sender.conversations_replies, "messages", ts=first.ts, **asked)

    def _channel_id(self) -> str:
        if not self._channel.startswith("#"):
            return self._channel
        kinds = "public_channel,private_channel"
        for found in _pages(self._sender.conversations_list, "channels", types=kinds, exclude_archived=True):
            if found["name"] == self._channel[1:]:
                return str(found["id"])
        raise AlertError(self._failure("there is no such channel, or the bot is not in it"))

    def _first(self) -> Receipt | None:
        """The message that the incident's thread hangs on: the first that told of it."""
        told = [found.key.rsplit("/", 1)[-1] for found in self._store.list(self._folder)]
        names = [name.removesuffix(".sent.json") for name in told if name.endswith(".sent.json")]
        # In the order of their names: opened before worsened, and those by night.
        names = sorted(name for name in names if not name.startswith("recovered"))
        return self._receipt(names[0]) if names else None

    def _receipt(self, name: str) -> Receipt | None:
        key = f"{self._folder}{name}.sent.json"
        try:
            return Receipt.from_bytes(self._store.read(key), name=self._store.url(key))
        except ObjectMissing:
            return None

    def _keep(self, receipt: Receipt) -> None:
        self._create(f"{self._name}.sent.json", receipt)

    def _exists(self, name: str) -> bool:
        try:
            self._store.head(self._folder + name)
        except ObjectMissing:
            return False
        return True

    def _create(self, name: str, record: Record) -> bool:
        try:
            self._store.create(self._folder + name, record.to_bytes(), content_type="application/json")
        except ObjectExists:
            return False
        return True


def _pages(read: Any, items: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    cursor = ""
    while True:
        answer = read(limit=200, cursor=cursor, **arguments)
        yield from answer[items]
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return


def _refusal(error: SlackApiError) -> str:
    # Never the request: it carries the token.
    said = error.response.get("error") if isinstance(error.response.data, dict) else None
    return f"it answered {said or error.response.status_code}"

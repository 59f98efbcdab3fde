"""One event in Slack: claim, upload, post, receipt; whatever crashes between, one message.

For each event, one worker claims the right to tell it by a conditional create in the results. It
then uploads the chart, posts with the event's key in the message's metadata, and leaves a receipt.
Whoever finds a claim without a receipt looks for the key in the channel's history first: if the
message is there, the receipt was all that was missing; if not, the next claim is taken and the
message is sent. So nothing is sent twice, and nothing is lost to a crash between any two steps.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from slack_sdk.errors import SlackApiError

from nightproof.alert.claims import CLAIM_SECONDS, Claim, Claims, Receipt, utc_now
from nightproof.alert.client import NO_ANSWER, TRIES, Sender, pages, refusal, refused_as, upload
from nightproof.errors import AlertError, SlackUnavailable
from nightproof.message import Message
from nightproof.storage import Store

EVENT_TYPE = "nightproof_incident"
POST_SECONDS = 200.0
"""A worker whose claim is older than this posts no more: another may soon take it for given up."""
CHART_SECONDS = 2.0
"""Slack takes an uploaded picture in a moment after it has it; a message that names it too early is refused."""
BAD_BLOCKS = ("invalid_blocks", "invalid_attachments", "slack_file_not_found", "file_not_found")

Write = Callable[[str | None], Message]
"""Writes the message, around a chart's file id where there is one."""
Draw = Callable[[], bytes | None]
"""Draws the chart; called once it is sure that the message will be sent."""


@dataclass(frozen=True)
class Where:
    """Where a message goes, and what it tells.

    Parameters
    ----------
    channel
        As the config names it.
    thread
        The receipt of the message that it replies to; ``None`` for a message of its own.
    broadcast
        Whether a reply is shown in the channel too.
    night
        The night as of which it tells.
    covers
        Further events that it tells.
    """

    channel: str
    thread: Receipt | None = None
    broadcast: bool = False
    night: str = ""
    covers: tuple[str, ...] = field(default=())


class Post:
    """One event: its claims and its receipt in the results, its message in Slack.

    Parameters
    ----------
    store, stem
        See :class:`~nightproof.alert.claims.Claims`.
    sender
        Slack.
    where
        The message's place.
    """

    def __init__(self, store: Store, stem: str, *, sender: Sender, where: Where) -> None:
        self._claims = Claims(store, stem)
        self._sender = sender
        self._where = where

    def deliver(self, write: Write, *, draw: Draw | None = None, title: str = "") -> Receipt | None:
        """Send the message unless it was sent; gives the receipt if this call sent it.

        Parameters
        ----------
        write, draw
            Make the message and its chart.
        title
            What the chart shows, for those who do not see it.

        Raises
        ------
        AlertError
            If Slack did not take it; it can be sent again.
        """
        while self._claims.receipt() is None:
            claims = self._claims.all()
            if claims and not self._claims.is_given_up(claims[-1]):
                time.sleep(1.0)
                continue
            found = self._search(since=claims[0].claimed_at, claims=claims) if claims else None
            if found is not None:
                self._claims.keep(found)
                return None
            if self._claims.take(len(claims), channel=self._channel):
                return self._send(write, draw, title, number=len(claims))
        return None

    def _send(self, write: Write, draw: Draw | None, title: str, *, number: int) -> Receipt:
        claimed = datetime.now(UTC)
        try:
            picture = draw() if draw else None
            chart = upload(self._sender, picture, title=title) if picture else None
            receipt = self._post(write, chart, number=number, claimed=claimed)
        except Exception:
            # Whoever retries need not wait for this claim to grow old.
            self._claims.release(number)
            raise
        self._claims.keep(receipt)
        return receipt

    def _post(self, write: Write, chart: str | None, *, number: int, claimed: datetime) -> Receipt:
        since, problem = claimed.isoformat(timespec="seconds"), ""
        for attempt in range(TRIES):
            try:
                if attempt:
                    time.sleep(min(2.0**attempt, 20.0))
                    if (found := self._search(since=since)) is not None:
                        return found
                    if len(self._claims.all()) > number + 1:
                        raise AlertError(self._failure(f"{problem}, and another worker has taken it over"))
                if (datetime.now(UTC) - claimed).total_seconds() > POST_SECONDS:
                    raise AlertError(self._failure(f"{problem or 'the upload of its chart'} took too long"))
                return self._say(write, chart)
            except SlackUnavailable:
                continue  # it cannot even be looked for
            except SlackApiError as error:
                problem = refusal(error)
                if error.response.status_code < 500:
                    raise AlertError(self._failure(problem)) from error
            except NO_ANSWER as error:
                problem = f"no answer ({type(error).__name__})"
        raise SlackUnavailable(self._failure(f"{problem}, {TRIES} times"))

    def _say(self, write: Write, chart: str | None) -> Receipt:
        """Post once; where Slack does not take the chart (yet), once more with it, and then without."""
        for tried in [chart, chart, None] if chart else [None]:
            message = write(tried)
            try:
                answer = self._sender.chat_postMessage(**self._arguments(message))
            except SlackApiError as error:
                if tried is None or refused_as(error) not in BAD_BLOCKS:
                    raise
                time.sleep(CHART_SECONDS)
            else:
                return self._receipt(answer["channel"], answer["ts"], message.text)
        raise AssertionError("the last try has no chart, and returns or raises")

    def _arguments(self, message: Message) -> dict[str, Any]:
        where = self._where
        payload = {"key": self._claims.key, "night": where.night, "covers": " ".join(where.covers)}
        metadata = {"event_type": EVENT_TYPE, "event_payload": {name: said for name, said in payload.items() if said}}
        arguments: dict[str, Any] = {
            "channel": self._channel,
            "text": message.text,
            "blocks": message.blocks,
            "metadata": metadata,
            "unfurl_links": False,
        }
        if where.thread is not None:
            arguments |= {"thread_ts": where.thread.ts}
            arguments |= {"reply_broadcast": True} if where.broadcast else {}
        return arguments

    def _receipt(self, channel: str, ts: str, text: str) -> Receipt:
        where, key = self._where, self._claims.key
        told = {"night": where.night, "covers": where.covers, "sent_at": utc_now()}
        return Receipt.model_validate({"key": key, "channel": channel, "ts": ts, "text": text, **told})

    def _failure(self, problem: str) -> str:
        return (
            f"Slack did not take the message to {self._where.channel}: {problem}. "
            "It is not lost: run the alert task again once this is mended."
        )

    def _search(self, *, since: str, claims: Sequence[Claim] = ()) -> Receipt | None:
        """The event's message in Slack, if it got there; it tells what its own metadata say.

        It is looked for where claims say that it would be told, and else where it is to be told now.
        """
        oldest = str(datetime.fromisoformat(since).timestamp() - CLAIM_SECONDS)
        try:
            for channel in dict.fromkeys(claim.channel or self._channel for claim in claims) or [self._channel]:
                found = self._found_in(channel, oldest)
                if found is not None:
                    return found
        except SlackApiError as error:
            if error.response.status_code >= 500:
                raise SlackUnavailable(self._failure(f"{refusal(error)} while looking for it")) from error
            needs = "The bot needs channels:read and channels:history (groups:… for private channels)"
            raise AlertError(self._failure(f"{refusal(error)} while looking for it. {needs}")) from error
        except NO_ANSWER as error:
            problem = f"no answer while looking for it ({type(error).__name__})"
            raise SlackUnavailable(self._failure(problem)) from error
        return None

    def _found_in(self, channel: str, oldest: str) -> Receipt | None:
        channel_id = self._channel_id(channel)
        if channel_id is None and channel != self._channel:
            return None  # a channel that is gone, or that the bot has left, for another one now
        if channel_id is None:
            raise AlertError(self._failure("there is no such channel, or the bot is not in it"))
        for found in self._messages(channel_id, oldest):
            payload = (found.get("metadata") or {}).get("event_payload") or {}
            if payload.get("key") == self._claims.key:
                receipt = self._receipt(channel_id, found["ts"], found.get("text", ""))
                told = {"night": payload.get("night", ""), "covers": tuple(payload.get("covers", "").split())}
                return receipt.model_copy(update=told)
        return None

    def _messages(self, channel_id: str, oldest: str) -> Iterator[dict[str, Any]]:
        asked: dict[str, Any] = {"channel": channel_id, "oldest": oldest, "include_all_metadata": True}
        yield from pages(self._sender.conversations_history, "messages", **asked)
        thread = self._where.thread
        if thread is not None and thread.channel == channel_id:
            yield from pages(self._sender.conversations_replies, "messages", ts=thread.ts, **asked)

    @property
    def _channel(self) -> str:
        """Where the message goes: a reply to where its thread is, whatever the config says by now."""
        return self._where.thread.channel if self._where.thread else self._where.channel

    def _channel_id(self, channel: str) -> str | None:
        if not channel.startswith("#"):
            return channel
        kinds = "public_channel,private_channel"
        for found in pages(self._sender.conversations_list, "channels", types=kinds, exclude_archived=True):
            if found["name"] == channel[1:]:
                return str(found["id"])
        return None

"""Slack as it is reached: the client, what it may retry by itself, and what its refusals say."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.http_retry.handler import RetryHandler

from nightproof.errors import AlertError
from nightproof.message import Message

TRIES = 5
NO_ANSWER = (SlackClientError, HTTPException, OSError)
"""What a client raises where Slack did not answer, or something else did."""

Sender = WebClient
"""What posts and looks: slack_sdk's client, by whichever token and address."""

log = logging.getLogger(__name__)


def retry_handlers() -> list[RetryHandler]:
    """What slack_sdk may retry by itself: answers of 429, which say that nothing was posted.

    A 5xx or a broken connection does not say so; there, :class:`~nightproof.alert.post.Post` looks
    before it posts again.
    """
    return [RateLimitErrorRetryHandler(max_retry_count=TRIES)]


def client_from_environment() -> WebClient | None:
    """A client by ``SLACK_BOT_TOKEN`` (and ``NIGHTPROOF_SLACK_URL``), or ``None`` without a token."""
    token = os.environ.get("SLACK_BOT_TOKEN")
    if not token:
        return None
    base_url = os.environ.get("NIGHTPROOF_SLACK_URL", WebClient.BASE_URL)
    return WebClient(token=token, base_url=base_url, retry_handlers=retry_handlers())


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
        raise AlertError(f"Slack did not take the message to {channel}: {refusal(error)}.") from error
    except NO_ANSWER as error:
        raise AlertError(f"Slack did not take the message to {channel}: {type(error).__name__}.") from error


def upload(sender: Sender, picture: bytes, *, title: str) -> str | None:
    """Upload a picture that only messages show; gives its file's id, or ``None`` where that failed.

    The file is shared with nobody until a message's image block names it: one that no message came
    to name, because of a crash between the two, is seen by nobody.
    """
    try:
        answer = sender.files_upload_v2(filename="chart.png", content=picture, title=title, alt_txt=title)
        return str(answer["files"][0]["id"])
    except SlackApiError as error:
        # Without a traceback here and below: it may quote the request, and so the token.
        needs = " The bot needs files:write." if refused_as(error) == "missing_scope" else ""
        log.warning("The message goes without its chart: %s.%s", refusal(error), needs)
    except (*NO_ANSWER, KeyError, IndexError, TypeError, ValueError) as error:
        log.warning("The message goes without its chart: the upload failed (%s).", type(error).__name__)
    return None


def pages(read: Any, items: str, **arguments: Any) -> Iterator[dict[str, Any]]:
    """All items of a method that answers page by page."""
    cursor = ""
    while True:
        answer = read(limit=200, cursor=cursor, **arguments)
        yield from answer[items]
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return


def refusal(error: SlackApiError) -> str:
    """What Slack answered, in words."""
    # Never the request: it carries the token.
    return f"it answered {refused_as(error) or error.response.status_code}"


def refused_as(error: SlackApiError) -> str | None:
    """Slack's name of a refusal, such as ``channel_not_found``."""
    said = error.response.get("error") if isinstance(error.response.data, dict) else None
    return str(said) if said else None

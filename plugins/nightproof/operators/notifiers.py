"""The notifiers of a config: classes by their path, taken only where they are Airflow notifiers."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from airflow.sdk import BaseNotifier, Context

from nightproof.alert.notify import NotifierTarget
from nightproof.alert_sections import Notifier
from nightproof.config import ModelConfig
from nightproof.errors import ConfigError, Fault


def notifier_class(path: str) -> type[BaseNotifier]:
    """The class of a path such as ``airflow.providers.slack.notifications.slack.SlackNotifier``.

    Raises
    ------
    ValueError
        If there is no such class, or it is no notifier.
    """
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except ImportError as error:
        raise ValueError(f"{module} cannot be imported ({error}); is its provider installed?") from error
    except AttributeError as error:
        raise ValueError(f"{module} has no {name}") from error
    if not (isinstance(found, type) and issubclass(found, BaseNotifier)) or found is BaseNotifier:
        raise ValueError("this is no subclass of airflow.sdk.BaseNotifier")
    return found


def notifier_faults(config: ModelConfig) -> list[Fault]:
    """What is wrong with the classes of a config's notifiers."""
    faults = []
    for place, section in enumerate(config.alerts.notifiers):
        try:
            notifier_class(section.class_)
        except ValueError as error:
            faults.append(Fault(None, f"alerts.notifiers.{place}.class", repr(section.class_), str(error)))
    return faults


def notifiers_of(config: ModelConfig, context: Context) -> list[NotifierTarget]:
    """A model's notifiers, to be called with the context of the task that tells.

    Raises
    ------
    ConfigError
        If a class is not there, or is no notifier.
    """
    if faults := notifier_faults(config):
        raise ConfigError(config.model, faults)
    return [NotifierTarget(section, _caller(section, context)) for section in config.alerts.notifiers]


def _caller(section: Notifier, context: Context) -> Any:
    def call(arguments: Mapping[str, Any]) -> None:
        # A copy: a notifier adds its own fields to the context that it is given.
        notifier_class(section.class_)(**arguments)({**context})

    return call

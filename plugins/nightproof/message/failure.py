"""The message of a run that failed before it could say anything of the model."""

from __future__ import annotations

from nightproof.message.blocks import Message, buttons, fenced, header, heading, message, plain, section


def compose_failure(model: str, night: str, *, step: str, problem: str, run: str | None) -> Message:
    """The message of a run that failed: a model that nobody looked at must not look well.

    Parameters
    ----------
    model, night
        What was not evaluated.
    step
        The step that failed.
    problem
        What was raised, of one line or several.
    run
        The Airflow run's page, if there is one.
    """
    shown = heading("⚠️", f"Not evaluated: {model}, {night}")
    said = f"The step *{plain(step, 80)}* failed, so nothing is known of this night.\n{fenced(problem)}"
    summary = f"{plain(step, 80)} failed: {plain(problem, 400)}"
    return message(shown, summary, [header(shown), section(said), *buttons([("Open the run", run)])])

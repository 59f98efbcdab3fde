"""READ THIS FIRST: the dashboard, pages over what the nights left behind; it reads, and never writes.

::

    configs, rows ─► fleet ─► source ─► standing ─┐
    months ─► past_nights ──────┘                 ├─► NAME_view ─┬─► NAME_page (HTML)
    archive, night_shown (dossiers, alerts) ──────┘              └─► the API (JSON), of the same views
                                                     serving.access: who may not read a model sees nothing of it

What is read lies here; each kind of page has a room (``fleet_pages``, ``model_pages``, …), charts and what numbers say
of themselves are in ``drawing``, and who comes in and how answers go out is in ``serving``.

A page is three files: ``NAME_view.py`` says what it shows, as records that the API answers with; ``NAME_page.py`` has
its routes; ``templates/NAME.html.j2`` lays it out. :func:`~nightproof.dashboard.app.create_app` puts them together, for
Airflow's plugin and for ``nightproof ui`` alike.
"""

"""READ THIS FIRST: the dashboard, pages over what the nights left behind; it reads, and never writes.

::

    board (rows, months) ─► source ─► standing ─┐
    dossiers, alerts ─────────────────► *_view ─┴─► pages (HTML) and api (JSON), of the same views
                                          access ─► both: who may not read a model sees nothing of it

A page is three files: ``NAME_view.py`` says what it shows, as records that the API answers with; ``NAME_page.py`` has
its routes; ``templates/NAME.html.j2`` lays it out. :func:`~nightproof.dashboard.app.create_app` puts them together, for
Airflow's plugin and for ``nightproof ui`` alike.
"""

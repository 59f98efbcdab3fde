# Airflow with Nightproof, from the project's own lock. Build: docker compose build
FROM python:3.11.14-slim-bookworm

ARG UV_VERSION=0.13.9
ENV AIRFLOW_HOME=/opt/airflow \
    DO_NOT_TRACK=1 \
    PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    VIRTUAL_ENV=/opt/venv

RUN useradd --uid 50000 --create-home --home-dir /opt/airflow airflow \
 && python -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir --quiet uv==${UV_VERSION}

WORKDIR /opt/nightproof
COPY pyproject.toml requirements.lock README.md ./
COPY plugins ./plugins
# Versions and hashes come from the lock; only what production needs of it is installed. Editable,
# because Airflow puts plugins/ on its path too, and there must be one copy of the package.
RUN uv pip install --no-cache --constraint requirements.lock --editable ".[production]"

COPY dags ./dags
COPY include ./include
COPY great_expectations ./great_expectations

USER airflow
CMD ["airflow", "version"]

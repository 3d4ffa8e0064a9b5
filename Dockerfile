# Airflow's own image with exactly the packages of our lock; everything runs as its user `airflow`.
ARG BASE=apache/airflow:3.3.2-python3.12
FROM ${BASE}

WORKDIR /opt/newsarchive
# the lock has all that any of it needs; pip itself would not find an extra of a package pinned
COPY --chown=airflow:root requirements-cluster.lock ./
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements-cluster.lock

COPY --chown=airflow:root pyproject.toml README.md LICENSE ./
COPY --chown=airflow:root include ./include
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root plugins /opt/airflow/plugins

# what volumes are mounted over takes its owner from here
USER root
RUN mkdir -p archive state /opt/airflow/logs && chown airflow:root . archive state /opt/airflow/logs
USER airflow

# Airflow's own image with exactly the packages of our lock; everything runs as its user `airflow`.
FROM apache/airflow:3.3.2-python3.12

WORKDIR /opt/newsarchive
COPY --chown=airflow:root requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock

COPY --chown=airflow:root pyproject.toml README.md LICENSE ./
COPY --chown=airflow:root include ./include
RUN pip install --no-cache-dir --no-deps --no-build-isolation .

COPY --chown=airflow:root dags /opt/airflow/dags
COPY --chown=airflow:root plugins /opt/airflow/plugins

# what volumes are mounted over takes its owner from here
RUN mkdir -p /opt/newsarchive/archive /opt/newsarchive/state /opt/airflow/logs
USER airflow

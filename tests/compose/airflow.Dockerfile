# Stands in for Airflow's own image where that cannot be pulled: the same user, folders and rule of what a command is.
ARG DEBIAN
FROM ${DEBIAN}
COPY certificates.crt /etc/ssl/certs/ca-certificates.crt
RUN useradd --uid 50000 --gid 0 --create-home airflow && mkdir -p /opt/airflow && chown airflow:root /opt/airflow
COPY airflow-entrypoint /entrypoint
USER airflow
WORKDIR /opt/airflow
ENV PATH=/home/airflow/.local/bin:$PATH AIRFLOW_HOME=/opt/airflow
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python3 -m venv /home/airflow/.local
# what the real one brings along; the Dockerfile then finds most of our lock installed
COPY requirements-cluster.lock ./
RUN pip install --quiet --no-deps --require-hashes -r requirements-cluster.lock
ENTRYPOINT ["/usr/bin/tini", "--", "/entrypoint"]

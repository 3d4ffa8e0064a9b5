# Stands in for the image of PostgreSQL
ARG DEBIAN
FROM ${DEBIAN}
COPY postgres-entrypoint /entrypoint
ENTRYPOINT ["/entrypoint"]

# Stands in for the image of SeaweedFS
ARG DEBIAN
FROM ${DEBIAN}
COPY weed /usr/bin/weed
ENTRYPOINT ["weed"]

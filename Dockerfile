# naftiko: serve the capabilities of /capabilities.
#   docker build -t naftiko .
#   docker run -p 8080:8080 -p 9090:9090 -e KOYEB_API_KEY -v ./capabilities:/capabilities:ro naftiko

# One patch release of Python; its tag is rebuilt when Debian is mended. To pin the very image, build with its digest:
# --build-arg BASE=python:3.13.18-slim@sha256:…
ARG BASE=python:3.13.18-slim

FROM ${BASE} AS build
WORKDIR /src
COPY requirements/image.txt requirements/build.txt ./
# Exactly the files that the lock names by their hashes, each of them a wheel: no compiler, no surprise.
RUN python -m venv /opt/naftiko && /opt/naftiko/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r image.txt
RUN python -m venv /opt/build && /opt/build/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist . \
    && /opt/naftiko/bin/pip install --no-cache-dir --no-deps /dist/*.whl

FROM ${BASE}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin naftiko
COPY --from=build /opt/naftiko /opt/naftiko
COPY capabilities /capabilities
ENV PATH=/opt/naftiko/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NAFTIKO_HOST=0.0.0.0 \
    NAFTIKO_LOG_FORMAT=json
USER 10001:10001
EXPOSE 8080 9090
HEALTHCHECK --interval=30s --timeout=10s --start-period=15s CMD ["naftiko", "health", "/capabilities"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["naftiko"]
CMD ["serve", "/capabilities"]

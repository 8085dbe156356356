# naftiko: serve the capabilities of /capabilities.
#   docker build -t naftiko .
#   docker run -p 8080:8080 -p 9090:9090 -e KOYEB_API_KEY -v ./capabilities:/capabilities:ro naftiko

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY src ./src
# Every dependency has a wheel: --only-binary makes a missing one an error here, not a compiler in the image.
RUN python -m venv /opt/naftiko && /opt/naftiko/bin/pip install --no-cache-dir --only-binary=:all: --no-binary=naftiko '.[formats]'

FROM python:3.13-slim
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

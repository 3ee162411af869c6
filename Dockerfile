# The bot with its embedding model inside; it downloads nothing but papers. docs/operating.md says how to run it.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/footnote
COPY requirements.lock ./
RUN /opt/footnote/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY bot ./bot
COPY footnote ./footnote
COPY local_discord ./local_discord
COPY retrieval ./retrieval
COPY seeds ./seeds
COPY storage ./storage
RUN /opt/footnote/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin footnote && install -d -o footnote -m 0700 /data
COPY --from=build /opt/footnote /opt/footnote
ENV PATH=/opt/footnote/bin:$PATH container=docker PYTHONDONTWRITEBYTECODE=1 FOOTNOTE_DATA_DIR=/data FOOTNOTE_HEALTH__PORT=9464
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 9464
HEALTHCHECK --interval=30s --timeout=10s --start-period=3m --retries=3 \
  CMD ["python", "-c", "import urllib.request as web; web.urlopen('http://127.0.0.1:9464/healthz', timeout=8)"]
ENTRYPOINT ["footnote"]
CMD ["run"]

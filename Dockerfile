# One image per destination, as the Airbyte platform runs it. docs/packaging.md says how it is built and used.
#
#   docker build --build-arg DESTINATION=postgres --tag dataflow/destination-postgres:0.1.0 .

ARG PYTHON=3.12.11-slim-bookworm

FROM python:${PYTHON} AS build
ARG DESTINATION
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# For the engine's own C; nothing of it stays in the image. Debian keeps no older version that could be pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
COPY requirements-${DESTINATION}.lock requirements-build.lock ./
RUN python -m venv /opt/dataflow \
    && /opt/dataflow/bin/pip install --only-binary :all: --require-hashes -r "requirements-${DESTINATION}.lock"
COPY pyproject.toml README.md LICENSE ./
COPY dataflow dataflow
COPY machines machines
COPY connectors connectors
# The entry point below is one for all: its exec form takes no variables.
RUN pip install --only-binary :all: --require-hashes -r requirements-build.lock \
    && pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/dataflow/bin/pip install --no-index --no-deps /wheels/*.whl \
    && ln -s "destination-${DESTINATION}" /opt/dataflow/bin/destination

FROM python:${PYTHON}
ARG DESTINATION
ARG VERSION=0.1.0
LABEL io.airbyte.name="dataflow/destination-${DESTINATION}" \
      io.airbyte.version="${VERSION}"
RUN groupadd --gid 1000 airbyte && useradd --uid 1000 --gid 1000 --create-home airbyte
COPY --from=build /opt/dataflow /opt/dataflow
USER 1000:1000
WORKDIR /home/airbyte
# A request to stop that comes before Python runs would be lost, as the first process's signals are: so it waits.
ENV AIRBYTE_ENTRYPOINT="/usr/bin/env --block-signal=TERM,INT /opt/dataflow/bin/destination"
ENTRYPOINT ["/usr/bin/env", "--block-signal=TERM,INT", "/opt/dataflow/bin/destination"]

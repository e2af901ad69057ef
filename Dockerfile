# syntax=docker/dockerfile:1
# The operator's image: `run` is its command, every other command of the CLI is in it too.
#
#   docker build -t elastic-serving .
#   docker run --rm --read-only elastic-serving --help
#
# PYTHON_IMAGE names the base of both stages. For a reproducible build pass it with its digest:
#   --build-arg PYTHON_IMAGE=python:3.11-slim@sha256:...
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
RUN python3 -m venv /tmp/builder && python3 -m venv --without-pip /opt/elastic-serving
WORKDIR /src
# Dependencies change less often than our code: their layer is built first, and kept.
COPY requirements.lock requirements-dev.lock ./
# Our own package is built by the setuptools that the development lock pins, and by nothing else.
RUN sed -n '/^setuptools==/,/^ *# via/p' requirements-dev.lock > requirements-build.lock \
 && /tmp/builder/bin/pip install --require-hashes -r requirements-build.lock \
 && /tmp/builder/bin/pip --python /opt/elastic-serving/bin/python install --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
RUN /tmp/builder/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /tmp/wheel . \
 && /tmp/builder/bin/pip --python /opt/elastic-serving/bin/python install --no-deps --no-index /tmp/wheel/*.whl

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="elastic-serving" \
      org.opencontainers.image.description="Scales model serving on Kubernetes in whole replicas, and explains every decision" \
      org.opencontainers.image.licenses="Apache-2.0"
# The root may be read-only: byte code was compiled at build time and nothing is written beside it.
ENV PATH=/opt/elastic-serving/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
COPY --from=build /opt/elastic-serving /opt/elastic-serving
# A number, because the kubelet cannot tell whether a name is root.
USER 65532:65532
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["elastic-serving"]
CMD ["run"]

# metergate as an image: `docker build .`, or `docker compose up --build`.
#
# Three stages. The first builds the console's page, the second has pip and build tools and makes a virtual environment;
# the third is the bare slim base plus that environment, a user without rights, and no settings: what is measured must be
# said, invented power too.
# Behind a proxy or package mirror: docker build --secret id=pip,src=/etc/pip.conf --secret id=npm,src=$HOME/.npmrc .

ARG PYTHON=3.13

FROM python:${PYTHON}-slim AS page
WORKDIR /src
COPY requirements/page.txt ./
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/node \
 && /opt/node/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r page.txt
ENV PATH=/opt/node/bin:$PATH
WORKDIR /src/page
COPY services/console/page/package.json services/console/page/package-lock.json services/console/page/.npmrc ./
RUN --mount=type=secret,id=npm NPM_CONFIG_USERCONFIG=/run/secrets/npm npm ci --omit=dev
COPY services/console/page ./
RUN npm run build

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/run.txt requirements/
# Wheels only: where there is none for this machine (32-bit ARM), the message says so instead of missing a compiler.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv --without-pip /opt/metergate \
 && pip --python /opt/metergate/bin/python install --no-compile --require-hashes --only-binary=:all: -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY shared shared
COPY supervisor supervisor
COPY --from=page /src/page/dist services/console/page/dist
# The build tools go again. Bytecode is made once and never checked against its source: nothing here changes any more.
RUN pip --python /opt/metergate/bin/python install --no-compile --no-index --no-deps --no-build-isolation . \
 && pip --python /opt/metergate/bin/python uninstall --yes --quiet \
    editables hatchling packaging pathspec pluggy trove-classifiers \
 && /opt/metergate/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/metergate/lib

FROM python:${PYTHON}-slim
LABEL org.opencontainers.image.title="metergate" \
      org.opencontainers.image.description="A software smart energy meter that speaks the Modbus interface of the KOSTAL Smart Energy Meter" \
      org.opencontainers.image.licenses="Apache-2.0"
# Official bases come without the standard library's bytecode, and the root file system is read-only later: every start
# would compile it anew, which takes a second longer and 5 MiB more in each process.
RUN python -m compileall -q -x '/(test|tests|idlelib|tkinter|turtledemo|lib2to3|ensurepip|site-packages|dist-packages)/' \
    "$(python -c 'import os; print(os.path.dirname(os.__file__))')" \
 && groupadd --system --gid 10001 metergate \
 && useradd --system --uid 10001 --gid metergate --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin metergate \
 && install -d -o metergate -g metergate -m 0700 /run/metergate /var/lib/metergate /var/lib/metergate/audit /var/lib/metergate/keys /var/lib/metergate/console /tapes \
 && install -d -m 0755 /etc/metergate
COPY --from=build /opt/metergate /opt/metergate
ENV PATH=/opt/metergate/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    METERGATE_CONFIG=/etc/metergate/metergate.toml \
    METERGATE_RUN_DIR=/run/metergate \
    METERGATE_STATE_DIR=/var/lib/metergate \
    METERGATE_KEYS_DIR=/var/lib/metergate/keys
USER 10001:10001
WORKDIR /
EXPOSE 502 802 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --start-interval=1s --retries=2 CMD ["metergate", "health"]
ENTRYPOINT ["metergate"]
CMD ["up"]

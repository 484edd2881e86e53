# The troupe command and the example programs, all in /bin. The command chooses one:
#
#   docker build --tag troupe .
#   docker run --rm troupe troupe --help
#   docker run --rm troupe orders

FROM golang:1.26 AS build
WORKDIR /src
# Modules in a layer of their own: it stays valid until go.mod or go.sum change.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN --mount=type=cache,target=/cache \
    GOCACHE=/cache CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/ ./cmd/... $(go list ./examples/... | grep -v /tutorial/)
RUN mkdir /empty

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/ /bin/
COPY --from=build /src/LICENSE /src/NOTICE /
# The only places that the programs may write to: an embedded server keeps its files there when no NATS_URL is set.
COPY --from=build --chown=65532:65532 /empty /tmp
COPY --from=build --chown=65532:65532 /empty /data
WORKDIR /data
# TROUPE_PROBES is where hosts, and troupe up, answer whether they are ready: within the container alone.
ENV PATH=/bin HOME=/data TROUPE_PROBES=127.0.0.1:8080
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
# There is no other program here that could ask.
HEALTHCHECK --interval=10s --timeout=5s --retries=3 --start-period=60s \
    CMD ["troupe", "check", "--ready", "http://127.0.0.1:8080/readyz"]
CMD ["troupe", "--help"]

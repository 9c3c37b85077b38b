# The image of docker-compose.yml; docs/operate.md says what each variable means.
FROM golang:1.26-trixie AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=unknown
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.version=$VERSION" -o /salesbook ./cmd/salesbook

FROM debian:trixie-slim
# The client programs are for `salesbook db dump|restore|psql`.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates postgresql-client tzdata \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --user-group --create-home --home-dir /var/lib/salesbook salesbook
COPY --from=build /salesbook /usr/local/bin/salesbook
USER salesbook
EXPOSE 8080
ENTRYPOINT ["salesbook"]
CMD ["serve"]

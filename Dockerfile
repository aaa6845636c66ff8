# syntax=docker/dockerfile:1
FROM rust:1-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked -p rally-api \
    && mkdir -p -m 700 /out/data && cp target/dist/rally /out/rally

# glibc, root certificates and an account without rights; neither a shell nor a package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/rally /usr/local/bin/rally
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV RALLY_BIND=0.0.0.0:8080 RALLY_DATA_DIR=/data RALLY_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=5s CMD ["/usr/local/bin/rally", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/rally"]
CMD ["serve"]

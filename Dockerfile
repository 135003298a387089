# The gateway as an image. `node` is started directly, so that signals arrive and a stop drains.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
RUN npm ci --no-audit --no-fund
COPY src ./src
RUN npm run build && npm prune --omit=dev --omit=optional

FROM node:24-slim
# Whom to trust behind https: and rediss:; the slim image has nobody.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
# Inside a container loopback reaches nobody; publish 8081 only where the sidecar may be reached from.
ENV NODE_ENV=production SCOPEGATE_HOST=0.0.0.0 SCOPEGATE_ADMIN_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY policies ./policies
COPY schemas ./schemas
COPY gateway.yaml ./
# The database and the admin key live here; mount a volume to keep them. Put your own gateway.yaml over ours.
RUN mkdir -m 0700 /app/data && chown node:node /app/data
VOLUME /app/data
USER node
EXPOSE 8080 8081
HEALTHCHECK --interval=5s --timeout=2s CMD ["node", "-e", "fetch('http://127.0.0.1:8081/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "dist/start.js", "serve", "-c", "gateway.yaml"]

# The gateway as an image. `node` is started directly, so that signals arrive and a stop drains.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json tsconfig.json tsconfig.build.json ./
COPY runtime ./runtime
RUN npm ci --no-audit --no-fund
COPY src ./src
RUN npm run build && npm prune --omit=dev

FROM node:24-slim
# Whom to trust behind https: and rediss:; the slim image has nobody.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
# Inside a container loopback reaches nobody, so these win over any gateway.yaml; publish 8081 only where the sidecar may be
# reached from.
ENV NODE_ENV=production SCOPEGATE_HOST=0.0.0.0 SCOPEGATE_ADMIN_HOST=0.0.0.0
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY policies ./policies
COPY schemas ./schemas
COPY demo ./demo
COPY gateway.yaml LICENSE ./
# The database and the admin key live here; mount a volume to keep them. Put your own gateway.yaml over ours.
RUN mkdir -m 0700 /app/data && chown node:node /app/data
VOLUME /app/data
USER node
EXPOSE 8080 8081
# Asked by the shell itself (bash speaks TCP), so that a look every 5 seconds starts no Node; 400 says a sidecar over HTTPS.
HEALTHCHECK --interval=5s --timeout=2s --start-period=5s CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${SCOPEGATE_ADMIN_PORT:-8081} && printf 'GET /readyz HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && if [ \"$status\" = 400 ]; then exec node dist/start.js healthcheck -c gateway.yaml; else [ \"$status\" = 200 ]; fi"]
CMD ["node", "dist/start.js", "serve", "-c", "gateway.yaml"]

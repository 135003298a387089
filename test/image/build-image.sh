#!/usr/bin/env bash
# Builds the Dockerfile for real, without Docker and without a registry of images: buildah, and in place of the official
# node:24-slim a Debian made by debootstrap with the Node of this checkout. Prints the folder of the image's root and leaves
# its configuration beside it. As root, on Debian: apt-get install buildah debootstrap
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
work=${1:?usage: build-image.sh FOLDER}
mkdir -p "$work"
box() { buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }

base=$work/base
if [ ! -x "$base/usr/local/bin/npm" ]; then
  debootstrap --variant=minbase "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$base" >&2
  cp -L "$repository/node_modules/.bin/node" "$base/usr/local/bin/node"
  mkdir -p "$base/usr/local/lib/node_modules" "$base/etc/ssl/certs" "$base/usr/local/etc"
  cp -a "$(npm root -g)/npm" "$base/usr/local/lib/node_modules/"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$base/usr/local/bin/npm"
  # As the official image: a user, and nothing kept of apt. How this machine reaches npm comes along.
  chroot "$base" sh -c 'groupadd -g 1000 node && useradd -u 1000 -g node -s /bin/bash -m node'
  printf 'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\nDPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };\n' \
    >"$base/etc/apt/apt.conf.d/docker-clean"
  rm -rf "$base"/var/cache/apt/* "$base"/var/lib/apt/lists/*
  cp -L /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/"
  if [ -e /usr/local/etc/npmrc ]; then cp /usr/local/etc/npmrc "$base/usr/local/etc/npmrc"; fi
fi
if ! box inspect --type image docker.io/library/node:24-slim >/dev/null 2>&1; then
  made=$(box from scratch)
  box add -q "$made" "$base" >&2
  box config --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt --cmd node "$made"
  box commit -q "$made" docker.io/library/node:24-slim >&2
  box rm "$made" >&2
fi

# Only the format of Docker knows HEALTHCHECK.
box bud --isolation chroot --pull-never --format docker -t scopegate "$repository" >&2
container=$(box from --pull-never localhost/scopegate)
box inspect --type image localhost/scopegate >"$work/image.json"
box mount "$container"

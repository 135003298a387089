#!/usr/bin/env bash
# What the image promises, tried on its own root: the files of the README mounted as docs/deploy.md says, its own user,
# environment and command, a root that cannot be written to, and namespaces of its own for network, processes and mounts.
# Not part of `npm test`: the build takes minutes. `npm run test:image`; as root, on Debian.
set -euo pipefail
repository=$(cd "$(dirname "$0")/../.." && pwd)
work=${SCOPEGATE_IMAGE_FOLDER:-/tmp/scopegate-image}

if [ "${1:-}" != inside ]; then
  for tool in buildah debootstrap unshare jq curl; do
    command -v "$tool" >/dev/null || { echo "MISSING: $tool; apt-get install -y buildah debootstrap util-linux jq curl" >&2; exit 1; }
  done
  root=$("$repository/test/image/build-image.sh" "$work")
  exec unshare --mount --net --pid --fork --kill-child --mount-proc "$0" inside "$root"
fi

root=$2
config=$work/image.json
of() { jq -r "$1" "$config"; }
fail() { echo "FAILED: $*" >&2; cat "$work/log" >&2; exit 1; }
equal() { [ "$1" = "$2" ] || fail "$3: got $1, wanted $2"; echo "ok: $3"; }

ip link set lo up
files=$work/my-gateway
rm -rf "$files" "$work/data" && mkdir -p "$files" "$work/data"
# gateway.yaml of the README, to the letter.
sed -n "/^cat > gateway.yaml <<'END'$/,/^END$/p" "$repository/README.md" | sed '1d;$d' >"$files/gateway.yaml"
cp "$repository/policies/default.yaml" "$files/policy.yaml"

# A new volume takes over what the image has there.
cp -a "$root/app/data/." "$work/data" && chown --reference="$root/app/data" "$work/data" && chmod --reference="$root/app/data" "$work/data"
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
touch "$root/app/policy.yaml"
mount --bind "$work/data" "$root/app/data"
for file in gateway.yaml policy.yaml; do
  mount --bind "$files/$file" "$root/app/$file" && mount -o remount,ro,bind "$root/app/$file"
done
mount -o remount,ro,bind "$root"

user=$(of '.Docker.config.User // .OCIv1.config.User')
mapfile -t environment < <(of '.Docker.config.Env[]')
mapfile -t command < <(of '.Docker.config.Cmd[]')
mapfile -t look < <(of '.Docker.config.Healthcheck.Test[1:][]')
# `exec` and no shell between: a signal arrives where Docker would send it.
in_image() { chroot --userspec="$(chroot "$root" id -u "$user"):$(chroot "$root" id -g "$user")" "$root" env -i "${environment[@]}" sh -c 'cd /app && exec "$@"' sh "$@"; }

equal "$user" node 'the image names a user that is not root'
node=$root/usr/local/bin/node
"$node" -e 'require("node:http").createServer((q, s) => setTimeout(() => s.end("said"), q.url.endsWith("/slow") ? 1500 : 0)).listen(3000, "127.0.0.1")' &
in_image "${look[@]}" >/dev/null 2>&1 && fail 'the health check says yes to nobody'
in_image "${command[@]}" >"$work/log" 2>&1 &
for _ in $(seq 100); do if grep -q '"ready:' "$work/log"; then break; fi; sleep 0.1; done
grep -q '"ready:' "$work/log" || fail 'it does not start'
served=$(pgrep -f 'dist/start.js serve' | head -1)
equal "$(stat -c %U:%a "$work/data")" "$(stat -c %U:%a "$root/app/data")" 'the volume belongs to that user alone'
[ "$(awk '/^Uid/ {print $2}' "/proc/$served/status")" = 1000 ] || fail 'it runs as somebody else'
in_image "${look[@]}" || fail 'the health check says no'
echo 'ok: the health check says no before the start and yes after it'
in_image touch /app/x 2>/dev/null && fail 'the root can be written to'
echo 'ok: it needs nothing of its root to be writable'

# Only whoever listens on every address is reached by this one.
gateway=http://127.0.0.2:8080 admin=http://127.0.0.2:8081
status() { curl -s -o /dev/null -w '%{http_code}' "$@"; }
equal "$(status $gateway/healthz)" 200 'the gateway is reached from outside of loopback'
key=$(cat "$work/data/admin-key")
put() { equal "$(status -X PUT "$admin/v1/organizations/acme$1" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' -d "$2")" 201 "the sidecar makes acme$1"; }
put '' '{"name":"Acme","edition":"team"}'
put /members/ann '{"name":"Ann","role":"admin"}'
put /workspaces/sales '{"name":"Sales","owner":"ann"}'
token=$(curl -sS "$admin/v1/organizations/acme/tokens" -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
  -d '{"owner":"ann","name":"laptop","scopes":["content:read"],"workspaces":["sales"],"expiresInDays":30}' | jq -r .token)
page=$gateway/workspaces/sales/pages
equal "$(status "$page/1" -H "Authorization: Bearer $token")" 200 'a token gets through'
equal "$(status "$page/1")" 401 'no token is 401'
equal "$(status "$gateway/workspaces/legal/pages/1" -H "Authorization: Bearer $token")" 403 'another workspace is 403'

curl -s -o "$work/slow" "$page/slow" -H "Authorization: Bearer $token" &
slow=$!
sleep 0.5
kill -TERM "$served"
wait "$slow"
equal "$(cat "$work/slow")" said 'SIGTERM lets a request finish'
for _ in $(seq 100); do if ! kill -0 "$served" 2>/dev/null; then break; fi; sleep 0.1; done
kill -0 "$served" 2>/dev/null && fail 'it does not stop'
grep -q '"level":[56]0' "$work/log" && fail 'errors in the log'
echo "ok: it stopped; $(du -sm "$root/app" | cut -f1) MB of ours in the image"

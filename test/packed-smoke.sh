#!/bin/sh
# Packs what `npm run build` left in dist, installs the packages in folders outside the checkout, starts the broker,
# makes a key with the packed command line, runs a device of the packed client with import and with require, and stops the
# broker: what a user does first. Offline, since the packages bring everything that they need. Prints one line.
set -eu
checkout=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
broker=
finish() {
  [ -z "$broker" ] || kill -KILL "$broker" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 1' INT TERM

fail() {
  echo "packed packages: $1" >&2
  [ ! -f "$folder/log" ] || cat "$folder/log" >&2
  exit 1
}

# $1: the folder that is packed; $2: the one of its user. Prints the package's file.
pack_and_install() {
  packed=$(cd "$1" && npm pack --silent --ignore-scripts --pack-destination "$2" | tail -1)
  printf '{ "private": true }\n' >"$2/package.json"
  (cd "$2" && npm install --silent --no-audit --no-fund --offline "./$packed") >"$folder/log" 2>&1 ||
    fail "$packed cannot be installed"
  echo "$packed"
}

gateway=$folder/gateway
mkdir "$gateway"
package=$(pack_and_install "$checkout" "$folder")
client=$(pack_and_install "$checkout/dist/signalbox-client" "$gateway")
[ "$(ls "$gateway/node_modules")" = signalbox-client ] || fail "$client brought more than itself"
cd "$folder"

ready() {
  node -e 'fetch(process.argv[1]).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))' "$1/readyz"
}

signalbox="$folder/node_modules/.bin/signalbox"
"$signalbox" serve --data "$folder/data" --host 127.0.0.1 --port 0 >"$folder/log" 2>&1 &
broker=$!
url=
tries=0
while [ -z "$url" ] || ! ready "$url"; do
  kill -0 "$broker" 2>/dev/null || fail 'the broker ended before it was ready'
  tries=$((tries + 1))
  [ "$tries" -le 150 ] || fail 'the broker is not ready after 30 s'
  sleep 0.2
  url=$(sed -n 's/.*"url":"\([^"]*\)".*"msg":"listening".*/\1/p' "$folder/log")
done

key=$("$signalbox" key create --customer acme --device pump-7 --url "$url" --data "$folder/data" 2>>"$folder/log") ||
  fail 'no key was made'
case $key in sbx_*) ;; *) fail "this is no key: $key" ;; esac

# As an ES module, then as CommonJS: the second goes on where the first ended, which it reads from the outbox file.
cat >"$gateway/device.mjs" <<'JS'
import { DeviceClient } from 'signalbox-client';
import { run } from './run.cjs';
await run(DeviceClient);
JS
cat >"$gateway/device.cjs" <<'JS'
const { DeviceClient } = require('signalbox-client');
require('./run.cjs').run(DeviceClient);
JS
cat >"$gateway/run.cjs" <<'JS'
exports.run = async (DeviceClient) => {
  const [url, key] = process.argv.slice(2);
  const client = new DeviceClient({ url, key, outbox: { file: `${__dirname}/outbox` } });
  client.start();
  const seq = client.send({ temp: 21.5 });
  await client.durable(seq);
  await client.stop();
};
JS
for device in device.mjs device.cjs; do
  node "$gateway/$device" "$url" "$key" >"$folder/log" 2>&1 || fail "$device of the packed client failed"
done

status=0
kill -TERM "$broker"
wait "$broker" || status=$?
broker=
[ "$status" -eq 0 ] || fail "the broker ended with $status"
echo "packed packages: OK ($package, $client)"

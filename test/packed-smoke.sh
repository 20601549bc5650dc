#!/bin/sh
# Packs what `npm run build` left in dist, installs the package in a folder outside the checkout, starts the broker,
# makes a key with the packed command line and stops it: what a user does first. Offline, since the package brings
# everything that it needs. Prints one line.
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
  echo "packed package: $1" >&2
  [ ! -f "$folder/log" ] || cat "$folder/log" >&2
  exit 1
}

package=$(cd "$checkout" && npm pack --silent --ignore-scripts --pack-destination "$folder" | tail -1)
cd "$folder"
cat >package.json <<'JSON'
{ "private": true }
JSON
npm install --silent --no-audit --no-fund --offline "./$package" >"$folder/log" 2>&1 || fail 'it cannot be installed'

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
status=0
kill -TERM "$broker"
wait "$broker" || status=$?
broker=
[ "$status" -eq 0 ] || fail "the broker ended with $status"
echo "packed package: OK ($package)"

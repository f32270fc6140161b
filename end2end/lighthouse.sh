#!/usr/bin/env bash
# Lighthouse on /links of a demo: performance at least 95, accessibility and best practices 100.
set -euo pipefail
cd "$(dirname "$0")"
port=3987
export CHROME_PATH="${CHROMIUM:-$(command -v chromium || command -v google-chrome)}"
../target/release/rollcall demo --addr "127.0.0.1:$port" &
demo=$!
trap 'kill $demo' EXIT
until ../target/release/rollcall healthcheck --addr "127.0.0.1:$port" 2>/dev/null; do sleep 0.2; done
npx --yes lighthouse@12 "http://127.0.0.1:$port/links" --quiet --preset=desktop \
    --only-categories=performance,accessibility,best-practices --output=json --output-path=test-results/lighthouse.json \
    --chrome-flags="--headless --no-sandbox --disable-gpu"
node -e '
const { categories } = require("./test-results/lighthouse.json");
const bounds = { performance: 0.95, accessibility: 1, "best-practices": 1 };
let short = false;
for (const [name, bound] of Object.entries(bounds)) {
  const score = categories[name].score;
  console.log(`${name}: ${Math.round(score * 100)} (at least ${bound * 100})`);
  short ||= score < bound;
}
process.exit(short ? 1 : 0);
'

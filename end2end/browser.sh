#!/usr/bin/env bash
# Finds a Chromium and CJK fonts for the browser tests. On Debian as root it installs what is missing; elsewhere it
# names it.
set -eu

need=()
chromium=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
[ -n "$chromium" ] || need+=(chromium)
fc-list :lang=zh 2>/dev/null | grep -q . || need+=(fonts-noto-cjk)
[ ${#need[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "== Installing ${need[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends "${need[@]}" fontconfig >/dev/null
else
    echo "missing: ${need[*]}. Install them with your system's package manager, then run this again." >&2
    exit 1
fi

# Rollcall. `make run` and `make test` do all the set-up there is to do; CONTRIBUTING.md lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run demo test test-rust test-browser check deny fmt bench fuzz hostile large lists years kill faults attack site release setup setup-browser screenshots lighthouse clean

CARGO := cargo --locked
NPM_STAMP := end2end/node_modules/.package-lock.json

help: ## This list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: release ## Build both parts and serve on http://127.0.0.1:3000 with SQLite in data/
	./target/release/rollcall serve

demo: release ## Serve a made-up ring of 24 friends, no internet needed
	./target/release/rollcall demo

test: test-rust test-browser ## Every test, Rust and browser

test-rust: site
	@echo "== Rust tests"
	@unshare --net true 2>/dev/null || unshare --net --map-root-user true 2>/dev/null || echo "note: this machine gives no network of its own (unshare --net), so tests of a lost network are LEFT OUT"
	$(CARGO) test --features ssr

test-browser: site setup-browser
	@echo "== Browser tests"
	$(CARGO) build --features ssr
	cd end2end && npx playwright test

check: setup ## fmt, clippy and docs, both features, warnings denied
	cargo fmt --all --check
	$(CARGO) clippy --features ssr --all-targets -- -D warnings
	$(CARGO) clippy --package xtask -- -D warnings
	$(CARGO) clippy --lib --features hydrate --target wasm32-unknown-unknown -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --features ssr --no-deps

deny: setup ## Licences, sources and known holes of every dependency (installs cargo-deny into target/tools once)
	@command -v cargo-deny >/dev/null || [ -x target/tools/bin/cargo-deny ] \
		|| { echo "== Building cargo-deny"; cargo install --locked --quiet --root target/tools cargo-deny; }
	PATH="$$PWD/target/tools/bin:$$PATH" cargo deny --all-features check licenses sources bans
	@export PATH="$$PWD/target/tools/bin:$$PATH"; \
		if cargo deny --all-features fetch db >/dev/null 2>&1; then cargo deny --all-features check advisories; \
		else echo "note: the advisory database cannot be had here, so known holes were NOT looked for"; fi

fmt: ## Format the code
	cargo fmt --all

bench: site ## The figures of docs/benchmarks.md, as ratios
	$(CARGO) bench --features ssr --bench parse
	$(CARGO) bench --features ssr --bench ring
	$(CARGO) bench --features ssr --bench pages
	$(CARGO) bench --features ssr --bench many

fuzz: setup ## A million random and mutated pages through the parser
	$(CARGO) bench --features ssr --bench fuzz

hostile: site ## 500 hostile servers at once, while the dashboard is used
	$(CARGO) bench --features ssr --bench hostile

large: site ## 100,000 links: import, pages, exports
	$(CARGO) bench --features ssr --bench large

lists: setup ## Hostile lists at full size through every importer, against limits of time and memory
	$(CARGO) test --release --features ssr --test lists -- --nocapture --ignored --exact the_largest_lists_are_taken_in_within_the_limits

faults: site ## Lost networks, pauses, kills and take-overs, ten times each with other timings (over an hour)
	ROLLCALL_FAULT_ROUNDS=10 $(CARGO) test --release --features ssr --test own_faults -- --nocapture --test-threads 1

years: setup ## Two years of hourly checks of 1,000 links: the size of the file, the speed of a page
	$(CARGO) bench --features ssr --bench years

kill: setup ## The program killed at 200 random moments of each: checks and imports, restores, backups, upgrades, settings
	ROLLCALL_KILLS=200 ROLLCALL_SEED=$$RANDOM $(CARGO) test --features ssr \
		--test durability --test restore --test migrations killed_at_any_moment

attack: site ## A minute of all that somebody without an account can do, and 60 runs meanwhile, against a release build
	ROLLCALL_ATTACK_SECONDS=60 ROLLCALL_ATTACK_ROUNDS=20 $(CARGO) test --release --features ssr --test attack -- --nocapture --test-threads 1

site: setup ## The browser part, into target/site
	@echo "== Browser part"
	@$(CARGO) run --quiet --package xtask -- site

release: site
	@echo "== Server part"
	$(CARGO) build --release --features ssr

screenshots: site setup-browser ## Pictures of each page into docs/screenshots/
	$(CARGO) build --features ssr
	cd end2end && npx playwright test --config screenshots.config.ts

lighthouse: release setup-browser ## Lighthouse on /links of a demo (not part of CI)
	@mkdir -p end2end/test-results
	@bash end2end/lighthouse.sh

setup:
	@command -v cargo >/dev/null || { echo "missing: cargo. Install rustup, then run this again."; exit 1; }
	@rustup target list --installed 2>/dev/null | grep -qx wasm32-unknown-unknown \
		|| { echo "== Adding the wasm32-unknown-unknown target"; rustup target add wasm32-unknown-unknown; } \
		|| { echo "missing: the target wasm32-unknown-unknown; rustup could not add it."; exit 1; }
	@$(MAKE) --no-print-directory $(NPM_STAMP) || echo "note: without npm there may be no wasm-opt; the browser part stays larger"

$(NPM_STAMP): end2end/package-lock.json
	@command -v npm >/dev/null || { echo "missing: npm, which comes with Node.js (20 or newer)"; exit 1; }
	@echo "== npm packages for the browser part and its tests"
	cd end2end && npm ci --no-audit --no-fund --loglevel=error

setup-browser: $(NPM_STAMP)
	@bash end2end/browser.sh

clean: ## Remove everything that was built
	cargo clean
	rm -rf end2end/node_modules end2end/test-results

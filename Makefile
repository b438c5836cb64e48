.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# An import that runs upwards, or is not declared in Package.swift, does not compile.
SWIFT_FLAGS := --explicit-target-dependency-import-check error
# --disable-xctest: every test is written for Swift Testing.
TEST_FLAGS := $(SWIFT_FLAGS) --disable-xctest --parallel
# Tests of bounds in seconds need a share of the processors: all of them at once would starve them.
export SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH ?= 3
PACKAGES := libsqlite3-dev libmicrohttpd-dev zlib1g-dev libcrypt-dev libmimalloc-dev pkg-config
# A static standard library with URLSession links against libcurl.
STATIC_PACKAGES := libcurl4-gnutls-dev
DEMO_DB ?= data/demo.db
PREFIX ?= /usr/local
BENCH_FLAGS ?=

# $(call install_packages,NAMES): asks dpkg first, so that a machine that has all needs no network.
define install_packages
@missing=""; \
for package in $(1); do \
  dpkg -s "$$package" 2>/dev/null | grep -q '^Status: install ok installed' \
    || missing="$$missing $$package"; \
done; \
if [ -n "$$missing" ]; then \
  command -v apt-get >/dev/null || { \
    echo "Please install these packages (names of Debian 12):$$missing" >&2; exit 1; }; \
  sudo=""; if [ "$$(id -u)" -ne 0 ]; then sudo="sudo"; fi; \
  echo "Installing$$missing"; \
  install="$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends"; \
  $$install $$missing </dev/null || { $$sudo apt-get update </dev/null; $$install $$missing </dev/null; }; \
fi
endef

.PHONY: help
help: ## Shows these verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: swift
swift:
	@command -v swift >/dev/null || { \
	  echo "Swift 6.2 or newer is needed and not in PATH: see https://www.swift.org/install/" >&2; \
	  exit 1; }

.PHONY: deps
deps: swift ## Installs the Debian packages that are missing
	$(call install_packages,$(PACKAGES))

.PHONY: static-deps
static-deps: deps
	$(call install_packages,$(STATIC_PACKAGES))

# The everyday release build, with Swift's dynamic libraries.
.PHONY: build-release
build-release: deps
	swift build $(SWIFT_FLAGS) -c release --product cardfile

.PHONY: run
run: build-release ## Builds and starts a demo company on 127.0.0.1:5000 (file: data/demo.db)
	@mkdir -p "$(dir $(DEMO_DB))"
	@exec "$$(swift build -c release --show-bin-path)/cardfile" serve --demo --db "$(DEMO_DB)"

.PHONY: build
build: deps ## Builds everything for development
	swift build $(SWIFT_FLAGS)

.PHONY: test
test: deps ## Runs every test
	swift test $(TEST_FLAGS)

.PHONY: ci-deps
ci-deps: deps
	$(call install_packages,curl)

.PHONY: lint
lint: swift ## Checks the form of every Swift file
	swift format lint --strict --parallel --recursive Package.swift Sources Tests

.PHONY: format
format: swift ## Brings every Swift file into form
	swift format --in-place --parallel --recursive Package.swift Sources Tests

# Built apart from the everyday release build: the two link differently.
STATIC_FLAGS := $(SWIFT_FLAGS) -c release --static-swift-stdlib --scratch-path .build/static

.PHONY: release
release: static-deps ## Puts a stripped binary that needs no Swift into dist/, with its checksum
	swift build $(STATIC_FLAGS) --product cardfile
	@mkdir -p dist
	strip -o dist/cardfile "$$(swift build $(STATIC_FLAGS) --show-bin-path)/cardfile"
	@cd dist && sha256sum cardfile | tee cardfile.sha256

.PHONY: bench
bench: release ## Measures the release binary beside what C alone can do (about ten minutes)
	$(call install_packages,wrk)
	swift build $(STATIC_FLAGS) --product cardfile-bench
	@"$$(swift build $(STATIC_FLAGS) --show-bin-path)/cardfile-bench" \
	  --server dist/cardfile --folder .build $(BENCH_FLAGS)
	@"$$(swift build $(STATIC_FLAGS) --show-bin-path)/cardfile-bench" requests \
	  --server dist/cardfile --folder .build $(filter --write,$(BENCH_FLAGS))

.PHONY: bench-tenants
bench-tenants: release ## Measures memory, sync and checks with 1, 100 and 1,000 tenants
	swift build $(STATIC_FLAGS) --product cardfile-bench
	@"$$(swift build $(STATIC_FLAGS) --show-bin-path)/cardfile-bench" tenants \
	  --server dist/cardfile --folder .build --write $(BENCH_FLAGS)

.PHONY: bench-activities
bench-activities: release ## Measures reports, lists, exports and verification of long activity logs
	$(call install_packages,wrk curl)
	swift build $(STATIC_FLAGS) --product cardfile-bench
	@"$$(swift build $(STATIC_FLAGS) --show-bin-path)/cardfile-bench" activities \
	  --server dist/cardfile --folder .build --write $(BENCH_FLAGS)

.PHONY: install
install: ## Installs the binary that `make release` made (PREFIX=/usr/local)
	@test -x dist/cardfile || { echo "Run 'make release' first." >&2; exit 1; }
	install -D -m 0755 dist/cardfile "$(DESTDIR)$(PREFIX)/bin/cardfile"

.PHONY: clean
clean: ## Removes what was built, not the data
	rm -rf .build dist

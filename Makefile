# Every command a person needs. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# One job at a time: the long ones use all processors by themselves.
.NOTPARALLEL:

SWIFT  ?= swift
PYTHON ?= python3
STRIP  ?= strip
ifeq ($(origin CC),default)
CC := $(shell command -v cc || command -v clang || echo cc)
endif
CFLAGS ?= -O2 -g
# Options of libFuzzer; by default it goes on until it finds something.
FUZZ   ?=
# Options of the benchmarks; by default they are whole, and kept.
BENCH  ?= --output Benchmarks/results

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DESTDIR    ?=

number   = $(shell sed -n 's/^\#define NEPIT_VERSION_$(1) //p' Include/nepit.h)
VERSION := $(call number,MAJOR).$(call number,MINOR).$(call number,PATCH)
MAJOR   := $(call number,MAJOR)

LIBRARY := build/lib/libnepit.so.$(VERSION)
# The same with its symbols, for the tests and for debuggers.
WHOLE   := build/debug/libnepit.so.$(VERSION)
VENV    := build/venv
PIP     := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check
SAMPLES := $(patsubst bindings/c/%.c,build/c/%,$(wildcard bindings/c/*.c))

export PYTHON SWIFT

.PHONY: help
help: ## this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | \
	    while IFS=$$'\t' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done
	@echo "Variables: PREFIX LIBDIR INCLUDEDIR DESTDIR (install), STEPS (test, trust), FUZZ, BENCH, CC CFLAGS SWIFT PYTHON STRIP"

# ------------------------------------------------------------------- build

.PHONY: build
build: ## the shipped library, build/lib/libnepit.so
	@packaging/need swift strip
	NEPIT_EMBEDDED=1 $(SWIFT) build -c release --product nepit --scratch-path .build/embedded --disable-local-rpath
	@mkdir -p $(dir $(LIBRARY)) $(dir $(WHOLE))
	@if ! cmp -s .build/embedded/release/libnepit.so $(WHOLE) || [ ! -e $(LIBRARY) ]; then \
	    cp .build/embedded/release/libnepit.so $(WHOLE); \
	    $(STRIP) --strip-unneeded -o $(LIBRARY).new $(WHOLE); \
	    chmod 755 $(LIBRARY).new; \
	    mv -f $(LIBRARY).new $(LIBRARY); \
	fi
	@ln -sfn $(notdir $(LIBRARY)) build/lib/libnepit.so.$(MAJOR)
	@ln -sfn libnepit.so.$(MAJOR) build/lib/libnepit.so

# For targets that need a library but must not build one that is there (make install as root, after make build).
$(LIBRARY):
	@$(MAKE) --no-print-directory build

REQUIREMENTS := bindings/python/requirements-test.txt Tests/Install/requirements.txt
# At the versions that the tests were last run with.
PINS := packaging/constraints.txt

.PHONY: venv
venv: $(VENV)/.done ## build/venv, the Python that the tests and the demonstration use
$(VENV)/.done: $(REQUIREMENTS) $(PINS) bindings/python/pyproject.toml
	@packaging/need python venv
	$(PYTHON) -m venv $(VENV)
	$(PIP) -c $(PINS) $(addprefix -r ,$(REQUIREMENTS))
	$(PIP) --no-deps --editable bindings/python
	@touch $@

.PHONY: samples
samples: $(SAMPLES) ## the C samples, in build/c/
build/c/%: bindings/c/%.c Include/nepit.h | $(LIBRARY)
	@mkdir -p $(@D)
	$(CC) -std=c11 $(CFLAGS) -Wall -Wextra -Wpedantic -Werror -IInclude $< -Lbuild/lib -lnepit \
	    -Wl,-rpath,'$$ORIGIN/../lib' -o $@

# The C harness reads what it knows of the library from the header, and calls it by dlopen.
HARNESS := build/charness build/contract.txt
build/charness: $(wildcard Tests/CHarness/*.[ch]) Include/nepit.h
	@mkdir -p $(@D)
	clang -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=undefined -fno-sanitize-recover=undefined -Wall -Wextra -Werror \
	    -IInclude $(filter %.c,$^) -o $@ -rdynamic -lffi -ldl -lpthread -lm
build/contract.txt: Include/nepit.h Tests/ABI/header.py
	@mkdir -p $(@D)
	$(PYTHON) Tests/ABI/header.py --contract $@

.PHONY: deps
deps: ## what the tests need besides Swift and Python (installed if root, else named)
	@packaging/need swift python clang gcc g++ strip readelf objdump git pkg-config ffi venv

# ------------------------------------------------------------------ the job

.PHONY: demo
demo: build ## builds everything, and runs it on files of this repository
	@packaging/need cc
	@$(MAKE) --no-print-directory venv samples
	@packaging/demo

.PHONY: test
test: deps build venv ## everything; STEPS="headers abi" for some of it
	@$(MAKE) --no-print-directory $(HARNESS) samples
	@Tests/run $(STEPS)

.PHONY: test-torch
test-torch: build build/torch-venv/.done ## nepit.torch beside torch, in a Python of its own; writes Tests/torch.txt
	build/torch-venv/bin/python -m pytest -v --no-header -p no:cacheprovider bindings/python/tests/test_torch.py \
	    | tee build/torch.txt
	sed -E 's/ +\[ *[0-9]+%\]$$//; s/ in [0-9.]+s.*/ =/; s/^(libnepit [^:]*): .*/\1/' build/torch.txt > Tests/torch.txt
build/torch-venv/.done: bindings/python/requirements-torch.txt
	@packaging/need python venv
	$(PYTHON) -m venv build/torch-venv
	build/torch-venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: trust
trust: deps build venv ## the longer attacks: faults, hostile calls, fuzzing, sanitizers, limits; STEPS as for test
	@packaging/need valgrind
	@$(MAKE) --no-print-directory $(HARNESS)
	@Tests/trust $(STEPS)

.PHONY: fuzz
fuzz: deps build build/contract.txt ## calls made of libFuzzer's bytes, until one is wrong (FUZZ="-max_total_time=600")
	@Tests/Fuzz/run.sh $(FUZZ)

.PHONY: bench
bench: build build/bench-venv/.done ## Nepit beside its peers (BENCH=--quick for a minute instead of forty)
	build/bench-venv/bin/python Benchmarks/run.py $(BENCH)
build/bench-venv/.done: Benchmarks/requirements.txt
	@packaging/need cc python venv
	$(PYTHON) -m venv build/bench-venv
	build/bench-venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: wheel
wheel: build venv ## the Python wheel, with the library in it, in build/wheel/
	@$(VENV)/bin/python bindings/python/build_wheel.py

.PHONY: sbom
sbom: build ## the bill of materials of the library, build/sbom/libnepit.cdx.json (the wheel has its own)
	@packaging/need python
	@mkdir -p build/sbom
	$(PYTHON) packaging/sbom.py $(LIBRARY) > build/sbom/libnepit.cdx.json

# ------------------------------------------------------------------ install

.PHONY: install
install: $(LIBRARY) ## library, header, pkg-config and CMake files; PREFIX=/usr/local DESTDIR=
	@PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' DESTDIR='$(DESTDIR)' VERSION='$(VERSION)' \
	    packaging/install install

.PHONY: uninstall
uninstall: ## removes what install put there, given the same variables
	@PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' DESTDIR='$(DESTDIR)' VERSION='$(VERSION)' \
	    packaging/install uninstall

# -------------------------------------------------------------- maintenance

.PHONY: abi-update
abi-update: ## writes the frozen ABI table anew from the header; the diff is the review
	$(PYTHON) Tests/ABI/abi.py --update

.PHONY: vectors
vectors: venv ## writes the expected values anew, by mpmath
	$(VENV)/bin/python Tests/Vectors/generate.py
	$(VENV)/bin/python bindings/c/expected.py

.PHONY: digests
digests: build ## writes the digests of all results anew; after new vectors, or other bits that are meant
	@$(MAKE) --no-print-directory $(HARNESS)
	build/charness digests Tests/Vectors/*.txt > build/digests
	cp build/digests Tests/Vectors/digests

.PHONY: clean
clean: ## removes all that was generated
	rm -rf build .build

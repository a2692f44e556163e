# seqapp: `make` lists the targets. A target appears only when its step has succeeded.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= $(firstword $(shell command -v python3.11 python3))
BIN := .venv/bin
SEQAPP := $(BIN)/seqapp
# The build tool is pinned too, and used as installed: an isolated build would fetch whatever is newest.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal
DATASETS := $(basename $(notdir $(wildcard datasets/*.py)))
MODELS := $(basename $(notdir $(wildcard models/*.py)))
PAIRS := $(foreach dataset,$(DATASETS),$(addprefix $(dataset)-,$(MODELS)))

.PHONY: help setup demo test test-all check docs all bench torture clean always

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z][^:=]*:.*## / {printf "  %-12s %s\n", $$1, $$2}' Makefile
	@echo "  runs/DATASET-MODEL/metrics.json   train and evaluate one pair, if it is missing or out of date"
	@echo
	@echo "  DATASET: $(DATASETS)    MODEL: $(MODELS)"
	@echo "  Another file or options: make runs/stock-gru/metrics.json DATA_stock=prices.csv OPTIONS_stock='--csv prices.csv'"

setup: $(BIN)/.installed  ## make .venv and install seqapp with the exact versions of constraints.txt

$(BIN)/.installed: setup.cfg pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	    echo "make: expected Python 3.11, found '$(PYTHON)'; name one with: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) setuptools
	$(PIP) --no-build-isolation --editable '.[test,check]'
	@touch $@

demo: runs/stock-lstm/metrics.json runs/fibonacci-simple_rnn/metrics.json  ## train, evaluate, export, ask: real stock prices with lstm, Fibonacci with simple_rnn
	@echo; echo "== Two SavedModels, asked by a process that imports TensorFlow alone"
	$(SEQAPP) export runs/stock-lstm
	$(SEQAPP) export runs/fibonacci-simple_rnn
	$(BIN)/python tests/ask_saved_model.py runs/stock-lstm --latest
	$(BIN)/python tests/ask_saved_model.py runs/fibonacci-simple_rnn '{"terms": [["144", "233"], ["12200160415121876738", "19740274219868223167"]]}'
	@echo
	@echo "Runs lie in runs/: model.keras, history.csv, metrics.json, export/1/saved_model.pb. What to try next:"
	@echo "  $(SEQAPP) predict runs/stock-lstm                       the next close, with its interval"
	@echo "  $(SEQAPP) predict runs/fibonacci-simple_rnn '8 13 21'   the next term"
	@echo "  $(SEQAPP) serve runs/stock-lstm                         TF Serving's interface, and a page to ask it by hand"
	@echo "  $(SEQAPP) train text && $(SEQAPP) generate runs/text-lstm --prompt 'The '"
	@echo "  $(SEQAPP) train stock --csv your.csv --target COLUMN --out runs/mine"
	@echo "  $(SEQAPP) list"

test: $(BIN)/.installed  ## the tests, without what takes minutes
	$(PYTEST) -m "not slow"

test-all: $(BIN)/.installed  ## what `make test` leaves out: kills, fuzzing, load; compiled loops; all pairs; default trainings; other runtimes
	$(PYTEST) -m slow

check: $(BIN)/.installed  ## ruff, mypy, the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(PYTEST) -m "not slow"

docs: $(BIN)/.installed  ## write the tables of commands and options in docs/ again, from the code
	$(BIN)/python -m docs.reference

all: $(foreach pair,$(PAIRS),runs/$(pair)/metrics.json)  ## train and evaluate every dataset with every model

bench: $(BIN)/.installed  ## measure the recurrent engine against Keras and PyTorch; the figures in benchmarks/README.md
	$(PIP) --no-build-isolation --editable '.[bench]'
	$(BIN)/python -m benchmarks.recurrence

torture: $(BIN)/.installed  ## kill and stop it, feed it what nobody writes on purpose, for an hour; the figures in benchmarks/README.md
	$(BIN)/python -m tests.torture.torture
	$(BIN)/python -m tests.torture.fuzz
	$(BIN)/python -m tests.torture.malformed
	$(BIN)/python -m tests.torture.load

clean:  ## delete the runs and the caches; .venv stays
	rm -rf runs build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# One rule for each pair. It depends on the dataset's file, the model's file, the data file that DATA_<dataset> names,
# and on what OPTIONS_<dataset> says; metrics.json is written last, by one rename.
define pair
runs/$(1)-$(2)/metrics.json: datasets/$(1).py models/$(2).py $$(DATA_$(1)) runs/.options/$(1) | $$(BIN)/.installed
	$$(SEQAPP) train $(1) --model $(2) --out $$(@D) --force $$(OPTIONS_$(1)) $$(OPTIONS)
	$$(SEQAPP) evaluate $$(@D)
endef
$(foreach dataset,$(DATASETS),$(foreach model,$(MODELS),$(eval $(call pair,$(dataset),$(model)))))

# Holds the options of a dataset; touched only when they differ from last time.
runs/.options/%: always
	@mkdir -p $(@D)
	@echo '$(OPTIONS_$*) $(OPTIONS)' | cmp --silent - $@ || echo '$(OPTIONS_$*) $(OPTIONS)' > $@

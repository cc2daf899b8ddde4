# Two commands do all set-up on a fresh machine with Python 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
FRAMES ?=
ARGS   ?=
export OMP_NUM_THREADS ?= 2
export PYTHONUNBUFFERED = 1

.DEFAULT_GOAL := help
.PHONY: help demo test test-kafka lint bench soak fuzz train leaderboard embeddings docs lock clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# A stamp a set: what is installed already is not looked at again. Modules are compiled when they are first imported:
# compiling all that is installed takes longer than installing it.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
$(VENV)/%.installed: requirements/%.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r $<
	$(if $(filter test,$*),$(PIP) --no-deps --require-hashes -r requirements/oracles.txt)
	$(PIP) --no-deps --editable .
	@$(PIP) --no-deps --require-hashes -r requirements/fast.txt \
	    >/dev/null 2>&1 || echo "No C compiler for dectris-compression: bitshuffle is read by h5py, at half the speed."
	@touch $@

$(VENV)/test.installed: requirements/oracles.txt

demo: $(VENV)/demo.installed  ## The whole system on this machine, in two minutes (FRAMES=DIR adds your own frames)
	$(BIN)/python -m camsortxs_agent.demo $(if $(FRAMES),--frames $(FRAMES)) $(ARGS)

test: $(VENV)/test.installed  ## Every test; needs no GPU, no container, nothing started by hand
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal $(ARGS)

lint: $(VENV)/test.installed  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/test.installed  ## What a frame costs, as ratios; writes benchmarks/results.json
	$(BIN)/python benchmarks/run.py

soak: $(VENV)/test.installed  ## Break the agent on purpose for forty minutes, and count what that cost (see reliability.md)
	$(BIN)/python -m camsortxs_agent.chaos kills $(ARGS)
	$(BIN)/python -m camsortxs_agent.chaos outages
	$(BIN)/python -m camsortxs_agent.chaos documents

fuzz: $(VENV)/test.installed  ## A million mutated messages, ten thousand disturbed runs; exit code 1 when one does harm
	PYTHONPATH=tests $(BIN)/python -m support.fuzz $(ARGS)

# Apache Kafka itself, from wherever this machine's Maven takes its packages. Needs Java 17 and Maven.
KAFKA := .cache/kafka
$(KAFKA)/.installed: tests/kafka/pom.xml
	mvn -q -B -f $< dependency:copy-dependencies -DoutputDirectory=$(abspath $(KAFKA))
	@touch $@

test-kafka: $(VENV)/test.installed $(KAFKA)/.installed  ## What speaks Kafka, against a real Apache Kafka instead of the embedded broker
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --apache-kafka $(KAFKA) tests/integration/test_exactly_once.py tests/integration/test_kills.py \
	    tests/agent/test_kafka_source.py tests/agent/test_kafka_publisher.py tests/agent/test_replay.py tests/contracts/test_sources.py $(ARGS)

# Labelled frames to learn from beside the simulated ones.
REAL := ../shared/real

train: $(VENV)/train.installed  ## Train the shipped model anew, in half an hour (ARGS="--simulated 400" for a quick look)
	$(BIN)/camsortxs train --simulated 8000 --nothing 3000 --seed 11 --labels $(REAL)/labels.csv --copies 20 \
	    --classifiers lightgbm_extra,lightgbm_extra,lightgbm_extra --processes 2 --out models/first/0.4.0 $(ARGS)

leaderboard: $(VENV)/train.installed  ## Run the grid anew, in an hour, and write models/LEADERBOARD.md
	$(BIN)/camsortxs leaderboard --simulated 1500 --labels $(REAL)/labels.csv --copies 6 --processes 2 $(ARGS)

# Family and epochs. What a training left in .cache/embeddings is taken up.
EMBEDDINGS := lenet:16 mobilenet_025:8 mobilenet_v2_035:6 mobilenet_v3_small_075:7 efficientnet_v2_b0_025:6 \
              densenet21:5 resnet50_v2_025:6

embeddings: $(VENV)/deep.installed  ## Train the networks behind lenet.* and deep.* anew on simulated frames, in an hour
	for one in $(EMBEDDINGS); do \
	    $(BIN)/camsortxs train-embedding $${one%:*} --simulated 6000 --seed 1 --epochs $${one#*:} --processes 2 \
	        --out models/embeddings/$${one%:*}/0.1.0 $(ARGS) || exit; done

docs: $(VENV)/test.installed  ## Write what is generated: settings schema, command reference, sheets of simulated frames
	$(BIN)/camsortxs-agent settings-schema > deploy/settings.schema.json
	$(BIN)/typer camsortxs.cli utils docs --name camsortxs --title "camsortxs" --output docs/reference/camsortxs.md
	$(BIN)/typer camsortxs_agent.__main__ utils docs --name camsortxs-agent --title "camsortxs-agent" --output docs/reference/camsortxs-agent.md
	for kind in SAXS WAXS GISAXS GIWAXS nothing; do \
	    $(BIN)/camsortxs simulate --technique $$kind --count 24 --seed 8 --contact-sheet --out .cache/frames/$$kind && \
	    cp .cache/frames/$$kind/contact-sheet.png docs/explanations/frames/$$kind.png; done

lock:  ## Re-lock requirements/ (needs uv)
	bash requirements/lock.sh

clean:  ## Remove what make made
	rm -rf $(VENV) demo-out .cache

# Learning in Motion. `make book` builds it, `make test` proves it; both set up .venv by themselves.
# PYTHON=python3.12 chooses the interpreter, TORCH=cuda takes the CUDA build of torch, TORCH_WHEEL=no makes a zip without torch.

PYTHON ?= python3
SEEDS ?= 2
TORCH ?= auto
TORCH_WHEEL ?= yes
BIN := .venv/bin
SIDE_BY_SIDE := -n auto --maxprocesses 4 --dist worksteal
export OMP_NUM_THREADS := 1

.PHONY: book test chapter lab lab-runs serve zip binder bench vendor graphs faults shake oldest newest check stage clean

book: .venv/ready
	$(BIN)/python tools/stage.py --keep-going
	$(BIN)/python tools/build.py

test: check stage
	$(BIN)/python tools/browser.py
	$(BIN)/python tools/build.py
	$(BIN)/python -m pytest tests $(SIDE_BY_SIDE)

chapter: .venv/ready
	$(BIN)/python tools/chapter.py $(CHAPTER)

check: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/python tools/check_notebooks.py book
	if command -v node > /dev/null; then node tools/lint.mjs companion/live/front; fi

stage: .venv/ready
	$(BIN)/python tools/stage.py

lab: .venv/ready
	$(BIN)/jupyter lab --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate --notebook-dir=book

lab-runs: .venv/ready
	$(BIN)/python tools/lab_runs.py --runs $(or $(RUNS),10)

serve:
	$(MAKE) book || test -f _build/html/index.html
	@echo "Reading the book at http://127.0.0.1:8000 (Ctrl-C ends)"
	$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

zip: book
	TORCH_WHEEL=$(TORCH_WHEEL) $(BIN)/python -m tools.zip

binder: .venv/ready
	$(BIN)/python -m tools.binder

bench: book
	$(BIN)/python -m bench

shake: .venv/ready
	SEEDS="$(SEEDS)" ONLY="$(ONLY)" WHAT="$(WHAT)" $(BIN)/python tools/shake.py

oldest newest: # no .venv: an environment of their own
	$(PYTHON) tools/bounds.py $@

vendor:
	$(PYTHON) tools/vendor.py

graphs: .venv/ready
	$(BIN)/python tools/stage.py --fresh
	$(BIN)/python tools/archive.py

faults: .venv/ready
	$(BIN)/python -m tools.faults

clean:
	rm -rf _build .venv

.venv/ready: requirements.txt pyproject.toml tools/setup.sh
	PYTHON="$(PYTHON)" TORCH="$(TORCH)" sh tools/setup.sh
	@touch $@

# make train    install into .venv, train LeNet on real digits, write a report   (the first command)
# make test     the quick tests                                               (the second command)
# make test-all the rest of the tests: what is slow by nature
# make lint     ruff, pyright on the installed package, the import directions
# make smoke    every script on very little data, and the notebooks
# make bench    the measurements behind the README's tables, in their quick form
# make gallery  the pictures of docs/gallery.md, by the scripts that draw
# make test-faults    hundreds of kills and full disks, and what takes minutes; for those who touch what they test

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	&& { echo $$p; exit; }; done)
BIN := .venv/bin
RUN := $(BIN)/python
# All but these are run with --smoke alone; heads are trained on features, so that these come first.
NEED_MORE := advise captcha/evaluate_captcha captcha/read_captcha classify deploy/hub evaluate evaluate_ensemble explain/report generative/caption generative/fast_style generative/sample_dcgan generative/segment inspect_model launch ledger predict search visualize_architecture
FOUND := $(patsubst scripts/%.py,%,$(filter-out %/__init__.py,$(wildcard scripts/*.py scripts/*/*.py)))
SCRIPTS := $(filter-out extract_features $(NEED_MORE),$(FOUND))
SIGHTKIT := cd build/smoke && $(abspath $(BIN)/sightkit)
# Two commands at a time, each with its output in one piece; the first that fails ends it.
SMOKE := cd build/smoke && xargs -P 2 -I {} sh -c 'found=$$($(abspath $(BIN)/sightkit) $$1 2>&1); end=$$?; echo "== $$1"; echo "$$found"; [ $$end = 0 ] || exit 255' smoke {}
# What runs after the others, on what they have made.
FOLLOWING := "launch --processes 2 -- train_lenet_digits --smoke --output runs/lenet_digits/two" \
	"search train_lenet_digits --smoke" \
	"ensemble --smoke --bagging" \
	"ensemble --smoke --boosting" \
	"ensemble --smoke --snapshots" \
	"evaluate_ensemble runs/ensembles/train_lenet_digits-smoke" \
	"evaluate --bundle runs/lenet_digits/smoke/bundle --data datasets/digits-training-smoke.h5 --crops 10 --output evaluation" \
	"captcha/evaluate_captcha --smoke --bundle runs/captcha/smoke/bundle" \
	"captcha/read_captcha --bundle runs/captcha_text/smoke/bundle runs/captcha_text/smoke/bundle/canary.png" \
	"deploy/hub push --repository me/digits --bundle runs/lenet_digits/smoke/bundle --output hub --overwrite" \
	"explain/report runs/lenet_digits/smoke" \
	"generative/caption runs/captioner/smoke/bundle/canary.png --bundle runs/captioner/smoke/bundle" \
	"generative/fast_style runs/fast_style/smoke/bundle/canary.png --bundle runs/fast_style/smoke/bundle --overwrite" \
	"generative/segment runs/segmentation/smoke/bundle/canary.png --bundle runs/segmentation/smoke/bundle --output segmented --overwrite" \
	"generative/sample_dcgan --bundle runs/dcgan/smoke/bundle --count 4" \
	"inspect_model minigooglenet" \
	"ledger table --check" \
	"visualize_architecture minigooglenet --output minigooglenet --overwrite" \
	"predict --bundle runs/lenet_digits/smoke/bundle runs/lenet_digits/smoke/bundle/canary.png --output predict.json --overwrite" \
	"predict --bundle runs/train_logistic/smoke/bundle runs/train_logistic/smoke/bundle/canary.png --threshold 0.9 --output predict_head.csv --overwrite"

ifneq ($(wildcard ../shared/data),)
export SIGHTKIT_TEST_DATA ?= $(abspath ../shared/data)
endif
ifdef SIGHTKIT_TEST_DATA  # on photos of Tiny ImageNet in place of digits
IMAGENET := $(filter train_%_imagenet,$(filter-out %tiny_imagenet,$(SCRIPTS)))
SCRIPTS := $(filter-out $(IMAGENET),$(SCRIPTS))
FOLLOWING += $(foreach each,$(IMAGENET),"$(each) --smoke --data datasets/tiny_imagenet-smoke.h5")
endif
unexport PYTHONPATH

.DELETE_ON_ERROR:
.PHONY: train test test-all test-faults lint smoke bench gallery clean

train: .venv/installed
	$(RUN) scripts/train_lenet_digits.py $(or $(ARGS),--resume)

# A worker that dies ends the run: with another in its place, the rest may wait for ever.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

LONGEST_FIRST := tests/zoo/ $(filter-out tests/zoo/ tests/__pycache__/,$(wildcard tests/*/))

test: .venv/installed-test
	$(PYTEST) -m "not slow and not faults" $(ARGS)

test-all: .venv/installed-test build/onnxruntime-web
	$(PYTEST) -m "slow and not faults" --timeout 3600 $(or $(ARGS),$(LONGEST_FIRST))

# For the page of an export; without npm, or offline, its tests are skipped and say so.
build/onnxruntime-web:
	@mkdir -p build/npm; cd build/npm && command -v npm >/dev/null && npm pack --silent onnxruntime-web@1.30.0 >/dev/null \
		&& tar xzf onnxruntime-web-1.30.0.tgz && ln -sfn npm/package ../onnxruntime-web || echo "npm cannot fetch onnxruntime-web"

test-faults: .venv/installed-test
	$(BIN)/pytest -m faults --timeout 3600 $(ARGS)

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf build
	$(BIN)/pip install --quiet --no-deps --no-compile --no-build-isolation --target build/installed .
	$(BIN)/pyright --pythonpath $(RUN)
	$(BIN)/pytest -q tests/contract/test_imports.py

smoke: .venv/installed-test
	mkdir -p build/smoke
	$(SIGHTKIT) extract_features --smoke
	printf '%s --smoke\n' $(SCRIPTS) | ($(SMOKE))
	printf '%s\n' $(FOLLOWING) | ($(SMOKE))
	$(SIGHTKIT) evaluate_ensemble runs/ensembles/train_lenet_digits-boosting-smoke
ifdef SIGHTKIT_TEST_DATA
	mkdir -p build/smoke/keras/models  # a copy: Keras writes into its home
	cp -f $(SIGHTKIT_TEST_DATA)/keras/models/mobilenet_2_5_224_tf.h5 $(SIGHTKIT_TEST_DATA)/keras/models/imagenet_class_index.json $(SIGHTKIT_TEST_DATA)/keras/models/mobilenet_v2*_no_top.h5 build/smoke/keras/models
	export KERAS_HOME=$(abspath build/smoke/keras) && $(SIGHTKIT) classify --model mobilenet_0.25 --overwrite --output classify.csv $(abspath $(SIGHTKIT_TEST_DATA))/style/content/beagle.png
	export KERAS_HOME=$(abspath build/smoke/keras) && $(SIGHTKIT) advise --smoke --output advice.json --overwrite
else
	@echo "classify.py and advise.py were not run: SIGHTKIT_TEST_DATA names no folder with weights"
endif
	$(RUN) benchmarks/notebooks.py --output build/smoke/notebooks

bench: .venv/installed-test
	$(RUN) benchmarks/startup.py --quick
	$(RUN) benchmarks/cold.py --quick
	$(RUN) benchmarks/input.py --quick
	$(RUN) benchmarks/photos.py --quick
	$(RUN) benchmarks/shards.py --quick
	$(RUN) benchmarks/near_copies.py --quick
	$(RUN) benchmarks/steps.py --quick
	$(RUN) benchmarks/allocation.py --quick
	$(RUN) benchmarks/saving.py --quick
	$(RUN) benchmarks/training.py --quick
	$(RUN) benchmarks/crops.py --quick
	$(RUN) benchmarks/inference.py --quick
	$(RUN) benchmarks/break_even.py --quick
	$(RUN) benchmarks/transfer.py --quick
	$(RUN) benchmarks/foundations.py --quick
	$(RUN) benchmarks/explain.py --quick
	$(RUN) benchmarks/serving.py --quick
	$(RUN) benchmarks/distribute.py --quick --network minivggnet
	$(RUN) benchmarks/tables.py --check
	$(BIN)/sightkit ledger table --check

gallery: .venv/installed-test
	$(RUN) benchmarks/gallery.py

clean:
	rm -rf .venv build

.venv/installed: pyproject.toml constraints.txt
	@$(call install,fast$(comma)search)
	@touch $@

.venv/installed-test: pyproject.toml constraints.txt
	@$(call install,fast$(comma)search$(comma)jax$(comma)heic$(comma)explore$(comma)detect$(comma)export$(comma)hub$(comma)serve$(comma)development)
	@touch .venv/installed $@

comma := ,
define install
if [ -z "$(PYTHON)" ]; then \
	echo "sightkit needs Python 3.11, 3.12 or 3.13. Received: $$(python3 --version 2>&1 || echo none). Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 2; fi; \
if [ ! -x $(RUN) ] && ! $(PYTHON) -m venv .venv; then \
	rm -rf .venv; echo "$(PYTHON) cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 2; fi; \
echo "Installing into .venv: about 2.8 GB, a few minutes …"; \
if ! $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$(1)]"; then \
	echo "The installation failed (pip's reason stands above). It needs the network or a folder of wheels: try again online, or set PIP_FIND_LINKS and PIP_NO_INDEX=1." >&2; exit 2; fi; \
$(RUN) -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "sightkit-first.pth").write_text($(first))'
endef
# From the folder that holds a clone of this name, Python would take the clone itself for the package.
first := "import sys; sys.meta_path.sort(key=lambda finder: getattr(finder, \"__name__\", \"\") != \"_EditableFinder\")\n"

"""Keras knows sightkit's classes once both are imported, in either order."""

from __future__ import annotations

import ctypes
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import sightkit
from sightkit import callbacks, zoo
from sightkit._keras import REGISTERING

ROOT = Path(__file__).parents[2]


def test_every_module_that_registers_is_listed():
    found = {
        ".".join(("sightkit", *path.relative_to(ROOT).with_suffix("").parts))
        for folder in ("zoo", "callbacks", "training", "transfer", "inference", "evaluation", "io")
        for path in (ROOT / folder).rglob("*.py")
        if "register_keras_serializable(" in path.read_text(encoding="utf-8")
    }
    assert found == set(REGISTERING)


def imported(module, seen=()):
    """What a module of sightkit imports of sightkit, directly and not."""
    path = ROOT / Path(*module.split(".")[1:]).with_suffix(".py")
    path = path if path.is_file() else ROOT / Path(*module.split(".")).with_suffix(".py")
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    names = set(re.findall(r"^from (sightkit\.[\w.]+) import", text, re.MULTILINE)) - {*seen}
    return names.union(*(imported(name, (*seen, *names)) for name in names))


def test_modules_that_register_import_none_of_each_other():
    for module in REGISTERING:
        assert not imported(module) & set(REGISTERING), module
    assert "sightkit.zoo.batch_normalization" in imported("sightkit.zoo.fcn_head")


def test_what_is_registered_is_found_by_its_name():
    known = keras.saving.get_custom_objects()
    for cls in (zoo.BatchNormalization, callbacks.StepDrop):
        assert known[f"sightkit>{cls.__name__}"] is cls


@pytest.mark.slow
@pytest.mark.parametrize(
    ("imports", "ending"),
    (
        ("import sightkit, keras", ".keras"),
        ("import keras, sightkit", ".h5"),
        ("from sightkit.zoo import BatchNormalization; import keras", ".keras"),
    ),
)
def test_a_saved_network_is_loaded_after_import_sightkit(tmp_path, imports, ending):
    path = tmp_path / f"net{ending}"
    network = zoo.build("minivggnet", input_shape=(16, 16, 3), classes=3)
    network.compile(
        keras.optimizers.SGD(callbacks.StepDrop(0.1, 10)), "sparse_categorical_crossentropy"
    )
    network.save(path)
    code = f"{imports}; print(keras.models.load_model({str(path)!r}).count_params())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert re.search(rf"^{network.count_params()}$", done.stdout, re.MULTILINE), done.stderr


def test_importing_sightkit_imports_no_keras():
    code = "import sightkit, sys; print({'keras', 'numpy', 'inspect'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(("text", "shown"), (("triggered tf.function retracing.", 0), ("bad", 1)))
def test_start_keras_hides_one_false_alarm_of_tensorflow(text, shown):
    sightkit.start_keras()
    record = logging.LogRecord("tensorflow", logging.WARNING, "", 0, text, (), None)
    assert bool(logging.getLogger("tensorflow").filter(record)) == bool(shown)


PAGES = """
import resource, threading
from sightkit._keras import reuse_freed_memory

def new_pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        b"1" * (100 << 20)
    counted.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

counted = []
reuse_freed_memory()
new_pages()
thread = threading.Thread(target=new_pages)  # which would have an arena of its own
thread.start()
thread.join()
print(counted[1])
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="needs glibc")
@pytest.mark.parametrize("chosen", ("", "MALLOC_CHECK_"))
def test_large_arrays_are_served_from_freed_memory_unless_the_user_has_set_malloc(chosen):
    env = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    env |= {chosen: "0"} if chosen else {}
    command = [sys.executable, "-c", PAGES]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    pages = float(done.stdout)
    each = (100 << 20) / os.sysconf("SC_PAGE_SIZE")
    assert (pages > 4 * each) if chosen else (pages < 0.1 * each), done.stdout

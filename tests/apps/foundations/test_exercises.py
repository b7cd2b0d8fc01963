"""Exercises: what is left out, what is said of wrong answers, what is never overwritten."""

from __future__ import annotations

import ast
import re

import pytest

from sightkit.apps.foundations import EXERCISES, exercise_check, exercise_file, exercises

RIGHT = {
    "momentum": "self.v = 0.9 * self.v + self.rate * gradient(w)\n        return w - self.v",
    "distances": "return np.sqrt(((a[:, None] - b) ** 2).sum(2))",
    "sigmoid": "return 1 / (1 + np.exp(-x))",
    "relu_backward": "return np.where(x > 0, upstream, 0)",
    "bed_of_nails": "return np.kron(x, np.array([[1, 0], [0, 0]])[None, :, :, None])",
    "softmax": "p = np.exp(x)\n    return (p.T / p.sum(axis=-1)).T",
}
WRONG = {
    ("sigmoid", "return 1 / (1 + np.exp(x))"): r"value: it at \[\d, \d\] must be 0\.\d+, and is 0",
    ("sigmoid", "return x.sum(axis=1)"): r"shape: it must be \(3, 4\), and is \(3,\)",
    ("sigmoid", "x"): "it returns nothing",
    ("sigmoid", "return x / 0"): r"it fails \(line \d+: RuntimeWarning: divide by zero",
    ("sigmoid", "return unknown"): r"it fails \(line \d+: NameError: name 'unknown'",
    ("sigmoid", "return ("): r"\(line \d+: SyntaxError: '\(' was never closed\)$",
    ("sigmoid", "raise SystemExit"): r"it fails \(line \d+: SystemExit\)",
    ("sigmoid", "while True:\n        pass"): r"line \d+: TimeoutError: not done after 1 s",
    ("sigmoid", "return [[1, 2], [3]]"): r"it must be \(3, 4\), and has rows of several lengths",
    ("sigmoid", "return str(x)"): "it must be numbers",
    ("sigmoid", "return np.nan * x"): "and is nan",
    ("sigmoid", "x *= -1\n    return 1 / (1 + np.exp(x))"): "changes an array that it was given",
    ("relu_backward", "return upstream"): r"gradient: the gradient by x at \[\d, \d\] must be 0,",
    ("batch_normalization_backward", "return upstream, gamma"): "must return 3 arrays: x, gamma, b",
    (
        "batch_normalization_backward",
        "n, d = _normalized(x, epsilon)\n"
        "    return gamma / d * upstream, (upstream * n).sum(0), upstream.sum(0)",
    ): "gradient: the gradient by x at",
    (
        "convolution_backward",
        "return np.zeros_like(x), np.zeros((3, 3, 4, 3)), upstream.sum((0, 1, 2))",
    ): "gradient: the gradient by x",
    ("hinge", "m = _margins(scores, labels)\n    return m.sum(1), (m > 0) * 1.0"): "gradient: g",
    ("adam", "return w - self.rate * gradient(w)"): "value: it at",
    ("momentum", "return w - 0.9 * self.v - self.rate * gradient(w)"): "in the second call, value",
    ("distances", "return ((a[:, None] - b) ** 2).sum(2)"): "value: it at",
    ("convolution_backward", "return x[:, 1:], kernels, 0"): r"by x must be \(2, 6, 6, 3\), and is",
}  # fmt: skip


def write(name, body, tmp_path):
    text = exercises.left_out(exercises.find(name), "-")
    path = tmp_path / f"{name}.py"
    path.write_text(
        text.replace(f"{exercises.LEFT_OUT}  # yours: {exercises.find(name).function}", body)
    )
    return path


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_answer_is_right_however_it_is_written(name, tmp_path):
    assert exercise_check.check(EXERCISES[name], write(name, RIGHT[name], tmp_path)) == ""


@pytest.mark.parametrize(("name", "body"), WRONG)
def test_a_wrong_answer_is_told_in_a_line(name, body, tmp_path, monkeypatch):
    monkeypatch.setattr(exercise_file, "SECONDS", 1 if "while" in body else 100)
    said = exercise_check.check(EXERCISES[name], write(name, body, tmp_path))
    assert re.search(WRONG[name, body], said) and "\n" not in said, said


def test_a_file_without_the_function_is_told(tmp_path):
    path = tmp_path / "sigmoid.py"
    path.write_text("")
    assert exercise_check.check(EXERCISES["sigmoid"], path) == "the file has no sigmoid any more"
    path.write_text("raise SystemExit(0)")
    told = exercise_check.check(EXERCISES["sigmoid"], path)
    assert told == "the file cannot be imported (line 1: SystemExit: 0)"


def test_a_line_is_named_by_a_relative_path_too(tmp_path, monkeypatch):
    path = write("sigmoid", "return unknown", tmp_path)
    monkeypatch.chdir(tmp_path)
    told = exercise_check.check(EXERCISES["sigmoid"], path.relative_to(tmp_path))
    assert re.search(r"it fails \(line \d+: NameError", told), told


def test_a_broken_constructor_is_told(tmp_path):
    path = write("momentum", "return w - self.v", tmp_path)
    text = path.read_text().replace("arguments.above_zero(rate=self.rate)", "self.unknown")
    path.write_text(text)
    told = exercise_check.check(EXERCISES["momentum"], path)
    assert re.search(r"it fails \(line \d+: AttributeError", told), told


@pytest.mark.parametrize("name", EXERCISES)
def test_only_one_function_is_left_out(name, tmp_path):
    exercise = EXERCISES[name]
    original = (exercises.FOLDER / f"{exercise.module}.py").read_text()
    text = exercises.left_out(exercise, "-")
    assert text.count(f"{exercises.LEFT_OUT}  # yours") == 1
    node = exercises._definition(ast.parse(text), exercise.function)
    whole = exercises._definition(ast.parse(original), exercise.function)
    assert ast.get_docstring(node) == ast.get_docstring(whole)  # what is to be done
    assert ast.unparse(node.args) == ast.unparse(whole.args)
    assert ast.unparse(ast.parse(text)).count("\ndef ") == ast.unparse(ast.parse(original)).count(
        "\ndef "
    )
    file = tmp_path / "left_out.py"
    file.write_text(text)
    assert exercise_check.check(exercise, file) == "it is not written yet"
    own = exercises.FOLDER / f"{exercise.module}.py"
    assert exercise_check.check(exercise, own) == ""


def test_there_are_twenty():
    assert len(EXERCISES) >= 20


def test_an_exercise_is_begun_checked_and_never_overwritten(script, tmp_path):
    result = script("foundations/exercise", "sigmoid", cwd=tmp_path)
    assert result.code == 0 and "exercises/sigmoid.py: write sigmoid, then: " in result.stdout
    path = tmp_path / "exercises" / "sigmoid.py"
    begun = path.read_text()
    assert begun.startswith("# Write sigmoid, then: ")
    result = script("foundations/exercise", "sigmoid", "--check", cwd=tmp_path)
    assert result.code == 2 and "sigmoid is not right yet: it is not written yet" in result.stderr
    assert "check again" in result.stderr
    path.write_text(begun.replace(exercises.LEFT_OUT, "return (1 + np.tanh(x / 2)) / 2"))
    mine = path.read_bytes()
    result = script("foundations/exercise", "sigmoid", "--check", cwd=tmp_path)
    assert (result.code, result.stdout) == (0, "sigmoid is right.\n"), result.stderr
    result = script("foundations/exercise", "sigmoid", cwd=tmp_path)
    assert result.code == 2 and "never overwritten" in result.stderr
    assert path.read_bytes() == mine
    listed = script("foundations/exercise", cwd=tmp_path).stdout.splitlines()
    assert len(listed) == len(EXERCISES)
    assert [line.split()[0] for line in listed if "begun" in line] == ["sigmoid"]


@pytest.mark.parametrize(
    ("words", "message"),
    (
        (("sigmoit",), "Perhaps it is sigmoid"),
        (("sigmoid", "--check"), "must be begun. Received: file='exercises/sigmoid.py'"),
        (("--check",), "Name the exercise"),
        (("sigmoid", "--output", "mine"), "mine"),
    ),
)
def test_what_cannot_be_is_one_line(words, message, script, tmp_path):
    (tmp_path / "mine").write_text("mine")
    result = script("foundations/exercise", *words, cwd=tmp_path)
    assert result.code == 2 and message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]

"""The report of a run: one HTML file, without scripts, servers or other files."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from sightkit import _files, _run_files
from sightkit.evaluation.diagnosis import Diagnosis
from sightkit.evaluation.diagnosis_html import diagnosis_section
from sightkit.evaluation.judgement_html import calibration_text, scores_table
from sightkit.evaluation.metrics import Evaluation
from sightkit.evaluation.pictures import file_data_uri, png_data_uri

Images = Callable[[np.ndarray], Sequence[np.ndarray] | np.ndarray]
"""Positions (n,) to uint8 images, RGB or grey."""
WORST = 24
SMOKE = "Smoke run: very little data and few epochs; these numbers mean nothing."
PENALIZED = (
    "The losses of these curves hold the penalty on large weights too ({:.2f} at the end); the "
    "measures below do not."
)
STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")


def write_html(
    folder: Path,
    test: Evaluation,
    images: Images | Sequence[str],
    metrics: Mapping[str, Any],
    diagnosis: Diagnosis | None = None,
) -> None:
    """Write report.html into a folder.

    Args:
        folder: of a run, or of an evaluation alone; curves, configuration, environment and
            pictures are taken from it where they exist.
        test: evaluation of the images that the report speaks of.
        images: positions among them to uint8 (n, H, W, 1 or 3), RGB; or, where the pixels are not
            at hand, the name of each.
        metrics: what metrics.json holds; its ``notes`` stand above the figures, so that nobody
            takes them for more than they are.
        diagnosis: what is wrong with the run, and what to try next.
    """
    environment = _read(folder / _run_files.ENVIRONMENT)
    config = _read(folder / _run_files.CONFIG)
    title = str(config.get("experiment", folder.name))
    notes = [*([SMOKE] if is_smoke_run(folder) else []), *metrics.get("notes", ())]
    marks = "".join(f'<p class="mark">{escape(note)}</p>' for note in notes)
    sections = [
        f"<header><h1>{escape(title)}</h1>{_judged(metrics)}{marks}{_headline(metrics)}</header>",
        _command(environment),
        _picture(
            "Curves",
            folder / _run_files.CURVES,
            "Loss and accuracy over epochs",
            PENALIZED.format(penalty) if (penalty := metrics.get("penalty")) else "",
        ),
        diagnosis_section(diagnosis) if diagnosis else "",
        _picture("Ensemble", folder / _run_files.ENSEMBLE, "Accuracy by number of members"),
        _section("Measures", scores_table(metrics["test"])),
        _mistakes(test, images),
        _picture(
            "Confusion matrix", folder / _run_files.CONFUSION, "True class by predicted class"
        ),
        _classes(test),
        _picture(
            "Calibration",
            folder / _run_files.RELIABILITY,
            "Share of right answers by their probability",
            calibration_text(metrics["test"]["calibration"]),
        ),
        _facts("Configuration", config),
        _facts("Environment", {k: v for k, v in environment.items() if k != "command"}),
        _facts("Metrics", metrics),
    ]
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(section for section in sections if section)
        + "\n</main>\n</body>\n</html>\n"
    )
    _files.write_text(folder / _run_files.REPORT, page)


def is_smoke_run(folder: Path) -> bool:
    """Whether a run's configuration says ``--smoke``."""
    return bool(_read(folder / _run_files.CONFIG).get("smoke"))


def _judged(metrics: Mapping[str, Any]) -> str:
    """Which network was judged by which images, where that is not the run's own."""
    if "bundle" not in metrics or "data" not in metrics:
        return ""
    split = f", split {metrics['split']}" if metrics.get("split") else ""
    text = f"{metrics['bundle']}, judged by {metrics['data']}{split}"
    return f'<p class="quiet">{escape(text)}</p>'


def _headline(metrics: Mapping[str, Any]) -> str:
    test = metrics["test"]
    numbers = [("rank-1 accuracy", _percent(test["rank1"]))]
    if test["rank5"] is not None:
        numbers.append(("rank-5 accuracy", _percent(test["rank5"])))
    numbers += [("loss", f"{test['loss']:.4f}"), ("test images", f"{test['count']:,}")]
    if "parameters" in metrics:
        numbers.append(("parameters", f"{metrics['parameters']:,}"))
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in numbers)
    return f'<dl class="numbers">{cells}</dl>'


def _command(environment: Mapping[str, Any]) -> str:
    if "command" not in environment:
        return ""
    return _section("Command", f"<pre>{escape(str(environment['command']))}</pre>")


def _picture(title: str, path: Path, alternative: str, text: str = "") -> str:
    if not path.is_file():
        return ""
    image = f'<img class="wide" src="{file_data_uri(path)}" alt="{alternative}">'
    return _section(title, f"<p>{escape(text)}</p>{image}" if text else image)


def _mistakes(test: Evaluation, images: Images | Sequence[str]) -> str:
    """The test images that were classified wrongly, the most expensive ones first."""
    wrong = int((test.predictions != test.labels).sum())
    if not wrong:
        return _section("Worst mistakes", "<p>Every test image was classified correctly.</p>")
    worst = test.worst_mistakes(WORST)
    said = f"{wrong:,} of {len(test.labels):,} test images were classified wrongly"
    more = f"; the {len(worst)} most expensive are shown" if wrong > len(worst) else ""
    if callable(images):
        pairs = zip(worst, images(worst), strict=True)
        shown = "".join(_card(test, int(row), image) for row, image in pairs)
        shown = f'<div class="cards">{shown}</div>'
    else:
        shown = _named(test, [(int(row), images[int(row)]) for row in worst])
    return _section("Worst mistakes", f"<p>{said}{more}.</p>{shown}")


def _named(test: Evaluation, mistakes: Sequence[tuple[int, str]]) -> str:
    """A table of mistakes by the names of their images."""
    lines = []
    for row, name in mistakes:
        true, said = int(test.labels[row]), int(test.predictions[row])
        cells = [
            f"{escape(test.class_names[k])} {_percent(test.probabilities[row, k])}"
            for k in (true, said)
        ]
        lines.append(f'<tr><th scope="row">{escape(name)}</th><td>{"</td><td>".join(cells)}</td>')
    head = "".join(f'<th scope="col">{name}</th>' for name in ("image", "is", "taken for"))
    return (
        f'<div class="scroll"><table class="words"><thead><tr>{head}</tr></thead>'
        f"<tbody>{'</tr>'.join(lines)}</tr></tbody></table></div>"
    )


def _card(test: Evaluation, row: int, image: np.ndarray) -> str:
    true, said = int(test.labels[row]), int(test.predictions[row])
    names = [escape(test.class_names[true]), escape(test.class_names[said])]
    return (
        f'<figure><img src="{png_data_uri(image)}" alt="{names[0]}">'
        f"<figcaption><strong>{names[0]}</strong> taken for <strong>{names[1]}</strong><br>"
        f"{names[1]}: {_percent(test.probabilities[row, said])}<br>"
        f"{names[0]}: {_percent(test.probabilities[row, true])}</figcaption></figure>"
    )


def _classes(test: Evaluation) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(row["name"])}</th><td>{number(row["precision"])}</td>'
        f"<td>{number(row['recall'])}</td><td>{number(row['f1'])}</td><td>{row['count']:,}</td>"
        "</tr>"
        for row in test.per_class()
    )
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("class", "precision", "recall", "f1", "images")
    )
    return _section(
        "Per class",
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
        "</div>",
    )


def _facts(title: str, values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    rows = "".join(
        f"<div><dt>{escape(str(name))}</dt><dd>{escape(_plain(value))}</dd></div>"
        for name, value in values.items()
        if value is not None
    )
    return (
        f'<section><details><summary>{title}</summary><dl class="facts">{rows}</dl></details>'
        "</section>"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(entry)}" for key, entry in value.items())
    return value if isinstance(value, str) else json.dumps(value)


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def number(value: float) -> str:
    """A measure with three digits; a dash where it is not defined."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def _read(path: Path) -> dict[str, Any]:
    return _files.read_json(path) if path.is_file() else {}

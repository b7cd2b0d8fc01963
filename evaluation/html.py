"""The report of a run: one HTML file, without scripts, servers or other files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from sightkit import _files, _run_files, _scripts
from sightkit._display import data_uri
from sightkit._regular_file import read_regular_file
from sightkit._tables import html_table, percent
from sightkit.evaluation.diagnosis import Diagnosis
from sightkit.evaluation.metrics import Evaluation
from sightkit.evaluation.mistakes import Mistake
from sightkit.evaluation.pictures import png_data_uri

SMOKE = "Smoke run: very little data and few epochs; these numbers mean nothing."
PENALIZED = (
    "The losses of these curves hold the penalty on large weights too ({:.2f} at the end); the "
    "measures below do not."
)
CALIBRATED = 0.02
"""Smaller gaps of confidence are reported as none."""
PICTURE_BYTES = 2**26
"""Of a picture that is shown, at most."""
EXPLAINED = f'<p><a href="{_run_files.EXPLANATION}">Why it made its worst mistakes</a></p>'
STYLE = (Path(__file__).parent / "report.css").read_text(encoding="utf-8")


def write_html(
    folder: Path,
    test: Evaluation,
    mistakes: Sequence[Mistake],
    metrics: Mapping[str, Any],
    diagnosis: Diagnosis | None = None,
) -> None:
    """Write report.html into a folder.

    Args:
        folder: of a run, or of an evaluation alone; curves, configuration, environment and
            pictures are taken from it where they exist.
        test: evaluation of the images that the report is about.
        mistakes: the worst of them.
        metrics: the content of metrics.json; its ``notes`` are shown above the figures.
        diagnosis: of the run.
    """
    environment = _files.stored_json(folder / _run_files.ENVIRONMENT)
    config = _files.stored_json(folder / _run_files.CONFIG)
    title = str(config.get("experiment", folder.name))
    command = str(environment.pop("command", ""))
    notes = [*([SMOKE] if is_smoke_run(folder) else []), *metrics.get("notes", ())]
    marks = "".join(f'<p class="mark">{escape(note)}</p>' for note in notes)
    penalty = metrics.get("penalty")
    sections = [
        f"<header><h1>{escape(title)}</h1>{_evaluated(metrics)}{marks}{_headline(metrics)}</header>",
        section("Command", f"<pre>{escape(command)}</pre>") if command else "",
        _picture(
            "Curves",
            folder / _run_files.CURVES,
            "Loss and accuracy over epochs",
            PENALIZED.format(penalty) if penalty else "",
        ),
        _diagnosis(diagnosis) if diagnosis else "",
        _picture("Ensemble", folder / _run_files.ENSEMBLE, "Accuracy by number of members"),
        section("Measures", _measures(metrics["test"])),
        _mistakes(test, mistakes),
        _picture(
            "Confusion matrix", folder / _run_files.CONFUSION, "True class by predicted class"
        ),
        section("Per class", html_table(test.per_class())),
        _picture(
            "Calibration",
            folder / _run_files.RELIABILITY,
            "Share of right answers by their probability",
            _calibration(metrics["test"]["calibration"]),
        ),
        _facts("Configuration", config),
        _facts("Environment", environment),
        _facts("Metrics", metrics),
    ]
    _files.write_text(folder / _run_files.REPORT, html_page(title, sections))


def html_page(title: str, sections: Sequence[str]) -> str:
    """Return a page in the style of the report, of sections in HTML; empty ones are left out."""
    return unbroken(
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(each for each in sections if each)
        + "\n</main>\n</body>\n</html>\n"
    )


def link_explanation(folder: Path) -> None:
    """Let the report in a folder name the page that explains its mistakes, once."""
    report = folder / _run_files.REPORT
    if report.is_file():
        page = report.read_text(encoding="utf-8")
        if EXPLAINED not in page:
            _files.write_text(report, page.replace("</header>", f"{EXPLAINED}</header>", 1))


def unbroken(page: str) -> str:
    """Keep each number of a page on one line with its unit, the word that follows it.

    Tags, the style sheet, commands, values and names of files stay as they are.
    """

    def join(found: re.Match[str]) -> str:
        text = found["text"]
        if not text:
            return found[0]
        number = r"(?<![\w.,–-])([+-]?[\d.,]+(?:–[\d.,]+)?) (?=\S)"
        text = re.sub(number, "\\1\N{NO-BREAK SPACE}", text)
        # A line may end after a dash or a hyphen: 94–97, rank-1.
        return re.sub(r"(?<=\w)([–-])(?=\d)", "\\1\N{WORD JOINER}", text)

    pattern = r"<(?P<raw>style|pre|code)>.*?</(?P=raw)>|<[^>]*>|(?P<text>[^<]+)"
    return re.sub(pattern, join, page, flags=re.DOTALL)


def is_smoke_run(folder: Path) -> bool:
    """Return True where a run's configuration holds ``--smoke``."""
    return bool(_files.stored_json(folder / _run_files.CONFIG).get("smoke"))


def _evaluated(metrics: Mapping[str, Any]) -> str:
    """Name network and images, where they are not the run's own."""
    if "data" not in metrics:
        return ""
    networks = metrics.get("bundle") or ", ".join(metrics.get("bundles", {}).values())
    split = f", split {metrics['split']}" if metrics.get("split") else ""
    text = f"{networks}, evaluated on {metrics['data']}{split}"
    return f'<p class="quiet">{escape(text)}</p>'


def _headline(metrics: Mapping[str, Any]) -> str:
    test = metrics["test"]
    numbers = [("rank-1 accuracy", percent(test["rank1"]))]
    if test["rank5"] is not None:
        numbers.append(("rank-5 accuracy", percent(test["rank5"])))
    numbers += [("loss", f"{test['loss']:.4f}"), ("test images", f"{test['count']:,}")]
    if "parameters" in metrics:
        numbers.append(("parameters", f"{metrics['parameters']:,}"))
    cells = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in numbers)
    return f'<dl class="numbers">{cells}</dl>'


def _picture(title: str, path: Path, alternative: str, text: str = "") -> str:
    try:
        picture = read_regular_file(path, PICTURE_BYTES, follow_links=False)
    except OSError:  # none, or a link to what is not ours to show
        return ""
    image = f'<img class="wide" src="{data_uri(picture)}" alt="{alternative}">'
    return section(title, f"<p>{escape(text)}</p>{image}" if text else image)


def _diagnosis(found: Diagnosis) -> str:
    """Headline and advice, the gaps, the findings in the curves."""
    gaps = "".join(
        f'<div><dt>{escape(gap.name)}: <span class="verdict {gap.verdict}">{gap.verdict}</span>'
        f"</dt><dd>{escape(gap.text)}</dd></div>"
        for gap in found.gaps
    )
    curves = "".join(
        f"<div><dt>curves: {escape(curve.name)}</dt>"
        f"<dd>{escape(curve.text)} Try {escape(curve.advice)}.</dd></div>"
        for curve in found.curves
    )
    then = f"<p>{escape(_scripts.as_given(found.next))}</p>" if found.next else ""
    return section(
        "Diagnosis",
        f"<p><strong>{escape(found.headline)}</strong></p>{then}"
        f'<dl class="facts findings">{gaps}{curves}</dl><p class="quiet">{escape(found.floor)}</p>',
    )


def _measures(test: Mapping[str, Any]) -> str:
    """Table of the measures of ``metrics_report``, with their 95 % intervals."""
    intervals = test["intervals"]
    shares = (
        ("rank-1 accuracy", test["rank1"], "rank1"),
        ("balanced accuracy (mean recall)", test["balanced_accuracy"], "balanced_accuracy"),
        ("F, mean of classes", test["macro"]["f1"], "f1"),
        ("precision, mean of classes", test["macro"]["precision"], ""),
        ("F, weighted by images", test["weighted"]["f1"], ""),
        ("always the largest class", test["majority_baseline"], ""),
        ("calibration error (ECE)", test["calibration"]["ece"], ""),
    )
    rows = [(name, percent(share), _interval(intervals.get(key))) for name, share, key in shares]
    low, high = intervals["loss"]
    rows.append(("loss", f"{test['loss']:.4f}", f"{low:.4f}–{high:.4f}"))
    columns = ("measure", "value", "95 % interval")
    return (
        html_table([dict(zip(columns, row, strict=True)) for row in rows])
        + '<p class="quiet">Intervals: bootstrap of these images, '
        f"{intervals['replicates']:,} replicates. They do not cover another training.</p>"
    )


def _interval(ends: Sequence[float] | None) -> str:
    return f"{100 * ends[0]:.2f}–{percent(ends[1])}" if ends else ""


def _calibration(calibration: Mapping[str, Any]) -> str:
    """Describe the reliability diagram in a sentence or two."""
    gap = calibration["overconfidence"]
    if abs(gap) < CALIBRATED:
        text = "On average the network is as sure as it is right."
    elif gap > 0:
        text = f"The network is too sure: by {100 * gap:.1f} points on average."
    else:
        text = f"The network is right more often than it is sure: by {-100 * gap:.1f} points."
    return f"Expected calibration error {percent(calibration['ece'])}. {text}"


def _mistakes(test: Evaluation, mistakes: Sequence[Mistake]) -> str:
    """The test images that were classified wrongly, the most expensive ones first."""
    wrong = int((test.predictions != test.labels).sum())
    if not wrong:
        return section("Worst mistakes", "<p>Every test image was classified correctly.</p>")
    count = f"{wrong:,} of {len(test.labels):,} test images were classified wrongly"
    more = f"; the {len(mistakes)} most expensive are shown" if wrong > len(mistakes) else ""
    named = any(mistake.name for mistake in mistakes)
    every = f" All are listed in {_run_files.MISTAKES_TABLE}." if named else ""
    cards = "".join(map(_card, mistakes))
    return section(
        "Worst mistakes", f'<p>{count}{more}.{every}</p><div class="cards">{cards}</div>'
    )


def _card(mistake: Mistake) -> str:
    """A mistake's picture, where there is one, its answers and its file."""
    true, predicted, file = map(escape, (mistake.true, mistake.predicted, mistake.name))
    picture = ""
    if mistake.image is not None:
        picture = f'<img src="{png_data_uri(mistake.image)}" alt="{true}">'
    name = f"<br><code>{file}</code>" if file else ""
    return (
        f"<figure>{picture}<figcaption><strong>{true}</strong> taken for "
        f"<strong>{predicted}</strong><br>{predicted}: {percent(mistake.probability)}<br>"
        f"{true}: {percent(mistake.true_probability)}{name}</figcaption></figure>"
    )


def _facts(title: str, values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    rows = "".join(
        f"<div><dt>{escape(str(name))}</dt><dd><code>{escape(_plain(value))}</code></dd></div>"
        for name, value in values.items()
        if value is not None
    )
    return (
        f'<section><details><summary>{title}</summary><dl class="facts">{rows}</dl></details>'
        "</section>"
    )


def section(title: str, content: str) -> str:
    """Return a section with a heading, of HTML."""
    return f"<section><h2>{title}</h2>{content}</section>"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(entry)}" for key, entry in value.items())
    return value if isinstance(value, str) else json.dumps(value)

"""Write the tables of docs/ and scripts/README.md: from the results, the zoo and the scripts.

python benchmarks/tables.py            # rewrite the parts between the markers
python benchmarks/tables.py --check    # check only that it is up to date (exit code 2 if not)
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import captcha
import measure
import speed_tables

from sightkit import _cli, _files, _scripts, zoo
from sightkit._errors import SightkitError
from sightkit.experiments import ledger
from sightkit.experiments.ledger_tables import replace_part
from sightkit.io.data_sets import DATA_SETS
from sightkit.transfer.sources import MD5, SOURCES

ROOT = Path(__file__).parents[1]
EXPORTS = ROOT / "benchmarks" / "results" / "exports.json"
NEAR_COPIES = ROOT / "benchmarks" / "results" / "near_copies.json"
WAYS = ROOT / "benchmarks" / "results" / "transfer_accuracy_summary.csv"
NONE_OF_THESE = ROOT / "benchmarks" / "results" / "none_of_these.csv"
RETRIEVAL = ROOT / "benchmarks" / "results" / "retrieval.csv"


@dataclass(frozen=True)
class Config:
    """Write the tables."""

    check: bool = False
    """Change nothing; fail if a page does not match the results."""


def tables() -> dict[str, dict[str, str]]:
    """Page to the tables on it, each by the name in its markers."""
    return {
        "docs/zoo.md": {"networks": networks()},
        "docs/data.md": {"data sets": data_sets()},
        "docs/features.md": {
            "ways": ways(_read_csv(WAYS)),
            "none": none_of_these(_read_csv(NONE_OF_THESE)),
        },
        "docs/captcha.md": {
            "learning curve": captcha.curve_table(ledger.read(captcha.RESULTS)),
            "refusal": captcha.refusal_table(ledger.read(captcha.RESULTS)),
        },
        "docs/deploy.md": {"exports": exports(measure.read(EXPORTS))},
        "docs/explain_neighbours.md": {"retrieval": retrieval(_read_csv(RETRIEVAL))},
        "docs/speed.md": {
            "training": speed_tables.training_table(),
            "precision": speed_tables.precision_sentence(),
            "inference": speed_tables.inference_table(),
        },
        "docs/pretrained.md": {"weights": pretrained()},
        "docs/measurements.md": {"near copies": near_copies(measure.read(NEAR_COPIES))},
        "scripts/README.md": {"scripts": scripts()},
    }


def main(config: Config) -> None:
    for page, parts in tables().items():
        text = wanted = (ROOT / page).read_text(encoding="utf-8")
        for name, content in parts.items():
            wanted = replace_part(wanted, name, content)
        if text == wanted:
            continue
        if config.check:
            raise SightkitError(
                "Tables must be those that the results and the zoo give.",
                f"Run python benchmarks/tables.py and commit {page}.",
            )
        _files.write_text(ROOT / page, wanted)


def scripts() -> str:
    """The scripts by task, as Markdown: name and first line."""
    lines = []
    for task, found in _scripts.by_task(ROOT / "scripts").items():
        lines += ["", f"## {task}", "", "| script | |", "|---|---|"]
        lines += [f"| [`{name}`]({name}.py) | {line} |" for name, line in found.items()]
    return "\n".join(lines)


def networks() -> str:
    """A Markdown table of the zoo: names, builder, what it is for, parameters."""
    lines = ["| name | builder | kind | input → output | parameters |", "|---|---|---|---|---|"]
    for name in zoo.names():
        row = zoo.entry(name)
        arguments, parameters = row.published[0][:2]
        shape = arguments.get("input_shape") or arguments.get("output_shape") or ()
        size = "×".join(map(str, shape))
        classes = f" → {arguments['classes']:,}" if "classes" in arguments else ""
        lines.append(
            f"| `{name}` | `{row.builder}` | {row.kind} | {size}{classes} | {parameters:,} |"
        )
    return "\n".join(lines)


def pretrained() -> str:
    """A Markdown table of pretrained weights: a line a file, with what its network takes."""
    lines = [
        "| network | classifier | parameters | file | MD5 | input |",
        "|---|---|---|---|---|---|",
    ]
    for name, source in SOURCES.items():
        parameters = f"{zoo.entry(name).published[0][1]:,}"
        takes = f"{source.side}×{source.side} {'BGR − mean' if source.caffe else 'RGB −1 to 1'}"
        for top, file in (("yes", source.file), ("no", source.file_no_top)):
            md5 = f"`{MD5[file]}`" if file in MD5 else ""
            shown, own = (f"`{name}`", parameters) if top == "yes" else ("", "")
            lines.append(f"| {shown} | {top} | {own} | `{file}` | {md5} | {takes} |")
    return "\n".join(lines)


def data_sets() -> str:
    """A Markdown table of the data sets that scripts build or train on, a line a file."""
    names = _scripts.scripts(ROOT / "scripts")
    lines = [
        "| data set | source | file | bytes | SHA-256 | licence | command |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, data in DATA_SETS.items():
        source = data.origin
        if source.startswith("https://"):
            source = f"[{source.split('/')[2]}]({source})"
        builds = f"build_{name}" in names
        command = f"build_{name}.py --data {'FOLDER' if data.files[1:] else data.files[0].name}"
        if not builds:
            trained = (script for script in names if re.fullmatch(rf"train_[a-z]+_{name}", script))
            command = f"{next(trained)}.py"
        for number, file in enumerate(data.files):
            facts = f"{file.bytes:,}" if file.bytes else "", f"`{file.sha256}`" * bool(file.sha256)
            own = (data.title, source), (data.licence or "none stated", f"`{command}`")
            before, after = own if number == 0 else (("", ""), ("", ""))
            cells = (*before, f"`{file.name}`", *facts, *after)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ways(rows: list[dict[str, str]]) -> str:
    """A Markdown table of ways to features: accuracy on each data set, and what it is above plain.

    Rows are those of ``transfer_accuracy.py``'s summary.
    """
    names = list(dict.fromkeys(row["data"] for row in rows))
    lines = [f"| way | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for way in dict.fromkeys(row["way"] for row in rows):
        own = {row["data"]: row for row in rows if row["way"] == way}
        lines.append(f"| {way} | {' | '.join(_gain(own[name]) for name in names)} |")
    return "\n".join(lines)


def exports(rows: list[measure.Row]) -> str:
    """A Markdown table of what ``exports.py`` found: a line a network."""
    found: dict[str, dict[str, measure.Row]] = {}
    for row in rows:
        found.setdefault(row["network"], {})[row["format"]] = row
    kinds = list(dict.fromkeys(row["format"] for row in rows))
    lines = [f"| network | {' | '.join(kinds)} |", f"|---|{'---|' * len(kinds)}"]
    notes = []
    for name, cells in found.items():
        texts = []
        for kind in kinds:
            row = cells.get(kind, {})
            if "reason" in row:
                notes.append(f"* `{name}`, {kind}: {row['reason']}")
            given = row.get("largest_difference")
            texts.append("refused" if "reason" in row else "" if given is None else f"{given:.0e}")
        lines.append(f"| `{name}` | {' | '.join(texts)} |")
    if not rows:
        return "Not measured yet (`python benchmarks/exports.py`)."
    return "\n".join([*lines, "", f"With {rows[0]['versions']}.", *(["", *notes] if notes else [])])


def near_copies(rows: list[measure.Row]) -> str:
    """A Markdown table of what ``near_copies.py`` found: a line a data set and kind of copy."""
    if not rows:
        return "Not measured yet (`python benchmarks/near_copies.py`)."
    lines = ["| images | | found | bar |", "|---|---|---|---|"]
    for row in rows:
        found, of = row["found"], row["of"]
        if row["kind"] == "seconds":
            cells = ["64×64", f"{of:,} images", f"{found:.0f} s", "at most 60 s"]
        elif row["at_most"]:
            share = f"{100 * found / of:.2f} % of {of:,}"
            cells = [row["data"], row["kind"], share, "at most 0.1 %"]
        else:
            share = f"{100 * found / of:.1f} % of {of:,}"
            cells = [row["data"], row["kind"], share, "at least 95 %"]
        lines.append(f"| {' | '.join(cells)} |")
    measured = rows[0]["measured"]
    return "\n".join([*lines, "", f"{measured['device']}, {measured['cores']} cores."])


def none_of_these(rows: list[dict[str, str]]) -> str:
    """A Markdown table of ways to refuse photos of something else, of ``none_of_these.py``."""
    pairs = list(dict.fromkeys((row["known"], row["unknown"]) for row in rows))
    heads = [f"{known}, shown {unknown.split('/')[0]}" for known, unknown in pairs]
    lines = [f"| way | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for way in dict.fromkeys(row["way"] for row in rows):
        own = {(row["known"], row["unknown"]): row for row in rows if row["way"] == way}
        cells = [
            f"{_percent(own[pair], 'lost')} / {_percent(own[pair], 'refused')}" for pair in pairs
        ]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def retrieval(rows: list[dict[str, str]]) -> str:
    """A Markdown table of precision@5 by metric, of ``retrieval.py``."""
    sets = {row["data"]: row for row in rows}
    heads = [f"{name}: {row['queries']} among {row['gallery']}" for name, row in sets.items()]
    lines = [f"| metric | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for way in dict.fromkeys(row["way"] for row in rows):
        own = {row["data"]: row for row in rows if row["way"] == way}
        cells = [
            f"{_percent(own[name], 'precision')} ± {_percent(own[name], 'sd')}" for name in sets
        ]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(row: dict[str, str], name: str) -> str:
    return f"{100 * float(row[name]):.1f}"


def _gain(row: dict[str, str]) -> str:
    mean, difference, low, high = (
        float(row[name]) for name in ("mean", "difference", "naive_low", "naive_high")
    )
    if not (difference or low or high):
        return f"{mean:.2f}"
    return f"{mean:.2f} ({difference:+.2f}: {low:+.2f} to {high:+.2f})".replace("-", "−")


if __name__ == "__main__":
    _cli.run(main, Config)

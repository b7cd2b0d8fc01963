"""The ledger as tables: in README.md and docs/results.md, and a line in each script's docstring."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from sightkit import _files
from sightkit._errors import SightkitError
from sightkit.experiments.ladder import ladders
from sightkit.experiments.ledger_series import Series, difference, line, series_of, table, title
from sightkit.experiments.ledger_wanted import Checkout, Wanted

PAGES = ("README.md", "docs/results.md", "docs/ladder.md")
NOTHING = "Not measured yet."
HEADER = re.compile(
    r'\A(?P<title>"""[^\n]+\n\n)(?:Measured|Not measured|Not run here).*?(?=\n\n)', re.DOTALL
)
"""The paragraph of a docstring that the ledger writes: the second."""
COLUMNS = (
    "experiment",
    "parameters",
    "test rank-1, %",
    "runs",
    "minutes",
    "device",
    "reference, %",
)


def write_tables(checkout: Checkout, *, check: bool = False) -> list[str]:
    """Write the pages and the docstrings of a checkout's scripts.

    Args:
        checkout: whose ledger it is.
        check: write nothing.

    Returns:
        The files that differ from the ledger, or differed before they were written.

    Raises:
        SightkitError: no ledger, or a damaged one; a page without markers; a training script
            without a paragraph for its result.
    """
    wanted, rows = checkout.wanted(), checkout.rows()
    if not rows:
        raise SightkitError(
            "The ledger must have rows: without them the tables would be emptied.",
            "Take the file of the last commit, or measure: scripts/ledger.py run.",
            path=str(checkout.results),
        )
    every, apart = series_of(wanted, rows), series_of(wanted, rows, by_device=True)
    series = [each for each in every if not each.wanted.only_a_step]
    parts = {"results": results(checkout, series), "all results": all_results(checkout, series)}
    parts["ladders"] = ladders(checkout, every)
    parts["differences"] = differences(checkout, [s for s in apart if not s.wanted.only_a_step])
    texts = {checkout.root / page: parts for page in PAGES}
    changed = []
    for path, own in texts.items():
        text = path.read_text(encoding="utf-8")
        filled = text
        for name, content in own.items():
            if f"<!-- {name}: begin -->" in text:
                filled = replace_part(filled, name, content)
        changed += _write(path, text, filled, check)
    for path in sorted((checkout.root / "scripts").rglob("train_*.py")):
        text = path.read_text(encoding="utf-8")
        if HEADER.match(text) is None and "(experiments." in text:
            raise SightkitError(
                "The second paragraph of a training script's docstring is the ledger's.",
                f'Write "{NOTHING}" there; scripts/ledger.py table fills it.',
                script=str(path),
            )
        own = [each for each in series if checkout.path(each.wanted.experiment) == path]
        filled = HEADER.sub(lambda found, own=own: found["title"] + header(own), text)
        changed += _write(path, text, filled, check)
    return changed


def _write(path: Path, text: str, wanted: str, check: bool) -> list[str]:
    if text == wanted:
        return []
    if not check:
        _files.write_text(path, wanted)
    return [str(path)]


def replace_part(text: str, name: str, content: str) -> str:
    """Return a page with the part between the markers of that name replaced."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{content}\n{end}{after}"


def header(series: Sequence[Series]) -> str:
    """Return the paragraph of a docstring: a line for each recipe."""
    lines = []
    for each in series:
        recipe = "" if each.wanted.recipe == "best" else f", {each.wanted.recipe}"
        if each.ran:
            unit = " %" if each.wanted.percent else ""
            line = f"Measured{recipe}: {each.result}{unit} (n = {len(each.values)})"
        else:
            seconds = each.first["epoch_seconds"] or 0.0
            line = (
                f"Not run here{recipe}: {each.first['epochs']} epochs of {seconds:.0f} s would take"
            )
        times = "; ".join(f"{_time(minutes)}, {device}" for device, minutes in each.minutes.items())
        line = f"{line}{',' * each.ran} {times}."
        lines.append(textwrap.fill(line, 100, break_on_hyphens=False, break_long_words=False))
    return "\n".join(lines) or NOTHING


def _time(minutes: float) -> str:
    return f"{minutes / 60:.1f} hours" if minutes >= 120 else f"{minutes:.1f} minutes"


def results(checkout: Checkout, series: Sequence[Series]) -> str:
    """A Markdown table: of each experiment that was measured, the recipe that is listed first.

    Of one with a ladder it is the best.
    """
    first: dict[str, str] = {}
    for each in series:
        if each.ran and (not each.wanted.step or each.wanted.recipe == "best"):
            first.setdefault(each.wanted.experiment, each.wanted.recipe)
    shown = [s for s in series if s.ran and first.get(s.wanted.experiment) == s.wanted.recipe]
    lines = table((*COLUMNS, "command"))
    for each in shown:
        lines.append(line([*_cells(checkout, each), f"`{_command(each.wanted)}`"]))
    return "\n".join(lines) if shown else NOTHING


def all_results(checkout: Checkout, series: Sequence[Series]) -> str:
    """A Markdown table of every experiment and recipe; and of what was not run here."""
    lines = table((*COLUMNS, "source of the reference", "command"))
    for each in series:
        cells = _cells(checkout, each)
        if not each.ran:
            seconds = each.first["epoch_seconds"] or 0.0
            cells[2:5] = "*not run here*", "0", f"{cells[4]} ({seconds:.0f} s an epoch)"
        lines.append(line([*cells, each.wanted.source, f"`{_command(each.wanted)}`"]))
    return "\n".join(lines) if series else NOTHING


def differences(checkout: Checkout, series: Sequence[Series]) -> str:
    """A Markdown table of recipes against the first of their experiment, on the same device.

    Pairs are runs of the same seed, and so of the same data; the series are those ``by_device``.
    """
    lines = table(("experiment", "recipe", "against", "pairs", "difference, points", "95 %"))
    count = len(lines)
    for each in series:
        alike = [other for other in series if other.wanted.experiment == each.wanted.experiment
                 and other.device == each.device and other.ran and each.ran]  # fmt: skip
        if not alike or alike[0] is each:
            continue
        base, pairs = alike[0], len(each.differences(alike[0]))
        if pairs > 1:
            cells = [title(checkout, each.wanted), each.wanted.recipe, base.wanted.recipe]
            lines.append(line([*cells, str(pairs), *difference(each, base)]))
    return "\n".join(lines) if len(lines) > count else "None was measured with two recipes yet."


def _cells(checkout: Checkout, each: Series) -> list[str]:
    parameters, recipe = each.first["parameters"], each.wanted.recipe
    return [
        title(checkout, each.wanted) + ("" if recipe == "best" else f", {recipe}"),
        "" if parameters is None else f"{parameters:,}",
        each.result,
        str(len(each.values)),
        " / ".join(f"{minutes:.{1 if each.ran else 0}f}" for minutes in each.minutes.values()),
        each.device,
        each.reference,
    ]


def _command(wanted: Wanted) -> str:
    recipe, _, flags = wanted.recipe.partition(" ")
    own = wanted.experiment.endswith(".py")
    words = ["python" if own else "sightkit", wanted.experiment]
    words += ["--recipe", recipe] * (recipe != "best") + [flags] * bool(flags)
    return " ".join(words)

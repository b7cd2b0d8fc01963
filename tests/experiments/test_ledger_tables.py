"""What is averaged, what is compared, and what the pages and docstrings hold."""

from __future__ import annotations

import statistics

import pytest
from scipy import stats

from sightkit._errors import SightkitError
from sightkit.experiments import ledger
from sightkit.experiments.differences import mean_difference, prediction_interval
from sightkit.experiments.ladder import ladders
from sightkit.experiments.ledger_series import Series, series_of
from sightkit.experiments.ledger_tables import (
    all_results,
    differences,
    header,
    results,
    write_tables,
)
from sightkit.experiments.ledger_wanted import Wanted

FAKE = "mine/fake_experiment.py"
BEST, OTHER = Wanted(FAKE), Wanted(FAKE, "reference")


def row(seed, rank1, recipe="best", device="CPU A", **values):
    values = {
        "parameters": 1234,
        "data_sha256": "d",
        "minutes": 0.5,
        "cores": 2,
        "metrics": {},
        "status": "measured",
        "train_images": 75,
        "test_images": 25,
        **values,
    }
    facts = {"experiment": FAKE, "recipe": recipe, "seed": seed, "rank1": rank1, "device": device}
    return {**dict.fromkeys(ledger.COLUMNS), **facts, **values}


def cells(text):
    return [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]


def test_seeds_of_one_recipe_are_one_line_with_the_minutes_of_each_device(checkout):
    rows = [row(1, 0.1), row(1, 0.9), row(2, 0.92), row(1, 0.7, "reference")]
    rows += [row(2, 0.5, device="GPU B", minutes=0.1), row(3, 0.7, cores=1, minutes=0.2)]
    first, second = series_of([BEST, OTHER], rows)
    devices = "CPU A, 2 cores / GPU B, 2 cores / CPU A, 1 core"
    assert (first.device, first.result) == (devices, "70.00 ± 20.00")  # the newest of each seed
    assert second.result == "70.00"
    for text in (results(checkout(), [first, second]), all_results(checkout(), [first, second])):
        assert cells(text)[0][2:6] == ["70.00 ± 20.00", "3", "0.5 / 0.1 / 0.2", devices]


def test_devices_are_apart_where_times_are_compared(checkout):
    rows = [row(1, 0.1), row(1, 0.9), row(2, 0.92), row(1, 0.7, "reference"), row(2, 0.5, "x")]
    rows += [row(2, 0.5, device="GPU B"), row(3, 0.9, cores=8)]
    found = series_of([BEST, OTHER], rows, by_device=True)
    assert [(s.wanted.recipe, s.device, s.result) for s in found] == [
        ("best", "CPU A, 2 cores", "91.00 ± 1.41"),
        ("best", "GPU B, 2 cores", "50.00"),
        ("best", "CPU A, 8 cores", "90.00"),
        ("reference", "CPU A, 2 cores", "70.00"),
        ("x", "CPU A, 2 cores", "50.00"),
    ]
    assert len(cells(results(checkout(), series_of([BEST, OTHER], rows)))) == 1  # the first recipe
    assert len(cells(all_results(checkout(), series_of([BEST, OTHER], rows)))) == 3


@pytest.mark.parametrize("column", ["parameters", "data_sha256"])
def test_other_networks_or_data_are_not_averaged(column):
    with pytest.raises(SightkitError, match=f"agree in {column}"):
        series_of([BEST], [row(1, 0.9), row(2, 0.9, **{column: 99})])
    divided = Wanted(FAKE, divisions=True)
    assert series_of([divided], [row(1, 0.9), row(2, 0.9, data_sha256="e")])


def test_another_metric_is_named_and_a_number_is_no_share():
    smiling = Wanted(FAKE, metric="recall.smiling", reference=0.86)
    (series,) = series_of([smiling], [row(1, None, metrics={"recall.smiling": 0.875})])
    assert (series.result, series.reference) == ("87.50 (recall.smiling)", "86.00")
    (series,) = series_of([Wanted(FAKE, metric="loss", percent=False)], [row(1, None, loss=0.25)])
    assert series.result == "0.25 (loss)"


def test_recipes_are_compared_in_pairs_of_seeds(checkout):
    base = [0.90, 0.92, 0.94]
    gains = [0.01, 0.02, 0.03]
    rows = [row(n, value) for n, value in enumerate(base)]
    rows += [row(n, b + g, "reference") for n, (b, g) in enumerate(zip(base, gains, strict=True))]
    rows += [row(9, 0.1, "reference"), row(0, 0.1, "reference", device="GPU B")]
    (line,) = cells(differences(checkout(), series_of([BEST, OTHER], rows, by_device=True)))
    assert line[1:] == ["reference", "best", "3", "+2.00", "−0.48 to +4.48"]
    rows[3]["data_sha256"] = rows[4]["data_sha256"] = rows[5]["data_sha256"] = "e"
    rows[6]["data_sha256"] = "e"
    (line,) = cells(differences(checkout(), series_of([BEST, OTHER], rows, by_device=True)))
    assert line[4:] == ["–", "their data differ"]


def test_repeated_divisions_have_the_wider_interval(checkout):
    wanted = [Wanted(FAKE, divisions=True), Wanted(FAKE, "reference", divisions=True)]
    rows = [row(n, 0.9) for n in range(3)]
    rows += [row(n, 0.9 + gain, "reference") for n, gain in enumerate((0.01, 0.02, 0.03))]
    (line,) = cells(differences(checkout(), series_of(wanted, rows, by_device=True)))
    assert line[5] == "−1.51 to +5.51"  # times √(1/3 + 25/75) over √(1/3)


def test_the_intervals_are_students():
    values = [0.3, 0.1, 0.4, 0.2]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    mean, *ends = mean_difference(values)
    assert mean == pytest.approx(0.25) and ends == pytest.approx([expected.low, expected.high])
    low, high = prediction_interval(values)
    half = stats.t.ppf(0.975, 3) * statistics.stdev(values) * (1 + 1 / 4) ** 0.5
    assert (low, high) == pytest.approx((0.25 - half, 0.25 + half))


def test_a_docstring_has_a_line_for_each_recipe():
    rows = [
        row(1, 0.5),
        row(2, 0.7, minutes=1.5),
        row(3, 0.6, minutes=6.5, device="B"),
        row(1, 0.25, "reference --x 1", "GPU " + "B" * 70),
    ]
    long = {"epochs": 75, "epoch_seconds": 640.4, "minutes": 800.5, "status": "not run here"}
    rows += [row(1, None, "long", **long)]
    assert header(series_of([BEST], rows)).splitlines() == [
        "Measured: 60.00 ± 10.00 % (n = 3), 1.0 minutes, CPU A, 2 cores; 6.5 minutes, B, 2 cores.",
        "Measured, reference --x 1: 25.00 % (n = 1), 0.5 minutes, GPU",
        "B" * 70 + ", 2 cores.",
        "Not run here, long: 75 epochs of 640 s would take 13.3 hours, CPU A, 2 cores.",
    ]
    assert header([]) == "Not measured yet."


def test_a_measured_row_takes_the_place_of_one_that_was_not_run(checkout):
    long = row(1, None, epochs=75, epoch_seconds=640.4, minutes=800.5, status="not run here")
    (series,) = series_of([BEST], [long])
    assert cells(all_results(checkout(), [series]))[0][2:5] == [
        "*not run here*",
        "0",
        "800 (640 s an epoch)",
    ]
    assert results(checkout(), [series]) == "Not measured yet."
    (series,) = series_of([BEST], [long, row(1, 0.9, device="GPU B")])
    assert series == Series(BEST, {1: row(1, 0.9, device="GPU B")})


def test_a_ladder_compares_each_step_with_the_one_before(checkout):
    steps = [
        Wanted(FAKE, "plain", step="as it is usual"),
        Wanted(FAKE, "plain --augment", step="variation"),
        Wanted(FAKE, step="twice the epochs"),
        Wanted(FAKE, "plain --never", step="not measured"),
    ]
    values = {"plain": (0.80, 0.82, 0.81), "plain --augment": (0.84, 0.85, 0.86), "best": (0.85,)}
    rows = [
        row(seed, rank1, recipe, metrics={"training_seconds": 2.0 + seed})
        for recipe, found in values.items()
        for seed, rank1 in enumerate(found, 1)
    ]
    rows[0]["metrics"] = {}  # of a run that was resumed
    rows[3] |= {"device": "GPU B", "metrics": {"training_seconds": 0.1}}
    text = ladders(checkout(), series_of([*steps, OTHER], rows))
    first, second, third = cells(text.partition("\n\n")[2])
    assert text.startswith("## Three pixels on a stand-in: seconds on CPU A, 2 cores\n")
    assert first[:5] == ["as it is usual", "`--recipe plain`", "81.00 ± 1.00", "3", "4.5"]
    assert first[5:] == ["", "", "|"] or not any(first[5:])
    pairs = [4.0, 3.0, 5.0]
    mean, low, high = mean_difference(pairs)
    p = stats.ttest_rel([84, 85, 86], [80, 82, 81]).pvalue
    assert second[4:] == ["4.5", f"{mean:+.2f}", f"{low:+.2f} to {high:+.2f}", f"{p:.3f}"]
    assert third[:5] == ["twice the epochs", "`--recipe best`", "85.00", "1", "3.0"]
    assert ladders(checkout(), series_of([OTHER], rows)) == "No ladder was measured yet."


def test_a_step_of_a_ladder_alone_is_in_no_other_table(checkout):
    here = checkout('recipe = "best --epochs 3"\nstep = "fewer"', "")
    ledger.append(here.results, row(1, 0.7, "best --epochs 3", date="2026-01-02"))
    ledger.append(here.results, row(1, 0.9, date="2026-01-02"))
    (here.root / "docs").mkdir()
    (here.root / "README.md").write_text("<!-- results: begin -->\n<!-- results: end -->\n")
    names = ("all results", "differences")
    page = "".join(f"<!-- {name}: begin -->\n<!-- {name}: end -->\n" for name in names)
    (here.root / "docs" / "results.md").write_text(page)
    (here.root / "docs" / "ladder.md").write_text("<!-- ladders: begin -->\n<!-- ladders: end -->")
    write_tables(here)
    pages = [(here.root / name).read_text() for name in ("README.md", "docs/results.md")]
    assert all("90.00" in page and "70.00" not in page for page in pages)
    assert "70.00" in (here.root / "docs" / "ladder.md").read_text()


def test_pages_and_docstrings_are_written_once(checkout):
    here = checkout('reference = 0.88\nsource = "a book"')
    with pytest.raises(SightkitError, match=r"tables would be emptied.*experiments\.csv"):
        write_tables(here)
    ledger.append(here.results, row(1, 0.9, date="2026-01-02"))
    script = here.root / "scripts" / "train_x.py"
    for path in (script, here.root / "docs" / "results.md"):
        path.parent.mkdir()
    text = (
        '"""X.\n\nMeasured: 1 %,\nlong ago.\n\nMore.\n"""\nclass Config(experiments.Config): ...\n'
    )
    script.write_text(text)
    names = ("results", "all results", "differences")
    page = "".join(f"a\n<!-- {name}: begin -->\nold\n<!-- {name}: end -->\n" for name in names)
    (here.root / "docs" / "results.md").write_text(page)
    for path in ("README.md", "docs/ladder.md"):
        (here.root / path).write_text("no markers\n")
    assert len(write_tables(here, check=True)) == 2
    assert script.read_text() == text
    assert len(write_tables(here)) == 2
    assert write_tables(here, check=True) == []
    assert script.read_text() == text.replace("Measured: 1 %,\nlong ago.", "Not measured yet.")
    page = (here.root / "docs" / "results.md").read_text()
    title = "Three pixels on a stand-in"
    line = f"| {title} | 1,234 | 90.00 | 1 | 0.5 | CPU A, 2 cores | 88.00 |"
    assert f"{line} `python {FAKE}` |" in page and f"{line} a book | `python {FAKE}` |" in page
    assert (here.root / "README.md").read_text() == "no markers\n"
    script.write_text(text.replace("Measured", "Reached"))
    with pytest.raises(SightkitError, match=r"second paragraph.*train_x\.py"):
        write_tables(here)

"""scripts/ensemble.py: what it refuses, and members that are kept, cut and gone on with."""

from __future__ import annotations

import json

import pytest

from sightkit import _run_files


@pytest.mark.parametrize(
    ("flags", "told"),
    (
        (("nothing",), "The name must be that of one script. Received: script='nothing'"),
        (("ensemble",), "The experiment must be a script whose Config"),
        (("--members", 1), "--members must be at least 2"),
        (("--bagging", "--snapshots"), "given=['bagging', 'snapshots']"),
        (("--boosting", "--bagging"), "by --bagging, --boosting or --snapshots"),
        (("--snapshots", "--members", 3), "The epochs must be a multiple of --members"),
        (("--snapshots", "--flags=--schedule step"), "--schedule is not for it"),
        (("--flags", "'open"), "--flags must be what a shell reads"),
        (("--flags=--epochs 0",), "--epochs must be at least 1"),
    ),
)
def test_wrong_flags_are_one_line_before_keras_is_imported(flags, told, script, tmp_path):
    result = script("ensemble", *flags, cwd=tmp_path)
    assert result.code == 2, result.stderr
    assert len(result.stderr.splitlines()) == 1 and told in result.stderr
    assert result.heavy == ""
    assert list(tmp_path.iterdir()) == []


def test_another_ensembles_folder_is_refused(script, tmp_path):
    from sightkit.experiments.ensemble import write_ensemble

    write_ensemble(tmp_path / "e", {"kind": "bagging", "members": []})
    result = script("ensemble", "--output", tmp_path / "e", cwd=tmp_path)
    assert result.code == 2 and "another ensemble" in result.stderr
    assert result.heavy == ""


@pytest.mark.faults
@pytest.mark.parametrize("kind", ("", "--bagging", "--boosting", "--snapshots"))
def test_finished_members_are_kept_and_a_cut_one_is_gone_on_with(
    kind, script, tmp_path, monkeypatch
):
    output = tmp_path / "e"
    flags = [*([kind] if kind else []), "--smoke", "--output", output]
    whole = script("ensemble", *flags[:-1], tmp_path / "whole", cwd=tmp_path)
    assert whole.code == 0, whole.stderr
    # Killed in the second epoch of the last training that there is.
    monkeypatch.setenv("SIGHTKIT_CRASH_AT", f"epoch.after_checkpoint:{1 if 'snap' in kind else 3}")
    assert script("ensemble", *flags, cwd=tmp_path).code == 137
    monkeypatch.delenv("SIGHTKIT_CRASH_AT")
    done = output / "member-1" / _run_files.METRICS
    before = done.stat().st_mtime_ns if kind != "--snapshots" else 0
    again = script("ensemble", *flags, cwd=tmp_path)
    assert again.code == 0, again.stderr
    assert "Resuming after epoch 1 of 2" in again.stdout
    if before:
        assert "Member 1 is finished." in again.stdout
        assert done.stat().st_mtime_ns == before
    for number in (1, 2):
        found, expected = (
            json.loads((folder / f"member-{number}" / "bundle" / "bundle.json").read_text())
            for folder in (output, tmp_path / "whole")
        )
        assert found["weights_sha256"] == expected["weights_sha256"]
    evaluated = script("evaluate_ensemble", output, cwd=tmp_path)
    assert evaluated.code == 0, evaluated.stderr
    assert "member-2" in evaluated.stdout and "Jensen" in evaluated.stdout
    assert ("SAMME" in evaluated.stdout) == (kind == "--boosting")
    third = script("ensemble", *flags, cwd=tmp_path)
    assert third.code == 0 and third.heavy in ("", "keras,tensorflow")

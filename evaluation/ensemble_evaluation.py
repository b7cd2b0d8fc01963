"""An ensemble evaluated: each member, their average and votes, one network of averaged weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sightkit._tables import text_table
from sightkit.evaluation.ensembles import Gain, Jensen, combined, gain, jensen, mean_answer, vote
from sightkit.evaluation.metrics import Evaluation
from sightkit.evaluation.predictions import (
    LabelledBatches,
    Predictor,
    evaluate_members,
    require_numbers,
)

AVERAGED_WEIGHTS = "weights averaged"
MEASURES = ("rank1", "loss", "milliseconds")


@dataclass(frozen=True)
class EnsembleEvaluation:
    """Members on the same images, and what they answer together; ``print`` shows the table.

    Attributes:
        members: by name.
        average: of the mean of their probabilities.
        votes: of their votes, each for one class.
        averaged_weights: of one network whose weights are the mean of the members'; None where
            they cannot be averaged.
        weights: the members' votes in the average and the count; None where they are equal.
    """

    members: Mapping[str, Evaluation]
    average: Evaluation
    votes: Evaluation
    averaged_weights: Evaluation | None = None
    weights: Sequence[float] | None = None

    @cached_property
    def jensen(self) -> Jensen:
        """Loss of the average against the mean of the losses."""
        answers = [member.probabilities for member in self.members.values()]
        return jensen(answers, self.average.labels, self.weights)

    @cached_property
    def gain(self) -> Gain:
        """The average over the mean of the members."""
        return gain(self.average, list(self.members.values()))

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Name, metrics and milliseconds an image of each way of answering."""
        members = [_row(name, member) for name, member in self.members.items()]
        mean = {key: sum(row[key] for row in members) / len(members) for key in MEASURES}
        for row, weight in zip(members, self.weights or (), strict=False):
            row["vote"] = weight
        together = [
            {"name": "mean of members", **mean},
            _row("answers averaged", self.average),
            {**_row("votes", self.votes), "loss": None},
        ]
        if self.averaged_weights is not None:
            together.append(_row(AVERAGED_WEIGHTS, self.averaged_weights))
        return members + together

    def to_metrics(self) -> dict[str, Any]:
        """The same as JSON."""
        losses = {**vars(self.jensen), "holds": self.jensen.holds}
        return {"ensemble": self.rows, "jensen": losses, "gain": self.gain.to_metrics()}

    def __str__(self) -> str:
        """The table, Jensen's inequality and the gain."""
        weighted = self.weights is not None
        shown = [
            {
                "": row["name"],
                **({"vote": row.get("vote") and f"{row['vote']:.3f}"} if weighted else {}),
                "rank-1, %": f"{100 * row['rank1']:.2f}",
                "loss": None if row["loss"] is None else f"{row['loss']:.4f}",
                "ms an image": f"{row['milliseconds']:.4f}",
            }
            for row in self.rows
        ]
        losses = self.jensen
        by_vote = ", weighted by their votes" if weighted else ""
        boosted = (
            'Boosted members: their votes weigh "answers averaged" and "votes". SAMME answers by '
            '"votes"; what follows is of "answers averaged".\n'
        )
        return (
            f"{text_table(shown)}\n\n"
            f"{boosted if weighted else ''}"
            f"Jensen: loss of the average {losses.ensemble:.4f} {'<=' if losses.holds else '>'} "
            f"{losses.members:.4f}, the mean of the members' losses{by_vote}.\n"
            f"The average against the mean of the members: {self.gain}."
        )


def evaluate_ensemble(
    members: Mapping[str, Predictor],
    data: LabelledBatches,
    *,
    averaged_weights: Predictor | None = None,
    weights: Sequence[float] | None = None,
) -> EnsembleEvaluation:
    """Evaluate members and their combinations, each batch being read once for all of them.

    Args:
        members: by name; preprocessed (N, H, W, C) float32 to (N, classes) float32 probabilities.
        data: batches in their stored order.
        averaged_weights: a network whose weights are the mean of the members'.
        weights: the votes of boosted members, in their order; equal by default.

    Raises:
        SightkitError: as ``evaluate``; a member whose answers are no numbers is named.
    """
    predictors = dict(members)
    if averaged_weights is not None:
        predictors[AVERAGED_WEIGHTS] = averaged_weights
    found = dict(zip(predictors, evaluate_members(predictors, data), strict=True))
    averaged = found.pop(AVERAGED_WEIGHTS, None)
    for name, member in found.items():
        require_numbers(member, name)
    each = list(found.values())
    average, votes = (combined(each, how, weights) for how in (mean_answer, vote))
    return EnsembleEvaluation(found, average, votes, averaged, weights)


def _row(name: str, found: Evaluation) -> dict[str, Any]:
    return {"name": name, **found.to_metrics(), "milliseconds": found.milliseconds}

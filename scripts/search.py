"""Search for an experiment's learning rate, batch size and whatever else its Config has.

    python scripts/search.py train_lenet_digits --trials 30
    python scripts/search.py train_minivggnet_cifar10 --trials 40 --folds 3 \\
        --space learning_rate=1e-3:1:log batch_size=64,128 --flags="--precision bfloat16"

Random search in the logarithm: the first half of the trials is coarse (a quarter of the epochs),
the second fine, around the best of them; trials behind the median of the others are pruned. The
first trial has the script's own values.
Values are chosen on validation images alone: no test image is read. By default the rate and reg are
searched from a hundredth to a hundred times the script's own, batch_size at half, once and twice.

The same command continues after a stop or a kill; given several times, also on machines that share
the folder, it shares the work. Needs the extra: pip install 'sightkit[search]'.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from sightkit import _cli
from sightkit.experiments import scripts


@dataclass(frozen=True)
class Config:
    """Search for the values of an experiment's flags."""

    experiment: Annotated[str, tyro.conf.Positional]
    """Name of a script, train_lenet_digits, or the path of your own."""
    trials: int = 20
    """Networks to train in all, the first half of them coarse."""
    space: tuple[str, ...] = ()
    """Dimensions: name=low:high:log, name=low:high or name=a,b,c."""
    folds: int = 1
    """Folds of a cross-validation; 1 trains on the script's own training images."""
    objective: Literal["rank1", "loss"] = "rank1"
    """Result on the validation images that is compared."""
    coarse_epochs: int = 0
    """Epochs of a coarse trial; 0 is a quarter of the script's."""
    prune: bool = True
    """End trials early that are behind the median of the others."""
    seed: int = 1
    """Seed of the values and of the folds."""
    flags: str = ""
    """Further flags of the script, in quotes, as a shell reads them."""
    output: Path | None = None
    """Folder of the search; runs/search/EXPERIMENT by default."""
    smoke: bool = False
    """Four trials of the script's own smoke run; the result means nothing."""


def main(config: Config) -> dict[str, Any]:
    script = scripts.load_experiment(config.experiment)
    experiment = scripts.parse_flags(script, config.flags, smoke=config.smoke)
    from sightkit.training.search.plan import SearchPlan
    from sightkit.training.search.space import default_space, parse_space

    name = Path(config.experiment).stem
    plan = SearchPlan(
        experiment=config.experiment,
        main=script.main,
        config=experiment,
        space=parse_space(config.space, experiment) or default_space(experiment),
        output=config.output or Path("runs/search") / f"{name}{'-smoke' * config.smoke}",
        trials=min(config.trials, 4) if config.smoke else config.trials,
        coarse_epochs=config.coarse_epochs or max(1, experiment.epochs // 4),
        folds=config.folds,
        objective=config.objective,
        seed=config.seed,
        prune=config.prune,
    )
    _cli.start_keras()
    from sightkit.callbacks.search_picture import draw_search
    from sightkit.training.search.results import describe_results, write_results
    from sightkit.training.search.study import Search

    scripts.expect_several_networks()
    search = Search(plan)
    try:
        search.run(lambda line: print(line, flush=True))
    finally:
        summary = write_results(search)
        draw_search(summary, plan.output / "search.png")
    print(describe_results(plan, summary))
    return summary


if __name__ == "__main__":
    _cli.run(main, Config)

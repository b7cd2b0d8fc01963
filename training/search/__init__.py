"""Search for an experiment's values: space, plan, folds, trials, studies, results."""

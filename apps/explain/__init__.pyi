from sightkit.apps.explain.explainer import Explainer as Explainer

"""Every optimizer: the formulas by hand, Keras' own in float64, and what is known of them."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from sightkit._errors import SightkitError
from sightkit.apps.foundations import OPTIMIZERS, descend, optimizer

START = np.array([1.5, -2.0, 0.3])
NAMES = [name for name in OPTIMIZERS if name != "newton"]
DECAYS = {
    "momentum": {"momentum": 0.875},
    "nesterov": {"momentum": 0.875},
    "adadelta": {"rho": 0.9375},
    "rmsprop": {"rho": 0.9375},
    "adam": {"beta_1": 0.875, "beta_2": 1 - 2**-10},
    "nadam": {"beta_1": 0.875, "beta_2": 1 - 2**-10},
}
"""Decays that float32 holds exactly: Keras rounds its own to it before it computes in float64."""
KERAS = {
    "gradient_descent": keras.optimizers.SGD,
    "momentum": lambda rate, momentum=0.9: keras.optimizers.SGD(rate, momentum),
    "nesterov": lambda rate, momentum=0.9: keras.optimizers.SGD(rate, momentum, nesterov=True),
    "adagrad": keras.optimizers.Adagrad,
    "adadelta": keras.optimizers.Adadelta,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "nadam": keras.optimizers.Nadam,
}


def bowl(w):
    """Gradient of Σ cᵢwᵢ⁴/4 + a little: curved otherwise everywhere, and uneven."""
    return np.array([1.0, 0.5, 3.0]) * w**3 + np.array([0.1, -0.2, 0.05])


@pytest.fixture
def float64():
    before = keras.backend.floatx()
    keras.backend.set_floatx("float64")
    yield
    keras.backend.set_floatx(before)


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX has no float64 by default")
@pytest.mark.parametrize(("rate", "exact"), ((0.001, False), (0.0625, True)))
@pytest.mark.parametrize("name", KERAS)
def test_the_keras_form_is_keras(name, rate, exact, float64):
    decays = DECAYS.get(name, {}) if exact else {}
    variable = keras.Variable(START, dtype="float64")
    theirs = KERAS[name](rate, **decays)
    theirs.build([variable])
    decays = {key.replace("_", ""): value for key, value in decays.items()}
    path = descend(optimizer(name, rate=rate, form="keras", **decays), START, bowl, 100)
    for w in path[1:]:
        gradient = bowl(keras.ops.convert_to_numpy(variable.value))
        theirs.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        found = keras.ops.convert_to_numpy(variable.value)
        assert found.dtype == np.float64
        assert w == pytest.approx(found, rel=0, abs=1e-6)
    assert np.abs(path[-1] - START).max() > 1e-4  # it moved


def test_every_optimizer_that_keras_has_is_compared():
    assert set(KERAS) == set(NAMES)


@pytest.mark.parametrize("name", ("gradient_descent", "momentum"))
def test_forms_without_a_difference_are_one(name):
    paths = [
        descend(optimizer(name, form=form), START, bowl, 50) for form in ("notes", "paper", "keras")
    ]
    assert np.array_equal(paths[0], paths[1]) and np.array_equal(paths[1], paths[2])


@pytest.mark.parametrize("name", ("adagrad", "adadelta", "rmsprop", "adam", "nadam", "nesterov"))
def test_keras_differs_from_the_paper(name):
    ours, theirs = (
        descend(optimizer(name, rate=0.05, form=form), START, bowl, 50)[-1]
        for form in ("paper", "keras")
    )
    assert np.abs(ours - theirs).max() > 1e-10


def two_steps(name, form, **settings):
    """The path of a single weight from 1 with the gradients 2, then 0.5."""
    gradients = iter((2.0, 0.5))
    method = optimizer(name, rate=0.1, form=form, **settings)
    return descend(method, np.array([1.0]), lambda w: np.array([next(gradients)]), 2)[1:, 0]


@pytest.mark.parametrize(
    ("name", "form", "steps"),
    (
        ("gradient_descent", "notes", (0.2, 0.05)),
        ("momentum", "notes", (0.2, 0.9 * 0.2 + 0.05)),
        ("adagrad", "notes", (0.1, 0.05 / 4.25**0.5)),
        ("adagrad", "keras", (0.2 / 4.1**0.5, 0.05 / 4.35**0.5)),
        ("rmsprop", "notes", (0.2 / 0.4**0.5, 0.05 / (0.36 + 0.025) ** 0.5)),
        # m is 0.2, then 0.23; v is 0.004, then 0.003996 + 0.00025.
        ("adam", "notes", (0.02 / 0.004**0.5, 0.023 / 0.004246**0.5)),
        ("adam", "paper", (0.1, 0.1 * (0.23 / 0.19) / (0.004246 / 0.001999) ** 0.5)),
        # One more step of m with the same gradient: 0.38, then 0.257.
        ("nadam", "notes", (0.038 / 0.004**0.5, 0.0257 / 0.004246**0.5)),
    ),
)
def test_two_steps_are_those_by_hand(name, form, steps):
    first, second = two_steps(name, form)
    assert (1 - first, first - second) == pytest.approx(steps, rel=1e-6)


def test_adadelta_is_the_papers_by_hand():
    epsilon = 1e-6
    root = (epsilon / (0.05 * 4 + epsilon)) ** 0.5
    update, path = 2 * root, two_steps("adadelta", "paper")
    assert 1 - path[0] == pytest.approx(0.1 * update)
    squares, updates = 0.95 * 0.2 + 0.05 * 0.25, 0.05 * update**2
    second = 0.5 * ((updates + epsilon) / (squares + epsilon)) ** 0.5
    assert path[0] - path[1] == pytest.approx(0.1 * second)


def test_nadam_is_the_papers_by_hand():
    u1, u2 = (0.9 * (1 - 0.5 * 0.96 ** (0.004 * t)) for t in (1, 2))
    m = u2 * 0.2 / (1 - u1 * u2) + (1 - u1) * 2 / (1 - u1)
    assert 1 - two_steps("nadam", "paper")[0] == pytest.approx(0.1 * m / 2)


def test_momentum_is_lower_until_it_settles():
    first, second = two_steps("momentum", "notes", settling=2)
    assert first - second == pytest.approx(0.5 * 0.2 + 0.05)
    first, second = two_steps("momentum", "notes", settling=1)
    assert first - second == pytest.approx(0.9 * 0.2 + 0.05)


def test_adagrad_without_the_sum_would_step_by_sign_alone():
    """What one of the notes writes: cache = g². The second step is then as long as the first."""
    first, second = two_steps("adagrad", "notes")
    assert first - second < 0.3 * (1 - first)


def test_without_correction_adams_first_step_is_three_times_too_long():
    (notes, _), (paper, _) = two_steps("adam", "notes"), two_steps("adam", "paper")
    assert (1 - notes) / (1 - paper) == pytest.approx(10**0.5, rel=1e-4)


def test_keras_keeps_the_place_to_which_the_notes_look_ahead():
    look_ahead = []

    def gradient(w):
        look_ahead.append(w)
        return bowl(w)

    descend(optimizer("nesterov", rate=0.02, form="notes"), START, gradient, 30)
    keras_path = descend(optimizer("nesterov", rate=0.02, form="keras"), START, bowl, 30)
    assert np.array(look_ahead) == pytest.approx(keras_path[:30])


def test_nesterovs_own_momentum_keeps_his_promise():
    """f(w_t) − f* ≤ 2 L |w₀ − w*|² / (t + 1)² on any convex f, with the rate 1/L."""
    curvature = np.geomspace(1, 1e-4, 30)
    start = np.ones(30) / curvature**0.25
    path = descend(optimizer("nesterov", rate=1.0), start, lambda w: curvature * w, 300)
    values = 0.5 * (path**2) @ curvature
    steps = np.arange(1, 301)
    assert (values[1:] <= 2 * (start @ start) / (steps + 1) ** 2).all()
    plain = descend(optimizer("gradient_descent", rate=1.0), start, lambda w: curvature * w, 300)
    assert values[-1] < 0.5 * 0.5 * (plain[-1] ** 2) @ curvature


def test_nesterovs_own_momentum_grows_as_he_writes():
    """a is 1, 1.618, 2.194: the momentum of the third step is 0.618 / 2.194."""
    path = descend(optimizer("nesterov", rate=1.0), np.zeros(1), np.ones_like, 3)
    assert -np.diff(path[:, 0]) == pytest.approx([1, 1, 1 + 0.2817], abs=1e-4)


def test_newton_jumps_to_the_centre_of_a_quadratic():
    matrix, centre = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([0.5, -1.0])
    newton = optimizer("newton", hessian=lambda w: matrix)
    path = descend(newton, np.array([8.0, 9.0]), lambda w: matrix @ (w - centre), 1)
    assert path[1] == pytest.approx(centre)


def test_newton_ends_in_a_saddle_that_others_leave():
    saddle, start = np.array([1.0, -1.0]), np.array([1.0, 0.1])
    newton = optimizer("newton", hessian=lambda w: np.diag(saddle))
    assert descend(newton, start, lambda w: saddle * w, 3)[-1] == pytest.approx([0, 0])
    for name in NAMES:
        if name != "adadelta":  # whose first steps are 0.001 long
            away = descend(optimizer(name, rate=0.05), start, lambda w: saddle * w, 60)
            assert abs(away[-1][1]) > 0.3, name


def test_newton_refuses_a_singular_hessian():
    newton = optimizer("newton", hessian=lambda w: np.array([[1.0, 2.0], [2.0, 4.0]]))
    with pytest.raises(SightkitError, match=r"singular. Received: rank='1 of 2'"):
        newton.step(np.ones(2), lambda w: w)


@pytest.mark.parametrize("form", ("notes", "paper", "keras"))
@pytest.mark.parametrize("name", NAMES)
def test_weights_have_any_shape_and_are_left_alone(name, form):
    start = np.ones((2, 3))
    path = descend(optimizer(name, form=form, rate=0.001), start, lambda w: w, 20)
    assert path.shape == (21, 2, 3) and (start == 1).all()
    assert (np.diff(np.abs(path), axis=0) < 0).all()  # downhill all the way

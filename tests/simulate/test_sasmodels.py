"""The scattering curves against sasmodels; intensities but for one factor."""

from shutil import which

import numpy as np
import pytest

from camsortxs.simulate import curves

pytestmark = pytest.mark.skipif(which("cc") is None, reason="sasmodels compiles its models, and there is no cc")
Q = np.geomspace(2e-3, 0.5, 200)


@pytest.fixture(scope="module")
def sasmodels(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAS_OPENCL", "none")
        patch.setenv("SAS_DLL_PATH", str(tmp_path_factory.mktemp("models")))  # compiled at first use, by cc
        from sasmodels.core import load_model
        from sasmodels.direct_model import call_kernel

        def curve(name, **parameters):
            kernel = load_model(name, dtype="double", platform="dll").make_kernel([Q])
            return call_kernel(kernel, {"background": 0.0, "scale": 1.0, **parameters})

        yield curve


def apart(one, other):
    """Return the largest relative difference, but for one factor, where the curve is not in a minimum."""
    ratio = one / other
    ratio = ratio / np.median(ratio)
    return np.max(np.abs(ratio - 1)[other > 1e-6 * other.max()])


@pytest.mark.parametrize("radius", [15.0, 60.0, 400.0])
def test_spheres(sasmodels, radius):
    theirs = sasmodels("sphere", radius=radius, sld=1.0, sld_solvent=0.0)

    assert apart(curves.sphere(Q, radius), theirs) < 1e-3


@pytest.mark.parametrize("radius", [3.0, 50.0])  # the simulator draws up to q R = 25; from 45 on 25 sizes are too few
@pytest.mark.parametrize("spread", [0.03, 0.1, 0.3])
def test_polydisperse_spheres(sasmodels, radius, spread):
    theirs = sasmodels("sphere", radius=radius, sld=1.0, sld_solvent=0.0, radius_pd=spread, radius_pd_n=401,
                       radius_pd_nsigma=2.5)  # fmt: skip

    assert apart(curves.polydisperse_sphere(Q, radius, spread), theirs) < 0.03


@pytest.mark.parametrize(("rg", "slope"), [(20.0, 4.0), (60.0, 2.5)])
def test_guinier_porod(sasmodels, rg, slope):
    theirs = sasmodels("guinier_porod", rg=rg, s=0.0, porod_exp=slope)

    assert apart(curves.guinier_porod(Q, rg, slope), theirs) < 1e-6


@pytest.mark.parametrize("rg", [12.0, 60.0])
def test_a_gaussian_coil(sasmodels, rg):
    theirs = sasmodels("mono_gauss_coil", i_zero=1.0, rg=rg)

    assert apart(curves.debye_coil(Q, rg), theirs) < 1e-3


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.45])
def test_hard_spheres(sasmodels, fraction):
    theirs = sasmodels("hardsphere", radius_effective=50.0, volfraction=fraction)

    assert curves.hard_spheres(Q, 50.0, fraction) == pytest.approx(theirs, rel=1e-6)


def test_a_correlation_peak(sasmodels):
    theirs = sasmodels("broad_peak", porod_scale=0.0, peak_scale=1.0, correlation_length=50.0, peak_pos=0.1,
                       width_exp=2.0, shape_exp=1.0)  # fmt: skip

    assert apart(curves.broad_peak(Q, 0.1, 1 / 50.0), theirs) < 1e-6

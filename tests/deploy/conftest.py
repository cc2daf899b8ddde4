from pathlib import Path

import pytest


@pytest.fixture
def root() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parents[2]


@pytest.fixture
def deploy(root: Path) -> Path:
    return root / "deploy"

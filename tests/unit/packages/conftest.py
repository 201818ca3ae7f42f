"""The packages of the tree as it stands, built once and kept in dist/ like anybody's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tracer_lab.packages import Packages, build_packages

TREE = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def packages() -> Packages:
    return build_packages(TREE, TREE / "dist")


@pytest.fixture(scope="session")
def installed(packages: Packages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the three .deb files hold, as they would lay it out on a system."""
    root = tmp_path_factory.mktemp("installed")
    for deb in (*packages.debs, packages.exporter):
        subprocess.run(["dpkg-deb", "--extract", deb, root], check=True)
    return root

"""Rotators that come as packages of their own, put on the path without an installer."""

from pathlib import Path
from textwrap import dedent


def install_plugin(folder: Path, name: str, source: str) -> None:
    """A distribution in `folder` whose module has the class `Plugin`, registered as rotator `name`."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(dedent(source))
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[rotator.rotators]\n{name} = {module}:Plugin\n")

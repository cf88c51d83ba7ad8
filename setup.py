"""The description of the distributions: README and changelog, with links to project files reduced to names."""

import re
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
PAGES = "The pages named here come with the source distribution."

parts = [(HERE / "README.md").read_text(encoding="utf-8"), PAGES, (HERE / "CHANGELOG.md").read_text(encoding="utf-8")]
setup(
    long_description=re.sub(r"!?\[[^\]]+\]\((?!\w+:)([^)]+)\)", r"`\1`", "\n\n".join(part.strip() for part in parts)),
    long_description_content_type="text/markdown",
)

"""Remedies in messages of the library, in the options of the command line."""

from __future__ import annotations

import re
from collections.abc import Callable

from rendergateway.configuration import SETTINGS

__all__ = ["in_options"]

# Python as messages of the library write it, and the same for a command; the first matching row applies at each place.
_OPTIONS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"existing='append' or existing='replace'", "--append or --replace"),
    (r"\bz='order'", "--z order"),
    (r"\bz=(?=$|[\s;,])", "--z"),
    (r"\bsections=", "--z"),
    (r"\b(layers_per_z|split_sections)=(\d+)", lambda found: f"--{found[1].replace('_', '-')} {found[2]}"),
    (r"\bexist_ok=True", "--append"),
    (r"; the same copy_to\(\) with resume=True continues, or (delete stack \S+)", r"; \1 and copy again"),
    (r"\bskip_bad=True", "--skip-bad"),
    (r"\bmixed_sizes=True", "--mixed-sizes"),
    (r"\bconvert_to=('[^']*')", r"--convert-to \1"),
    (r"\bconvert_to=(?=$|[\s;,])", "--convert-to"),
    (r"\bresolution_nm=(?=$|[\s;,])", "--resolution"),
    (r"\b(overlap|pattern|positions|unit)=(?=$|[\s;,])", r"--\1"),
    (r"\bcolumns=\{'(\w+)': (?:'([^']*)'|(…))\}", r"--column \1=\2\3"),
    (r"\ballow_nan=True", "--allow-nan"),
    (r"\boverwrite=True", "--overwrite"),
    (r"\bmax_tiles=(?=\d)", "--max-tiles "),
    (r"\bmax_tiles=", "--max-tiles"),
    (r"\bcompute='local'", "--local"),
    (r"\bhow='append'", "--append"),
    (r"\bunknown_tiles='skip'", "--skip-unknown"),
    (r"\bscale_limits=None", "--any-scale"),
    (r"\bsolver='direct'", "--solver direct"),
    (r"\bdefault_lambda( >|=|\b)", r"--default-lambda\1"),
    (r"\boutliers_px=", "--outliers-px "),
    (r"\bnpts_min=", "--npts-min "),
    (r"\bread_only=True", "--read-only"),
    (r"\bdtype='uint(8|16)'", r"--bits \1"),
    (r"\bdtype=", "--bits"),
    (r"\bformat='(\w+)' or '(\w+)'", r"--format \1 or \2"),
    (r"\bframe='(\w+)'", r"--frame \1"),
    (r"\bintensity=\(low, high\)", "--intensity LOW..HIGH"),
    (r"\bintensity=", "--intensity"),
    (r"\bGateway\(image_paths=…\)", "--image-path THEIRS=MINE"),
    (r"\bPass credentials with Gateway\(auth=…\)", "'rendergateway login' stores credentials"),
    (r"\bpass an address \(([^()]*)\) or a profile\b", r"pass --service ADDRESS (\1) or --profile NAME"),
    (
        r"\bstack\.editing\(\) adds to it, stack\.delete\(\) removes it",
        "'rendergateway load' adds to it, 'rendergateway stack delete' removes it",
    ),
    (r" \(stack\.(editing\(\)|set_state\('COMPLETE'\)) does\)", ""),
)
_PARAMETER = re.compile(r"\bGateway\((\w+)=…\)")


def in_options(message: str) -> str:
    """
    Return a message of the library with options instead of Python arguments.

    Parameters of `Gateway` that no command has as an option become the environment variables of the same settings.

    Examples
    --------
    >>> in_options("a.png exists; export s to another folder, or use overwrite=True")
    'a.png exists; export s to another folder, or use --overwrite'
    >>> in_options("no answer within 900 s; raise Gateway(budget_s=…)")
    'no answer within 900 s; raise RENDERGATEWAY_BUDGET_S'
    """
    for python, option in _OPTIONS:
        message = re.sub(python, option, message)
    return _PARAMETER.sub(_variable, message)


def _variable(parameter: re.Match[str]) -> str:
    setting = SETTINGS.get(parameter[1])
    return parameter[0] if setting is None else setting.variable

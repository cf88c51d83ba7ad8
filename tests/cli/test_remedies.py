"""Messages of the library name Python arguments; those of a command name its options."""

from __future__ import annotations

import pytest

from rendergateway.cli.remedies import in_options


@pytest.mark.parametrize(
    ("python", "options"),
    [
        ("use a max_tiles= above it, or compute='local'", "use a --max-tiles above it, or --local"),
        ("tile 'a' has no bounding box; use frame='raw'", "use --frame raw"),
        ("401 who are you? Pass credentials with Gateway(auth=…).", "'rendergateway login' stores credentials."),
        ("no data within 120 s; raise Gateway(data_timeout_s=…)", "raise RENDERGATEWAY_DATA_TIMEOUT_S"),
        ("Change the state first (stack.editing() does), or clone.", "Change the state first, or clone."),
        ("Make it writable first (stack.set_state('COMPLETE') does), or clone.", "Make it writable first, or clone."),
        ("an image of another machine; Gateway(image_paths=…) maps it", "--image-path THEIRS=MINE maps it"),
    ],
)
def test_remedy__in_options(python: str, options: str) -> None:
    """A remedy is an option, a command or a variable."""
    assert in_options(python).endswith(options)


@pytest.mark.parametrize("message", ["x=1, y=2, z=3.0 is in no tile", "Gateway(hooks=…)", "evolve(z=…) sets it"])
def test_remedy__other_text_is_kept(message: str) -> None:
    """Coordinates, and arguments that are not options, stay as they are."""
    assert in_options(message) == message

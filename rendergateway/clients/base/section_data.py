"""The section data of a stack."""

from __future__ import annotations

from typing import Any

from rendergateway import StackWrapper

__all__ = ["read_section_data"]


def read_section_data(stack: StackWrapper) -> list[dict[str, Any]]:
    """
    Return the section data of a stack, which some clients need.

    Raises
    ------
    RenderGatewayError
        If the stack was never COMPLETE, or does not exist.
    """
    rows: list[dict[str, Any]] = stack._bound.call("stack.section_data")
    return rows

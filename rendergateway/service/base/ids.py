"""Ids of stacks and match collections, and their validation."""

from __future__ import annotations

import re

import attrs

from rendergateway.service.base.refusals import IllegalArgument

__all__ = ["CollectionId", "StackId"]

_NAME = re.compile(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*")
_LONGEST_STACK = 111
_LONGEST_COLLECTION = 112


def _check_name(context: str, value: str | None) -> None:
    if value is None or not _NAME.fullmatch(value):
        raise IllegalArgument(
            f"invalid {context} '{'null' if value is None else value}' specified, names may only contain alphanumeric "
            "or underscore '_' characters and may not contain consecutive underscores '_'"
        )


def _check_length(kind: str, name: str, limit: int) -> None:
    if len(name) >= limit:
        raise IllegalArgument(
            f"{kind} collection name '{name}' must be less than {limit} characters, "
            "therefore the length of one or more of the collection fields should be reduced"
        )


@attrs.frozen
class StackId:
    """Owner, project and name of a stack."""

    owner: str
    project: str
    stack: str

    def __str__(self) -> str:
        return f"stack with owner '{self.owner}', project '{self.project}', and name '{self.stack}'"

    @property
    def storage_name(self) -> str:
        """Collection name in the database of the real service."""
        return f"{self.owner}__{self.project}__{self.stack}"

    def checked(self) -> StackId:
        """
        Return this id.

        Raises
        ------
        IllegalArgument
            If one of the names is invalid, or their combination is too long.
        """
        _check_name("owner", self.owner)
        _check_name("project", self.project)
        _check_name("stack", self.stack)
        _check_length("render", f"{self.storage_name}__transform", _LONGEST_STACK)
        return self


@attrs.frozen
class CollectionId:
    """Owner and name of a match collection."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"match collection with owner '{self.owner}', and name '{self.name}'"

    @property
    def storage_name(self) -> str:
        """Collection name in the database of the real service."""
        return f"{self.owner}__{self.name}"

    def checked(self) -> CollectionId:
        """
        Return this id.

        Raises
        ------
        IllegalArgument
            If one of the names is invalid, or their combination is too long.
        """
        _check_name("owner", self.owner)
        _check_name("name", self.name)
        _check_length("match", self.storage_name, _LONGEST_COLLECTION)
        return self

"""The base of transforms that have a Java class and a ``dataString``."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from rendergateway.transforms.classes.newton import NewtonInverse
from rendergateway.transforms.classes.transform import Transform
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LeafTransform"]


@resolvable_hints
@attrs.frozen(repr=False)
class LeafTransform(Transform):
    """A transform with a Java class and a ``dataString`` of its parameters."""

    JAVA_NAME: ClassVar[str]
    # Applying it opens a file that its text names; a service refuses to.
    READS_FILES: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def from_data_string(cls, text: str) -> Self:
        """
        Parse the parameters from a ``dataString``.

        Raises
        ------
        TransformError
            If the text is invalid for the class; the message starts with the service's message.
        """

    @classmethod
    def _unsupported(cls, text: str) -> str:
        """Return why a text of a form of its own is preserved, but not understood; empty if it is."""
        return ""

    @abstractmethod
    def to_data_string(self) -> str:
        """Format the parameters as a ``dataString``."""

    @property
    def class_name(self) -> str:
        """Full Java class name: the one that was read, else the current one."""
        return str(self._origin.get("className", self.JAVA_NAME))

    @property
    def data_string(self) -> str:
        """
        The ``dataString``: the original text if the parameters are those that were read, else newly formatted.

        Raises
        ------
        TransformError
            If the text must be formatted and a parameter is not finite.
        """
        text = self._origin.get("dataString")
        return self.to_data_string() if text is None else str(text)

    def to_spec(self) -> dict[str, Any]:
        """Return ``type``, ``className``, ``dataString``, and unknown members that it was read with."""
        return self._spec({"className": self.class_name, "dataString": self.data_string})

    def inverse(self) -> Transform:
        """Return the inverse: exact if this is affine, else numerical (`NewtonInverse`)."""
        return self.as_affine().inverse() if self.is_affine else NewtonInverse(self)

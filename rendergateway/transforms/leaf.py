"""What transforms with a Java class have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from rendergateway.transforms.base import Transform

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["LeafTransform"]


@attrs.frozen(repr=False)
class LeafTransform(Transform):
    """A transform that is a Java class and a text on the wire."""

    JAVA_NAME: ClassVar[str]

    @classmethod
    @abstractmethod
    def from_data_string(cls, text: str) -> Self:
        """
        Read the parameters from the text of the class.

        Raises
        ------
        TransformError
            If the text does not fit; the message begins with the sentence that the service has for it.
        """

    @abstractmethod
    def _write(self) -> str:
        """Return the parameters as new text."""

    @property
    def class_name(self) -> str:
        """Full Java class name: the one it was read under, else the usual one."""
        return str(self._origin.get("className", self.JAVA_NAME))

    @property
    def data_string(self) -> str:
        """
        The text on the wire: the original while the parameters are those that were read, else new text.

        Raises
        ------
        TransformError
            If new text is needed and a parameter is not finite.
        """
        text = self._origin.get("dataString")
        return self._write() if text is None else str(text)

    def to_spec(self) -> dict[str, Any]:
        """Return ``type``, ``className`` and ``dataString``, and what it was read with."""
        return self._spec({"className": self.class_name, "dataString": self.data_string})

    def inverse(self) -> Transform:
        """Return the inverse: exact if this is affine, else solved point by point (`NewtonInverse`)."""
        from rendergateway.transforms.newton import NewtonInverse

        return self.as_affine().inverse() if self.is_affine else NewtonInverse(self)

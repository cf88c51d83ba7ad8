"""Shared transforms: stored once per stack, referred to by tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rendergateway.model.records.json_slices import decode
from rendergateway.model.records.transform_record import TransformRecord
from rendergateway.transforms import Transform, from_spec
from rendergateway.wrappers.core.epochs import fact
from rendergateway.wrappers.core.keys import TransformKey
from rendergateway.wrappers.core.object import ObjectWrapper
from rendergateway.wrappers.core.registry import add_base
from rendergateway.wrappers.objects.stack import StackWrapper

__all__ = ["SharedTransformWrapper"]


@add_base
class SharedTransformWrapper(ObjectWrapper[TransformRecord]):
    """
    A transform that tiles refer to by its id, typically the lens correction of a camera.

    The transforms of a single tile are values, in ``tile.transforms``.
    """

    __slots__ = ()
    KIND = "transform"
    RECORD = TransformRecord
    MARSHALLED: ClassVar[Sequence[str]] = ("class_name", "data_string")

    _key: TransformKey

    @property
    def stack(self) -> StackWrapper:
        """The stack. No request."""
        return self._stack

    @property
    def _stack(self) -> StackWrapper:
        stack: StackWrapper = self._parent("stack", self._key.stack_key)
        return stack

    @property
    def parent(self) -> StackWrapper:
        """The stack."""
        return self._stack

    @fact
    def value(self) -> Transform:
        """
        The transform as a value.

        Notes
        -----
        No request if it was read with a listing of tiles; else one, ``transform.read``, once.
        """
        return from_spec(decode(self._obj.to_json()))

    @fact
    def class_name(self) -> str | None:
        """Java class of a leaf; None for a list or an interpolation."""
        return self._obj.class_name

    @fact
    def data_string(self) -> str | None:
        """Parameters as stored; None for a list or an interpolation."""
        return self._obj.data_string

    def _fetch(self) -> TransformRecord:
        return TransformRecord.from_json(self._stack._shared_transforms.text(self._key.transform_id))

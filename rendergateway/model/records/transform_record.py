"""Records of shared transforms of any class, as stored."""

from __future__ import annotations

from rendergateway.model.records.record import Record, optional

__all__ = ["TransformRecord"]


class TransformRecord(Record):
    """
    A transform as the service stores it.

    Attributes
    ----------
    transform_id : str or None
        Id that tiles refer to.
    kind : str
        leaf, list, ref or interpolated.
    class_name, data_string : str or None
        Java class and parameters of a leaf.
    """

    transform_id = optional("id", str)
    kind = optional("type", str, "leaf")
    class_name = optional("className", str)
    data_string = optional("dataString", str)

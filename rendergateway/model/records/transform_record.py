"""Records of shared transforms: their text as stored, whatever class it is of."""

from __future__ import annotations

from rendergateway.model.records.record import Record, optional

__all__ = ["TransformRecord"]


class TransformRecord(Record):
    """
    A transform as the service stores it.

    Attributes
    ----------
    transform_id : str or None
        What tiles refer to.
    kind : str
        leaf, list, ref or interpolated.
    class_name, data_string : str or None
        Java class and numbers of a leaf.
    """

    transform_id = optional("id", str)
    kind = optional("type", str, "leaf")
    class_name = optional("className", str)
    data_string = optional("dataString", str)

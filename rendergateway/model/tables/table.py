"""Base class of tables: rows of JSON text, selected by index, slice or mask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar, overload

import numpy as np
import numpy.typing as npt

from rendergateway.display import TableDisplay, plural
from rendergateway.errors import RecordError
from rendergateway.model.records.json_slices import Text, copy_of, cut_list, join_list
from rendergateway.model.records.record import Record
from rendergateway.type_hints import resolvable_hints

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Column", "Table", "no_attribute", "read_only"]

R = TypeVar("R", bound=Record)
TableT = TypeVar("TableT", bound="Table[Any]")
Column: TypeAlias = npt.NDArray[Any]
Rows: TypeAlias = slice | npt.NDArray[Any] | list[int] | list[bool]


@resolvable_hints
class Table(TableDisplay, Sequence[R], Generic[R]):
    """
    Records as columns over their texts.

    A table is a value: selection and changes return a new one. An index returns the record of a row; a slice, a mask
    or an array of indices returns a table.

    Parameters
    ----------
    texts : iterable of JSON text
        One per row, preserved: members without a column are encoded again unchanged.
    """

    RECORD: ClassVar[type[Record]]
    ROW: ClassVar[str]

    # Returns the text of a shared transform that rows refer to; None if it is unknown.
    shared: Callable[[str], bytes] | None = None

    def __init__(self, texts: Iterable[Text]) -> None:
        self._texts: Sequence[Text] | None = list(texts)
        self._whole: bytes | None = None
        self._columns: dict[str, Any] = {}

    @classmethod
    def from_json(cls, text: Text) -> Self:
        """
        Return the table of a JSON array, which is split into rows lazily.

        Raises
        ------
        RecordError
            If *text* does not start an array. Other errors are raised when rows are read.
        """
        table = cls(())
        table._texts, table._whole = None, copy_of(text)
        if not table._whole.lstrip()[:1] == b"[":
            raise RecordError(f"expected a JSON array of {cls.ROW}s, not {table._whole[:60]!r}")
        return table

    @classmethod
    def from_records(cls, records: Iterable[R]) -> Self:
        """Return the table of *records*, in order."""
        return cls(record.to_json() for record in records)

    @classmethod
    def joined(cls, tables: Iterable[Self]) -> Self:
        """Return the rows of several tables, in order; shared transforms remain known if all are of one stack."""
        parts = list(tables)
        if len(parts) == 1:
            return parts[0]
        rows = (part.to_json().strip()[1:-1].strip() for part in parts)
        whole = cls.from_json(b"[%b]" % b",".join(text for text in rows if text))
        is_one = bool(parts) and all(part.shared == parts[0].shared for part in parts)
        return parts[0]._alike(whole) if is_one else whole

    @property
    def texts(self) -> Sequence[Text]:
        """The JSON text of each row."""
        if self._texts is None:
            self._texts = cut_list(self._whole or b"[]")
        return self._texts

    def to_json(self) -> bytes:
        """Return a JSON array of the rows; unchanged rows are byte for byte as read."""
        return self._whole if self._whole is not None else join_list(self.texts)

    def records(self) -> list[R]:
        """Return one record per row."""
        return list(self)

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, chosen: int) -> R: ...
    @overload
    def __getitem__(self, chosen: Rows) -> Self: ...
    def __getitem__(self, chosen: int | Rows) -> R | Self:
        if isinstance(chosen, int | np.integer):
            return self._record(self.texts[chosen])
        rows = np.arange(len(self))[chosen]
        part = self._alike(type(self)(self.texts[row] for row in rows.tolist()))
        part._columns.update(self._chosen_columns(rows))
        return part

    def _alike(self, table: TableT) -> TableT:
        """Return a table of rows from this one, with the properties that are not in the texts."""
        table.shared = self.shared
        return table

    def _chosen_columns(self, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
        """Return the columns already decoded, for *rows*."""
        return {name: read_only(column[rows]) for name, column in self._columns.items()}

    def __iter__(self) -> Iterator[R]:
        return map(self._record, self.texts)

    def _record(self, text: Text) -> R:
        record: Any = self.RECORD.from_json(text)
        return record  # type: ignore[no-any-return]

    if not TYPE_CHECKING:
        # Hidden from type checkers, so that they report missing names.

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(self, name)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self).from_json, (self.to_json(),)

    def _caption(self) -> str:
        return f"{type(self).__name__} of {plural(len(self), self.ROW)}"


def no_attribute(table: object, name: str) -> AttributeError:
    """Return the error for a missing attribute; pandas asks a sequence of unknown type for its dimensions."""
    hint = "; to_pandas() returns a frame" if name == "ndim" else ""
    return AttributeError(f"{type(table).__name__!r} object has no attribute {name!r}{hint}")


def read_only(column: Any) -> Any:
    """Return *column* set read-only, because tables share columns."""
    column.setflags(write=False)
    return column

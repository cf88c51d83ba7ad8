"""
Declaration of the options of a client: typed attributes of one class.

::

    @attrs.frozen
    class StackClient(Client):
        service: ServiceOptions = group(ServiceOptions)
        stack: str = required("Stack.")
        action: Literal["CREATE", "DELETE"] = required("What to do.")
        stack_resolution_x: float | None = option(help="Nanometres per pixel in x.")
        z_values: tuple[str, ...] = many("Sections to delete.")
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar

import attrs

__all__ = ["Client", "Option", "Options", "flag", "group", "many", "option", "positional", "required"]

O = TypeVar("O", bound="Options")  # noqa: E741

_DECLARED = "option of a client"


@attrs.frozen
class Option:
    """
    One option of a client.

    Attributes
    ----------
    field : str
        Attribute of the class that holds the value.
    names : tuple of str
        Names on the command line; empty for the positional values.
    kind : type or tuple of str
        `str`, `int`, `float`, `bool`, or the names of an enumeration.
    takes : {'flag', 'one', 'repeated', 'many'}
        No value; one value; one value, each time that it is given; or several values, which end at the next option.
    is_required : bool
        Whether the command line must have it, also if there is a default.
    default : object
        The value without it.
    help : str
        One sentence.
    """

    field: str
    names: tuple[str, ...]
    kind: type | tuple[str, ...]
    takes: str
    is_required: bool
    default: Any
    help: str

    @property
    def is_positional(self) -> bool:
        """Whether its values have no name."""
        return not self.names

    @property
    def is_list(self) -> bool:
        """Whether it may have several values."""
        return self.takes in ("repeated", "many")


@attrs.frozen
class _Declaration:
    names: tuple[str, ...] = ()
    takes: str = "one"
    is_required: bool = False
    is_positional: bool = False
    help: str = ""
    group: type[Options] | None = None


def _declare(declaration: _Declaration, default: Any) -> Any:
    return attrs.field(default=default, kw_only=True, metadata={_DECLARED: declaration})


def option(default: Any = None, *, names: Sequence[str] = (), help: str = "") -> Any:
    """Declare an option with one value; a `bool` takes the value ``true`` or ``false``."""
    return _declare(_Declaration(names=tuple(names), help=help), default)


def required(help: str, *, names: Sequence[str] = ()) -> Any:
    """Declare an option that must be given."""
    return _declare(_Declaration(names=tuple(names), is_required=True, help=help), attrs.NOTHING)


def flag(help: str, *, names: Sequence[str] = ()) -> Any:
    """Declare an option without a value."""
    return _declare(_Declaration(names=tuple(names), takes="flag", help=help), False)


def many(help: str, *, repeated: bool = False, is_required: bool = False) -> Any:
    """
    Declare an option with a tuple of values.

    Parameters
    ----------
    help : str
        One sentence.
    repeated : bool
        Whether it takes one value each time it is given, instead of all values up to the next option.
    is_required : bool
        Whether at least one value must be given.
    """
    takes = "repeated" if repeated else "many"
    return _declare(_Declaration(takes=takes, is_required=is_required, help=help), attrs.NOTHING if is_required else ())


def positional(help: str, *, is_required: bool = True) -> Any:
    """Declare the values without a name; *help* is also their name in messages."""
    return _declare(
        _Declaration(takes="repeated", is_positional=True, is_required=is_required, help=help),
        attrs.NOTHING if is_required else (),
    )


def group(options: type[Options]) -> Any:
    """Declare options that several clients share, as an attribute of their own class."""
    return attrs.field(kw_only=True, factory=options, metadata={_DECLARED: _Declaration(group=options)})


@attrs.frozen
class Options:
    """
    A set of options: a frozen attrs class whose attributes are declared by the functions of this module.

    An attribute ``match_rod`` is the option ``--matchRod``, unless other names are given.
    """

    @classmethod
    def options(cls) -> Iterator[Option]:
        """Yield the options in the order of their declaration, those of groups in the place of the group."""
        hints = typing.get_type_hints(cls)
        for field in attrs.fields(cls):
            declaration: _Declaration = field.metadata[_DECLARED]
            if declaration.group is not None:
                yield from declaration.group.options()
            else:
                yield _option(field, declaration, hints[field.name])

    @classmethod
    def of_values(cls: type[O], values: Mapping[str, Any]) -> O:
        """
        Return the options with the given values, by the names of attributes, those of groups included.

        Values that are missing have their defaults.
        """
        given = {}
        for field in attrs.fields(cls):
            declaration: _Declaration = field.metadata[_DECLARED]
            if declaration.group is not None:
                given[field.name] = declaration.group.of_values(values)
            elif field.name in values:
                given[field.name] = values[field.name]
        return cls(**given)

    def to_arguments(self) -> list[str]:
        """
        Return the options that differ from their defaults, as arguments of the command line.

        Examples
        --------
        >>> @attrs.frozen
        ... class Render(Options):
        ...     render_scale: float = option(1.0)
        ...     fill_with_noise: bool = option(True)
        ...     z: tuple[float, ...] = many("Sections.")
        >>> Render(render_scale=0.5, fill_with_noise=False, z=(1.0, 2.0)).to_arguments()
        ['--renderScale', '0.5', '--fillWithNoise', 'false', '--z', '1.0', '2.0']
        """
        hints = typing.get_type_hints(type(self))
        named: list[str] = []
        last: list[str] = []
        for field in attrs.fields(type(self)):
            value = getattr(self, field.name)
            if isinstance(value, Options):
                named += value.to_arguments()
            elif value != field.default:
                one = _option(field, field.metadata[_DECLARED], hints[field.name])
                (last if one.is_positional else named).extend(_arguments(one, value))
        return named + last


@attrs.frozen
class Client(Options):
    """
    A client: the options of its command line, and the method `run`.

    The class has the name of the Java class, without its package; its docstring is the first line of the help.
    """

    def run(self) -> None:
        """
        Do the work.

        Raises
        ------
        RenderGatewayError, OSError
            If it fails; the message is printed, and the exit code is 1.
        """
        raise NotImplementedError


def _arguments(option: Option, value: Any) -> list[str]:
    if option.takes == "flag":
        return [option.names[0]]
    values = [_text(one) for one in (value if option.is_list else [value])]
    if option.is_positional:
        return values
    if option.takes == "repeated":
        return [part for one in values for part in (option.names[0], one)]
    return [option.names[0], *values]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _option(field: attrs.Attribute[Any], declaration: _Declaration, hint: Any) -> Option:
    names = () if declaration.is_positional else declaration.names or (f"--{_camel_case(field.name)}",)
    default = None if field.default is attrs.NOTHING else field.default
    return Option(field.name, names, _kind(hint), declaration.takes, declaration.is_required, default, declaration.help)


def _camel_case(name: str) -> str:
    """
    Return the name of an option for the name of an attribute.

    Examples
    --------
    >>> _camel_case("base_data_url")
    'baseDataUrl'
    """
    return re.sub(r"_([a-z0-9])", lambda letter: letter[1].upper(), name)


def _kind(hint: Any) -> type | tuple[str, ...]:
    """Return the kind of one value for an annotation: ``float`` for ``tuple[float, ...]`` and ``float | None``."""
    origin = typing.get_origin(hint)
    if origin is Literal:
        return typing.get_args(hint)
    if origin in (types.UnionType, typing.Union, tuple):
        (inner,) = (one for one in typing.get_args(hint) if one not in (type(None), Ellipsis))
        return _kind(inner)
    return typing.cast(type, hint)

"""
Mistakes that editors mark: each line has one.

mypy and pyright find a mistake on each marked line: a mark that is not needed is an error of both.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from rendergateway import Collection, Gateway, MatchCollectionWrapper, SectionWrapper, TileWrapper


class LabTile(TileWrapper):
    """A tile of a lab."""


def keywords(gateway: Gateway, section: SectionWrapper, matches: MatchCollectionWrapper) -> None:
    """Keywords that do not exist, or have values of other types."""
    section.image(chanel="DAPI")  # type: ignore[call-arg]
    section.image(channel=1)  # type: ignore[arg-type]
    section.thumbnail(64, colour="red")  # type: ignore[call-arg]
    section.url(maks=None)  # type: ignore[call-arg]
    section.tiles()[0].image(computer="local")  # type: ignore[call-arg]
    Gateway.from_env(ower="lab")  # type: ignore[call-arg]
    Gateway.from_env(timeout_s="5")  # type: ignore[arg-type]
    gateway.using(retry=3)  # type: ignore[call-arg]
    matches.table(witin="1.0")  # type: ignore[call-arg]
    matches.pairs(within=1.0)  # type: ignore[arg-type]
    gateway.getObject("Stack", "montage", onwer="lab")  # type: ignore[call-overload]


def names(gateway: Gateway, section: SectionWrapper) -> None:
    """Names that do not exist."""
    from rendergateway import PictureOption  # type: ignore[attr-defined]

    print(PictureOption)  # pyright: ignore[reportUnknownArgumentType]
    section.tile()  # type: ignore[attr-defined]
    section.tiles().frist  # type: ignore[attr-defined] # noqa: B018
    section.tiles()[0].bound  # type: ignore[attr-defined] # noqa: B018
    section.tiles()[0].layout.sectionId  # type: ignore[attr-defined] # noqa: B018
    section.tiles().table().last_afine  # type: ignore[attr-defined] # noqa: B018
    gateway.stcak("montage")  # type: ignore[attr-defined]
    section.getChildren()  # type: ignore[attr-defined]


def types(section: SectionWrapper) -> None:
    """Collections of a subclass are of another type; optional values may be None."""
    lab: Collection[LabTile] = section.tiles()  # type: ignore[assignment]
    print(lab)
    print(section.tiles().first.name)  # type: ignore[union-attr]
    print(section.bounds.width)  # type: ignore[union-attr]

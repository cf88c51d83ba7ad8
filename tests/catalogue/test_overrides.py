"""A registered class with its own template and columns, and the templates of a lab."""

from __future__ import annotations

from pathlib import Path

import flask
import pytest

from rendergateway import Gateway, SectionWrapper, StackWrapper, TileWrapper
from rendergateway.catalogue import Column, application, blueprint
from tests.catalogue.conftest import MONTAGE, PAGES, Catalogue


class Reviewed(StackWrapper):
    """A stack of a lab, with a value of its own."""

    CATALOGUE_TEMPLATE = "lab/reviewed.html"
    CATALOGUE_COLUMNS = (("Reviewer", "reviewer"), Column("Area", lambda stack: stack.tile_count * 4, "number", "mm²"))

    @property
    def reviewer(self) -> str:
        """Who looked at it."""
        return f"reviewer of {self.name}"


class Rated(TileWrapper):
    """A tile with a rating."""

    CATALOGUE_COLUMNS = (("Rating", "rating"),)

    @property
    def rating(self) -> int:
        """From 1 to 4."""
        return 1 + int(self.tile_id[-1])


class Marked(SectionWrapper):
    """A section with a mark."""

    CATALOGUE_COLUMNS = (("Mark", lambda section: f"mark {section.z:g}"),)


@pytest.fixture
def lab(montage: StackWrapper, gateway: Gateway, tmp_path: Path) -> flask.Flask:
    """The site of a lab, with a template of its own, and one that replaces a page of the catalogue."""
    folder = tmp_path / "templates"
    (folder / "lab").mkdir(parents=True)
    (folder / "lab" / "reviewed.html").write_text(
        '{% extends "catalogue/stack.html" %}{% block before %}<p>Looked at by {{ shown.reviewer }}</p>{% endblock %}'
    )
    (folder / "catalogue").mkdir()
    (folder / "catalogue" / "home.html").write_text("the home of the lab: {{ owners|length }} owners")
    app = flask.Flask("lab", template_folder=str(folder))
    app.register_blueprint(blueprint(gateway), url_prefix="/em")
    return app


def test_registered_class__its_template_and_columns(lab: flask.Flask, gateway: Gateway) -> None:
    """A class registered after the site was made is shown with its template and columns, without other changes."""
    browser = lab.test_client()
    assert "Looked at by" not in browser.get(f"/em{MONTAGE}").text

    with gateway.objects.registry.registered(Reviewed, Rated, Marked):
        page = browser.get(f"/em{MONTAGE}").text
        listing = browser.get("/em/owner/lab/project/cortex/").text
        tiles = browser.get(f"/em{PAGES['section']}?sort=-rating").text

    assert "Looked at by reviewer of montage" in page
    assert "mark 2" in page
    assert "reviewer of montage" in listing
    assert 'Area <span class="unit">mm²</span>' in listing
    assert ">48<" in listing
    assert tiles.index("s1_r0_c1") < tiles.index("s1_r0_c0")


def test_site__replaces_a_template(lab: flask.Flask) -> None:
    """A template of the site with the name of one of the catalogue is used in its place; addresses have the prefix."""
    browser = lab.test_client()

    assert browser.get("/em/").text == "the home of the lab: 1 owners"
    assert 'href="/em/owner/lab/project/cortex/stack/montage/"' in browser.get("/em/owner/lab/project/cortex/").text


def test_site__gateway_of_the_request(montage: StackWrapper, gateway: Gateway) -> None:
    """A function returns the gateway of each request, with the credentials of its user."""
    seen = []

    def of_user() -> Gateway:
        seen.append(flask.request.headers.get("X-User"))
        return gateway.using(budget_s=20)

    browser = application(of_user).test_client()
    browser.get(MONTAGE, headers={"X-User": "ada"})

    assert seen == ["ada"]


def test_own_columns__error_is_shown(montage: StackWrapper, gateway: Gateway) -> None:
    """A failing property of a registered class is an error page, not an empty cell."""

    class Broken(StackWrapper):
        CATALOGUE_COLUMNS = (("Fails", "fails"),)

        @property
        def fails(self) -> str:
            raise RuntimeError("not written yet")

    browser = application(gateway).test_client()
    with gateway.objects.registry.registered(Broken):
        answer = browser.get("/owner/lab/project/cortex/")

    assert answer.status_code == 500
    assert "not written yet" not in answer.text


def test_catalogue__links_between_kinds(catalogue: Catalogue, montage: StackWrapper) -> None:
    """Each page names the lines of Python and of the shell that reach its object."""
    assert "Gateway(&#39;embedded:&#39;).stack(&#39;lab/cortex/montage&#39;).section(1.0)" in catalogue.text(
        PAGES["section"]
    )
    assert "rendergateway picture --tile=s1_r0_c0" in catalogue.text(PAGES["tile"])

"""Models of a solve: how the unknowns of a tile move its points."""

from __future__ import annotations

from abc import ABC, abstractmethod
from math import comb

import numpy as np
import numpy.typing as npt

from rendergateway.alignment.solve_options import SolveOptions
from rendergateway.geometry import FloatArray, IntArray
from rendergateway.transforms.classes.polynomial import polynomial_terms, term_count

__all__ = ["Centres", "Model", "as_polynomials", "model_of"]

# A quarter turn.
_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])


class Centres:
    """
    Origin and unit of length of the unknowns of each tile: in them the equations are well conditioned.

    Parameters
    ----------
    origin : ndarray, shape (N, 2)
        Mean of the points of each tile.
    length : float
        Typical distance of points from the origin of their tile.
    """

    def __init__(self, origin: FloatArray, length: float) -> None:
        self.origin = origin
        self.length = length


class Model(ABC):
    """
    Transforms of all tiles, and their derivatives.

    The unknowns of a tile are K numbers in each of R columns; a point moves by the products of *rows* and unknowns.

    Attributes
    ----------
    terms : int
        K.
    columns : int
        R: 2 if x and y of a point depend on unknowns of their own in the same way, else 1.
    ties : ndarray, shape (N,), optional
        Number of the group of each tile within which the first unknown is the same.
    """

    terms: int
    columns: int
    ties: IntArray | None = None

    def __init__(self, centres: Centres, options: SolveOptions) -> None:
        self.centres = centres
        self.lambdas = options.lambdas()

    @abstractmethod
    def world(self, tile: IntArray, local: FloatArray) -> FloatArray:
        """Return points (M, 2) of tiles (M,) in the world."""

    @abstractmethod
    def rows(self, tile: IntArray, local: FloatArray) -> tuple[FloatArray, ...]:
        """Return the derivatives by the unknowns, (K, M): one array for x and y if there are two columns, else two."""

    @abstractmethod
    def regularization(self) -> tuple[FloatArray, FloatArray]:
        """Return the Hessian (N, K, K) of the distance from the template, and the step toward it (N, K, R)."""

    @abstractmethod
    def advance(self, step: FloatArray) -> None:
        """Add a step (N, K, R) to the unknowns."""

    def begin(self, other: Model) -> None:
        """Start from the transforms of a solved similarity model."""
        raise NotImplementedError

    @abstractmethod
    def hold(self, fixed: npt.NDArray[np.bool_], templates: FloatArray) -> None:
        """Set fixed tiles (N,) to their templates, whether or not the model has such transforms."""

    @abstractmethod
    def accept(self) -> None:
        """Take the present transforms as the template."""

    @abstractmethod
    def coefficients(self) -> FloatArray:
        """Return the transforms as polynomials, (N, 2, T) with T of 3, 6 or 10 terms."""

    @abstractmethod
    def scales(self) -> FloatArray:
        """Return the determinants of the transforms at the origins of the tiles, (N,)."""

    @abstractmethod
    def smooth_motions(self) -> FloatArray:
        """Return motions of all tiles together, which the matches hardly resist, as unknowns (N, K, m)."""


def model_of(options: SolveOptions, templates: FloatArray, centres: Centres, section: IntArray) -> Model:
    """
    Return the model at the template.

    Parameters
    ----------
    options : SolveOptions
        Model and regularization.
    templates : ndarray, shape (N, 2, T)
        Polynomials of the tiles.
    centres : Centres
        Origins of the unknowns.
    section : ndarray, shape (N,)
        Number of the section of each tile.
    """
    if options.order is not None:
        return _Polynomials(centres, options, templates)
    affine = templates[:, :, 1:3], templates[:, :, 0]
    kinds: dict[str, type[_Motions]] = {"rigid": _Rigid, "similarity": _Similarity, "scaled_translation": _Scaled}
    model = kinds[options.model](centres, options, *affine)
    if options.model == "scaled_translation":
        model.ties = section
    return model


def as_polynomials(affines: FloatArray, terms: int = 3) -> FloatArray:
    """Return matrices (N, 2, 3) as coefficients (N, 2, *terms*)."""
    coefficients = np.zeros((len(affines), 2, terms))
    coefficients[:, :, :3] = affines[:, :, [2, 0, 1]]
    return coefficients


class _Polynomials(Model):
    """Polynomials up to an order; of order 0 only the constant term is unknown."""

    columns = 2

    def __init__(self, centres: Centres, options: SolveOptions, templates: FloatArray) -> None:
        super().__init__(centres, options)
        order = options.order or 0
        self._order = order
        self.terms = term_count(order)
        have = max(templates.shape[2], self.terms, 3)
        self._all = next(degree for degree in (1, 2, 3) if term_count(degree) >= have)
        padded = np.zeros((len(templates), 2, term_count(self._all)))
        padded[:, :, : templates.shape[2]] = templates
        length = np.full(len(templates), centres.length)
        self._into = _substitution(centres.origin, length, self._all)
        self._back = _substitution(-centres.origin / centres.length, 1 / length, self._all)
        self._now = padded @ self._into
        self._template = padded[:, :, : self.terms]
        degree = np.repeat(np.arange(order + 1), np.arange(1, order + 2))
        self._weights = self.lambdas[degree] * centres.length ** (2.0 * np.maximum(degree - 1, 0))

    def world(self, tile: IntArray, local: FloatArray) -> FloatArray:
        if self._all == 1:
            now = self._now[tile]
            world: FloatArray = now[:, :, 0] + now[:, :, 1] * local[:, :1] + now[:, :, 2] * local[:, 1:]
            return world
        terms = polynomial_terms(local, self._all)
        values: FloatArray = np.einsum("mdk,km->md", self._now[tile], terms)
        return values

    def rows(self, tile: IntArray, local: FloatArray) -> tuple[FloatArray, ...]:
        return (polynomial_terms(local, self._order),)

    def regularization(self) -> tuple[FloatArray, FloatArray]:
        back = self._back[:, : self.terms, : self.terms]
        weighted = back * self._weights
        away = self._template - (self._now @ self._back)[:, :, : self.terms]
        return weighted @ back.transpose(0, 2, 1), weighted @ away.transpose(0, 2, 1)

    def advance(self, step: FloatArray) -> None:
        self._now[:, :, : self.terms] += step.transpose(0, 2, 1)

    def hold(self, fixed: npt.NDArray[np.bool_], templates: FloatArray) -> None:
        """Do nothing: all tiles start from their templates."""

    def accept(self) -> None:
        self._template = self.coefficients()[:, :, : self.terms]

    def coefficients(self) -> FloatArray:
        coefficients: FloatArray = self._now @ self._back
        return coefficients

    def scales(self) -> FloatArray:
        scales: FloatArray = np.linalg.det(self._now[:, :, 1:3]) / self.centres.length**2
        return scales

    def smooth_motions(self) -> FloatArray:
        # Any polynomial of the world: taken at as many nodes as there are terms.
        nodes = np.array([(x, y) for x in range(self._order + 1) for y in range(self._order + 1 - x)], dtype=np.float64)
        nodes -= nodes.mean(axis=0)
        count = len(self._now)
        tile = np.repeat(np.arange(count), len(nodes))
        world = self.world(tile, np.tile(nodes, (count, 1)))
        world -= world.mean(axis=0)
        spread = max(float(np.abs(world).max(initial=0.0)), 1e-300)
        motions = polynomial_terms(world / spread, self._order).T.reshape(count, len(nodes), -1)
        inverse = np.linalg.inv(polynomial_terms(nodes, self._order).T)
        smooth: FloatArray = inverse @ motions
        return smooth


def _substitution(origin: FloatArray, length: FloatArray, order: int) -> FloatArray:
    """Return matrices (N, T, T) from coefficients at x to those at u, where x = origin + length u."""
    powers = [(degree - y, y) for degree in range(order + 1) for y in range(degree + 1)]
    matrices = np.zeros((len(origin), len(powers), len(powers)))
    for row, (a, b) in enumerate(powers):
        for column, (i, j) in enumerate(powers):
            if i <= a and j <= b:
                shift = origin[:, 0] ** (a - i) * origin[:, 1] ** (b - j)
                matrices[:, row, column] = comb(a, i) * comb(b, j) * shift * length ** (i + j)
    return matrices


class _Motions(Model):
    """Linear maps with few unknowns, and translations: A (x - origin) + T."""

    columns = 1

    def __init__(self, centres: Centres, options: SolveOptions, linear: FloatArray, translation: FloatArray) -> None:
        super().__init__(centres, options)
        self._linear = self._start(linear)
        # The centre of a tile stays where the template has it, whatever becomes of its linear part.
        self._place = translation + _times(linear, centres.origin)
        self.accept()
        self.terms = self._generators().shape[1] + 2

    @abstractmethod
    def _start(self, linear: FloatArray) -> FloatArray:
        """Return the linear maps (N, 2, 2) of this model next to those of the template."""

    @abstractmethod
    def _generators(self) -> FloatArray:
        """Return the derivatives (N, m, 2, 2) of the linear maps."""

    def world(self, tile: IntArray, local: FloatArray) -> FloatArray:
        return _times(self._linear[tile], local * self.centres.length) + self._place[tile]

    def rows(self, tile: IntArray, local: FloatArray) -> tuple[FloatArray, ...]:
        generators = self._generators()[tile]
        moved = np.einsum("mkij,mj->ikm", generators, local)
        x, y = np.zeros((2, self.terms, len(local)))
        x[:-2], y[:-2] = moved
        x[-2], y[-1] = 1.0, 1.0
        return x, y

    def regularization(self) -> tuple[FloatArray, FloatArray]:
        generators, count = self._generators() / self.centres.length, len(self._linear)
        jacobian = np.zeros((count, 6, self.terms))
        jacobian[:, :4, :-2] = generators.reshape(count, -1, 4).transpose(0, 2, 1)
        jacobian[:, 4:, :-2] = -np.einsum("nkij,nj->nik", generators, self.centres.origin)
        jacobian[:, 4, -2] = jacobian[:, 5, -1] = 1.0
        # Half of the Frobenius norm: the cosine and the sine of a rotation are each in the matrix twice.
        weights = np.array([self.lambdas[1] / 2] * 4 + [self.lambdas[0]] * 2)
        linear, translation = self._template
        away = np.concatenate([(linear - self._linear).reshape(count, 4), translation - self._translation()], axis=1)
        weighted = (jacobian * weights[:, np.newaxis]).transpose(0, 2, 1)
        return weighted @ jacobian, weighted @ away[:, :, np.newaxis]

    def _translation(self) -> FloatArray:
        return self._place - _times(self._linear, self.centres.origin)

    def advance(self, step: FloatArray) -> None:
        self._turn(step[:, :-2, 0] / self.centres.length)
        self._place = self._place + step[:, -2:, 0]

    def _turn(self, step: FloatArray) -> None:
        self._linear = self._linear + np.einsum("nk,nkij->nij", step, self._generators())

    def hold(self, fixed: npt.NDArray[np.bool_], templates: FloatArray) -> None:
        linear = templates[fixed][:, :, 1:3]
        self._linear[fixed] = linear
        self._place[fixed] = templates[fixed][:, :, 0] + _times(linear, self.centres.origin[fixed])

    def accept(self) -> None:
        self._template = self._linear, self._translation()

    def coefficients(self) -> FloatArray:
        return np.concatenate([self._translation()[:, :, np.newaxis], self._linear], axis=2)

    def scales(self) -> FloatArray:
        scales: FloatArray = np.linalg.det(self._linear)
        return scales

    def smooth_motions(self) -> FloatArray:
        # Turning, and scaling if tiles can, about the centre of all; shifting.
        place = self._place - self._place.mean(axis=0)
        directions = [_TURN] if self.terms == 3 else [_TURN, np.eye(2)]
        spread = max(float(np.abs(place).max(initial=0.0)), 1e-300)
        motions = np.zeros((len(place), self.terms, len(directions) + 2))
        generators = self._generators().reshape(len(place), -1, 4)
        norms = np.einsum("nki,nki->nk", generators, generators)
        for column, direction in enumerate(directions):
            wanted = (direction @ self._linear).reshape(len(place), 4)
            share = np.einsum("nki,ni->nk", generators, wanted) / np.maximum(norms, 1e-300)
            motions[:, :-2, column] = share * self.centres.length / spread
            motions[:, -2:, column] = _times(direction[np.newaxis], place) / spread
        motions[:, -2, -2] = motions[:, -1, -1] = 1.0
        return motions


def _times(linear: FloatArray, points: FloatArray) -> FloatArray:
    """Return the products of matrices (N, 2, 2) and vectors (N, 2)."""
    product: FloatArray = linear[:, :, 0] * points[:, :1] + linear[:, :, 1] * points[:, 1:]
    return product


def nearest_orthogonal(linear: FloatArray) -> FloatArray:
    """Return the rotations, or reflections, next to matrices (N, 2, 2)."""
    u, _, v = np.linalg.svd(linear)
    orthogonal: FloatArray = u @ v
    return orthogonal


class _Rigid(_Motions):
    """Rotations, or reflections of reflected tiles: their angles are not linear, so several steps are needed."""

    def _start(self, linear: FloatArray) -> FloatArray:
        return nearest_orthogonal(linear)

    def begin(self, other: Model) -> None:
        assert isinstance(other, _Similarity)
        self._linear, self._place = nearest_orthogonal(other._linear), other._place.copy()

    def _generators(self) -> FloatArray:
        return (_TURN @ self._linear)[:, np.newaxis]

    def _turn(self, step: FloatArray) -> None:
        cos, sin = np.cos(step[:, 0]), np.sin(step[:, 0])
        self._linear = np.stack([cos, -sin, sin, cos], axis=1).reshape(-1, 2, 2) @ self._linear


class _Similarity(_Motions):
    """Rotations and a scale of each tile."""

    def _start(self, linear: FloatArray) -> FloatArray:
        self._base = nearest_orthogonal(linear)
        scale: FloatArray = np.einsum("nij,nij->n", self._base, linear) / 2
        return self._base * scale[:, np.newaxis, np.newaxis]

    def _generators(self) -> FloatArray:
        return np.stack([self._base, _TURN @ self._base], axis=1)


class _Scaled(_Motions):
    """The linear maps of the template, each with the scale of its section."""

    def _start(self, linear: FloatArray) -> FloatArray:
        self._base = linear
        return linear.copy()

    def _generators(self) -> FloatArray:
        return self._base[:, np.newaxis]

"""The names in the code of the rows, as the page introduces them."""

from __future__ import annotations

IMPORTS = """\
import json
from operator import attrgetter

import numpy as np
import rendergateway
from rendergateway import *
from rendergateway.transforms import *
"""

HERE = """\
gateway = Gateway("localhost:8080", owner="lab", project="cortex")
stack = gateway.stack("montage")
section = stack.section(z=2)
tile = stack.tile("s2_r0_c0")
matches = gateway.match_collection("dmesh")

points = np.array([[460.0, 100.0], [500.0, 300.0]])
grid = np.stack(np.meshgrid([0.0, 100, 250, 400, 512], [0.0, 100, 250, 400, 512]), axis=-1).reshape(-1, 2)
affine = AffineModel2D([[0.9, -0.2, 10], [0.1, 1.1, -5]])
shift = AffineModel2D([[1, 0, 33.5], [0, 1, 100.25]])
polynomial = PolynomialTransform2D([[5, 1, 0.1, 0.0001, 0, 0], [7, -0.1, 1, 0, 0.0002, 0]])
source = grid[[0, 4, 12, 17, 20, 24]]
target = polynomial.apply(source)
lens_text = "2 6 128 0 0 128 0.5 0.25 0 0.125 0 0 2.5 2.5 256 256 0 0 0 0 128 128 65536 65536 65536 0 2048 1024"
lens = NonLinearCoordinateTransform.from_data_string(lens_text)
spline = fit_thin_plate_spline(source, target)
"""

THERE = """\
import json

import numpy as np

render = Render(host="http://localhost", port=8080, owner="lab", project="cortex")

points = np.array([[460.0, 100.0], [500.0, 300.0]])
grid = np.stack(np.meshgrid([0.0, 100, 250, 400, 512], [0.0, 100, 250, 400, 512]), axis=-1).reshape(-1, 2)
affine = AffineModel(M00=0.9, M01=-0.2, M10=0.1, M11=1.1, B0=10, B1=-5)
shift = AffineModel(B0=33.5, B1=100.25)
polynomial = Polynomial2DTransform(params=np.array([[5, 1, 0.1, 0.0001, 0, 0], [7, -0.1, 1, 0, 0.0002, 0]]))
source = grid[[0, 4, 12, 17, 20, 24]]
target = polynomial.tform(source)
lens_text = "2 6 128 0 0 128 0.5 0.25 0 0.125 0 0 2.5 2.5 256 256 0 0 0 0 128 128 65536 65536 65536 0 2048 1024"
lens = NonLinearCoordinateTransform(dataString=lens_text)
spline = ThinPlateSplineTransform()
spline.estimate(source, target)
"""

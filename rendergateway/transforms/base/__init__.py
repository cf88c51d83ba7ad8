"""
Ground of the transform classes: array fields, 2 × 3 matrices, the text of a ``dataString``.

Arrays and text only; no module here imports a transform class.
"""

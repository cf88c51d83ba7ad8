"""
Output: encoders for the image formats of the service, and outlines of tile boxes.

Imports all other folders of rendering.
"""

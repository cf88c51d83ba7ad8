"""
The web server of the service: waitress, with connections, bodies and answers that cannot stop others from being served.

Imports `app` and the folders below it. The only package that imports waitress.
"""

"""
Checks of the pages for users of other clients: the first cell of a row, and code.

In the code, ``$1`` is the first piece of code in the row's second cell, ``$2`` the second; each is used.
"""

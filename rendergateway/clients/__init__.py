"""
The Java command lines of render without Java: the same class names, options, outputs and exit codes.

``base`` declares and parses options; each other module is one client, thin over the library, in the folder of its
subject. `CLIENTS` of ``base/table.py`` lists them.
"""

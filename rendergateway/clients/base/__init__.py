"""Options of clients, their parser, and the way from a command line to the run of a client."""

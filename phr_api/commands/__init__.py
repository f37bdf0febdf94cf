"""The command line, one module a command; `phr_api.__main__` has the table."""

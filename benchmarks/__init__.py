"""Every figure of the README comes from a script here; `make bench` runs them all.

Each figure is a ratio against a limit or a peer that was measured in the same run, interleaved with
it, as the median of rounds. Load goes to this machine's loopback only.
"""

"""The catalogue of problems, from the code: every subclass of Problem that has been imported."""

from phr_api.kit.problems import Problem


def all_problems() -> list[type[Problem]]:
    """Every problem with a slug of its own, by slug; call after all rooms are imported."""
    return sorted(_below(Problem), key=lambda kind: kind.slug)


def describe(problem: type[Problem]) -> str:
    """When it is raised, in one sentence without a full stop."""
    return (problem.__doc__ or "").strip().splitlines()[0].rstrip(".")


def _below(kind: type[Problem]) -> list[type[Problem]]:
    found: list[type[Problem]] = []
    for child in kind.__subclasses__():
        if "slug" in vars(child):
            found.append(child)
        found.extend(_below(child))
    return found

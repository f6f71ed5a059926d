# Copyright 2026 The unires-hf authors. Apache-2.0.
"""Which room may import which: arrows lead down the floors, never up, and never in a circle."""

import ast
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1] / "src" / "unires_hf"

FLOORS = (
    ("cli",),
    ("commands",),
    ("experiments", "app"),
    ("training", "engine", "publish", "report"),
    ("inference", "evaluation"),
    ("loading", "registration"),
    ("baselines", "scenes"),
    ("data", "model"),
    ("checkpoints", "files", "markdown", "photographs", "ray_pool", "weights"),
)
"""Rooms from the top to the ground. A room imports those below; on its own floor those that do not import it."""

STRANGERS = {"data": "model", "model": "data", "inference": "evaluation", "evaluation": "inference"}
"""Neighbors that do not know each other."""

SHARED = ("model", "picture_formats_unires")
"""Facts that all may read; they lie with the model because it goes to the Hub without the others."""

FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def home(path: Path) -> tuple[str, ...]:
    """The module of a file, as its parts below the package."""
    return path.relative_to(HOUSE).with_suffix("").parts


FILES = {home(path): path for path in sorted(HOUSE.rglob("*.py")) if path != HOUSE / "__init__.py"}


def imported(module: tuple[str, ...], tree: ast.AST) -> set[tuple[str, ...]]:
    """The modules of the package that the imports in `tree` name."""
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = ["unires_hf", *module[: len(module) - node.level]] if node.level else []
            package += node.module.split(".") if node.module else []
            names = [[*package, name.name] for name in node.names]
        for first, *parts in names:
            if first == "unires_hf":
                candidates = (tuple(parts[:end]) for end in range(len(parts), 0, -1))
                hits = (it for name in candidates for it in (name, (*name, "__init__")) if it in FILES)
                found.update([hit] if (hit := next(hits, None)) else [])
    return found - {module}


TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in FILES.items()}
ARROWS = {module: imported(module, tree) for module, tree in TREES.items()}
BETWEEN = {(module[0], other[0]) for module, others in ARROWS.items() for other in others if module[0] != other[0]}


def test_every_room_has_a_floor() -> None:
    assert {module[0] for module in FILES} <= set(FLOOR_OF)
    assert len(BETWEEN) > 30, "imports were not found"


@pytest.mark.parametrize(("room", "other"), sorted(BETWEEN))
def test_arrows_lead_down(room: str, other: str) -> None:
    culprits = ["/".join(it) for it, others in ARROWS.items() if it[0] == room and any(o[0] == other for o in others)]
    assert FLOOR_OF[room] <= FLOOR_OF[other], culprits
    known = {it for module, others in ARROWS.items() if module[0] == room for it in others if it[0] == other}
    assert STRANGERS.get(room) != other or known == {SHARED}, culprits


def test_rooms_stand_in_no_circle() -> None:
    TopologicalSorter({room: {b for a, b in BETWEEN if a == room} for room in FLOOR_OF}).prepare()


def test_modules_stand_in_no_circle() -> None:
    """Packages' doors aside: a door imports what is inside."""
    doors = {it for it in ARROWS if it[-1] == "__init__"}
    TopologicalSorter({it: ARROWS[it] - doors for it in ARROWS.keys() - doors}).prepare()


def test_model_may_be_copied_to_the_hub_as_it_is() -> None:
    assert {other[0] for module, others in ARROWS.items() if module[0] == "model" for other in others} == {"model"}


def test_a_file_name_occurs_once_outside_commands() -> None:
    names = Counter(module[-1] for module in FILES if module[0] != "commands" and not module[-1].startswith("__"))
    assert {name for name, count in names.items() if count > 1} == set()


def test_every_room_says_what_is_inside() -> None:
    for module, tree in TREES.items():
        assert module[-1] != "__init__" or ast.get_docstring(tree), module

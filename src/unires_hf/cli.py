# Copyright 2026 The unires-hf authors. Apache-2.0.
"""The command `unires`. Errors of what one asked for are one sentence and exit code 2."""

import argparse
import importlib
import inspect
import os
import sys
from collections.abc import Sequence

import unires_hf

COMMANDS = (
    *("demo", "segment", "app", "convert", "stats", "annotate", "pretrain", "finetune", "warmup"),
    *("evaluate", "compare", "export", "push", "scenes"),
)

TRAINING = ("pretrain", "finetune", "warmup")
"""They read their flags themselves, as fields of dataclasses; `--help` shows the most used without torch."""

TRACEBACK = "UNIRES_TRACEBACK"
"""The variable of the environment with which an error that nobody foresaw is shown whole."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one subcommand.

    Args:
        argv (`Sequence[str]`, *optional*): the words after `unires`; by default those it was called with.

    Returns:
        `int`: the exit code: 0; 2 if something was asked for that cannot be done; 130 if interrupted.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments = _flags(argv) or _parser().parse_args(argv)
    try:
        unires_hf.register()
        arguments.run(arguments)
    except (ValueError, OSError, ImportError) as error:
        print(f"unires: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("unires: interrupted", file=sys.stderr)
        return 130
    except Exception as error:  # what a library makes of a file that nobody foresaw
        if TRACEBACK in os.environ:
            raise
        first = str(error).partition("\n")[0][:300]
        print(f"unires: {type(error).__name__}: {first} (With {TRACEBACK}=1, it says where.)", file=sys.stderr)
        return 2
    return 0


def _flags(argv: list[str]) -> argparse.Namespace | None:
    """The words after a training command, unread, unless its short help is asked for."""
    if not argv or argv[0] not in TRAINING or {"-h", "--help"} & set(argv):
        return None
    command = importlib.import_module(f"unires_hf.commands.{argv[0]}")
    return argparse.Namespace(run=getattr(command, argv[0]), words=argv[1:])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="unires", description="Segments what a phrase refers to (UniRES).")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"unires_hf.commands.{name}")
        run = getattr(module, name)
        about = inspect.getdoc(run)
        command = commands.add_parser(
            name,
            help=about.partition("\n")[0],
            description=about,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        module.add_arguments(command)
        command.set_defaults(run=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""The program `veridical`, also as `python -m veridical`: it ends quietly on Ctrl-C, even while it is still being loaded."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; letters that the output cannot show are written as their numbers."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        from veridical.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()

"""The program `veridical`, also as `python -m veridical`: it ends quietly on Ctrl-C, even while it is still being loaded."""

from __future__ import annotations

import gc
import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; letters that the output cannot show are written as their numbers."""
    gc.set_threshold(100_000)  # modules and models are no garbage: a fifth of a short run went into looking for some
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        from veridical.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        gc.freeze()  # nor is what is left at the end, which Python would look through several times


if __name__ == "__main__":
    main()

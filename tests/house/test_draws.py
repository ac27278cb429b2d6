"""Random tests draw the same whatever their process has loaded before."""

import subprocess
import sys
from pathlib import Path

DRAWS = """
import sys
from hypothesis import given, strategies as st
from support.strategies import draw_the_same_everywhere, examples
draw_the_same_everywhere()
if sys.argv[1] == "loaded":
    import constants_of_ours
drawn = []
@examples(200)
@given(st.integers(), st.floats())
def some(whole, real):
    drawn.append((whole, real))
some()
print(len(drawn), drawn)
"""


def test_constants_of_modules_that_others_have_loaded_are_not_drawn(tmp_path: Path) -> None:
    numbers = ", ".join(f"{7919 * k}, {k}.{k}" for k in range(1000, 1200))
    (tmp_path / "constants_of_ours.py").write_text(f"NUMBERS = [{numbers}]\n", encoding="utf-8")
    path = f"import sys; sys.path[:0] = {[str(tmp_path), str(Path(__file__).parents[1])]!r}\n"
    ways = ([sys.executable, "-c", path + DRAWS, way] for way in ("alone", "loaded", "loaded"))
    ended = [subprocess.run(way, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60).stdout for way in ways]
    assert ended[0].startswith("200 ")
    assert ended[0] == ended[1] == ended[2]

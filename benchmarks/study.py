"""A study by two processes against one, in wall seconds, alternating; and the rows, which must be the same."""

import sys
from time import perf_counter

from figures import figure

import veridical as vd

TIMES = ["seconds", "seconds_build", "seconds_translate", "seconds_solve", "seconds_certify"]


def main(points: int, runs: int) -> None:
    spec = {
        "case": "electronics",
        "mechanisms": ["icds"],
        "solver": "highs",
        "vary": {"price": {"from": 100.0, "to": 140.0, "points": points}},
        "outputs": {"columns": ["rents"]},
    }
    ratios = []
    for _ in range(runs):
        seconds, tables = {}, {}
        for workers in (1, 2):
            began = perf_counter()
            tables[workers] = vd.study(spec, workers=workers)
            seconds[workers] = perf_counter() - began
        assert tables[1].drop(columns=TIMES).equals(tables[2].drop(columns=TIMES))
        ratios.append(seconds[1] / seconds[2])
        print(f"{points} points: one worker {seconds[1]:.1f} s, two {seconds[2]:.1f} s, {ratios[-1]:.2f} times")
    figure(f"study of {points} prices: two workers as fast as one, by the clock", ratios, at_least=1.7)
    print(f"two workers against one: median {sorted(ratios)[len(ratios) // 2]:.2f} times")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or ("400", "1")))

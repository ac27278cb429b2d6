"""Record what `veridical reproduce` gives for the page of published numbers: `python docs/record.py`, a few minutes."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generators.published import RECORD, plain  # noqa: E402 - found by the line above

import veridical as vd  # noqa: E402

if __name__ == "__main__":
    found = {}
    for reproduction in vd.reproduce(vd.studies.REPRODUCTIONS):
        table = reproduction.to_dict()
        rows = [{key: plain(value) for key, value in row.items()} for row in table["rows"]]
        found[reproduction.name] = {"title": reproduction.title, "rows": rows}
        print(reproduction.name, len(rows))
    RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

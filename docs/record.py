"""Record what `veridical reproduce` gives for the page of published numbers: `python docs/record.py [NAME ...]`."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import veridical as vd
from generators.published import RECORD, plain

if __name__ == "__main__":
    found = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    for reproduction in vd.reproduce(sys.argv[1:] or vd.studies.REPRODUCTIONS):
        rows = [{key: plain(value) for key, value in row.items()} for row in reproduction.to_dict()["rows"]]
        found[reproduction.name] = {"title": reproduction.title, "rows": rows}
        ordered = {name: found[name] for name in vd.studies.REPRODUCTIONS if name in found}
        RECORD.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
        print(reproduction.name, len(rows), flush=True)

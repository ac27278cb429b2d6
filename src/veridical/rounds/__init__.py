"""Rounds of sealed reports: every participant reports before a deadline, the mechanism clears once, each learns his own part.

A round is made of a case, by `terms`: the menus that suppliers choose from, or the bids that an auction posts. What a round is
made of is frozen then. All that happens afterwards is one log of entries, each with the hash of the one before (`chain`), in a
database (`store`): a report in it is encrypted with a key that nobody needs but who clears the round (`sealing`). `book` is what
can be done with rounds, `exports` what is handed out of them and checked, `web` the pages and the JSON API.

Needs the extra `web`. Who may see, change, delay or deny what: docs/threat-model.md.
"""

__all__: list[str] = []

"""A joint plan of separate firms: its case taken apart into folders, one for each to keep, and what each of them runs.

Modules: `splitting` (the folders), `certificates` (the coordinator's, by which the firms know whom they talk to), `homes` (a
party's folder, and the agent that answers from it).
"""

"""The tables and figures of the papers, recomputed: published, as published, exact; and their claims, each true or false."""

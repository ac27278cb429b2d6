"""HTML that is read back: whether it is whole, what it refers to, and its words."""

from html.parser import HTMLParser

VOID = {"wbr", "meta", "br", "hr", "img", "link"}
REFERRING = ("href", "src", "xlink:href", "srcset", "data", "action")


class Page(HTMLParser):
    """Whether HTML is whole, what it refers to, and its words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.references: list[str] = []
        self.words: list[str] = []
        self.within = False
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.within = tag == "wbr"
        self.references += [value or "" for name, value in attrs if name in REFERRING]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["style"]:
            return
        if self.within:  # a word that lines may end in
            self.words[-1] += data
        else:
            self.words.append(data)
        self.within = False

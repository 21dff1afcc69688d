"""Reads a page as strictly as tests of reports need."""

from html.parser import HTMLParser

VOID = {"meta", "link", "wbr", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """A page whose tags are balanced, with its tables, ids and addresses.

    Attributes:
        tables: by caption, each a list of rows of the cells' texts.
        titles: the title attributes of cells, in order.
        ids: every id, in order.
        links: addresses of ``a href``.
        loads: addresses of anything that a browser would fetch.
        text: all text outside of style and script.
        size: in bytes.
    """

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.tables, self.titles, self.ids, self.links, self.loads = {}, [], [], [], []
        self.tags, self.text = [], ""
        self.size = len(source.encode())
        self._open, self._rows, self._caption = [], None, ""
        self.feed(source)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        assert len(values) == len(attributes), f"an attribute of {tag} is there twice"
        self.tags.append((tag, values))
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "a":
            self.links.append(values["href"])
        self.loads += [values[k] for k in ("src", "srcset", "data", "action") if k in values]
        if tag == "link":
            self.loads.append(values["href"])
        if tag == "table":
            self._rows, self._caption = [], ""
        if tag == "tr":
            self._rows.append([])
        if tag in ("td", "th"):
            self._rows[-1].append("")
            self.titles.append(values.get("title", ""))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert tag not in VOID
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag
        if tag == "table":
            self.tables.setdefault(self._caption, self._rows)
            self._rows = None

    def handle_data(self, data):
        if self._open and self._open[-1] in ("style", "script"):
            return
        self.text += data
        if "caption" in self._open and "small" not in self._open:
            self._caption += data
        elif self._rows and self._rows[-1] and ("td" in self._open or "th" in self._open):
            self._rows[-1][-1] += data

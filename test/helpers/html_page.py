"""An HTML page as a reader and a browser take it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "img", "br", "link", "input", "hr", "rect", "line", "polyline", "path"}


class HtmlPage(HTMLParser):
    """Checks that tags nest, and collects what a reader and a browser take from the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == [], "tags that are not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open, f"</{tag}> closes nothing"
            assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def check_stands_alone(html: str) -> HtmlPage:
    """What holds for every page of this package."""
    page = HtmlPage(html)
    assert html.startswith("<!doctype html>")
    assert not re.search(r"https?:|//[a-z]|@import|url\(", re.sub(r'"data:image/[^"]*"', '""', html))
    for tag in ("script", "link", "iframe", "object", "base", "form"):
        assert page.named(tag) == []
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
    assert all(image.get("alt") for image in page.named("img"))
    assert all(chart.get("aria-label") and chart.get("role") == "img" for chart in page.named("svg"))
    assert all(cell.get("scope") in ("col", "row") for cell in page.named("th"))
    assert page.named("html")[0].get("lang") == "en"
    assert any("width=device-width" in (meta.get("content") or "") for meta in page.named("meta"))
    return page

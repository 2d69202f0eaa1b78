"""A letter in all its forms: plain text, HTML with pictures, an `.eml` file.

Belongs here: layout. Does not belong here: what a letter says (`reports`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from dashboards.base.page import Both, environment
from dashboards.base.theme import PALETTE
from dashboards.mail.picture import HEIGHT, WIDTH
from dashboards.wording.message import one_line


@dataclass(frozen=True)
class Part:
    """A titled list; cells of a line from left to right, the first is its name."""

    title: Both
    rows: Sequence[Sequence[Both]]


@dataclass(frozen=True)
class Drawing:
    """A picture and the sentence that says what it shows."""

    png: bytes
    caption: Both


@dataclass(frozen=True)
class Letter:
    """What is told.

    Attributes:
        kind: daily or weekly.
        name: the day or week it is about; safe in a file name.
        subject: one line.
        headline: the first sentence of the page it stands for.
        remarks: more sentences.
        href: that page, below the site.
    """

    kind: str
    name: str
    subject: Both
    headline: Both
    remarks: Sequence[Both] = ()
    parts: Sequence[Part] = ()
    drawings: Sequence[Drawing] = ()
    href: str = "index.html"

    @property
    def pictures(self) -> dict[str, Drawing]:
        """The drawings by the names its HTML knows them by."""
        return {f"{self.kind}-{n}.png": drawing for n, drawing in enumerate(self.drawings)}

    def link(self, site: str, lang: str) -> str:
        """Address of its page; empty where the pages are not served."""
        return f"{site.rstrip('/')}/{self.href}#lang={lang}" if site else ""

    def text(self, site: str, languages: Sequence[str]) -> str:
        """All of it without markup, a block a language."""
        return "\n\n".join(self._block(site, lang) for lang in languages)

    def card(self, site: str, languages: Sequence[str]) -> str:
        """In short, for a chat: the sentences and the first list, a block a language."""
        return "\n\n".join(self._block(site, lang, most=1) for lang in languages)

    def _block(self, site: str, lang: str, most: int | None = None) -> str:
        lines = [one_line(one.get(lang)) for one in (self.headline, *self.remarks)]
        for part in self.parts[:most]:
            lines += ["", one_line(part.title.get(lang))]
            lines += [
                "  " + one_line("  ".join(cell.get(lang) for cell in row if cell.get(lang)))
                for row in part.rows
            ]
        if link := self.link(site, lang):
            lines += ["", link]
        return "\n".join(lines)

    def html(self, site: str, languages: Sequence[str]) -> str:
        """Tables and inline styles alone, as mail programs read them; pictures by `cid`."""
        return (
            environment()
            .get_template("mail.html")
            .render(
                letter=self,
                shown=languages,
                site=site,
                colours={colour.role: colour.light for colour in PALETTE},
                width=WIDTH // 2,
                height=HEIGHT // 2,
            )
        )

    def eml(self, site: str, languages: Sequence[str], sent: datetime) -> bytes:
        """The whole as a file that mail programs open; equal letters give equal bytes.

        Args:
            site: address of the pages; empty if they are not served.
            languages: in order; the subject is in the first.
            sent: instant with a zone.
        """
        mail = EmailMessage(policy=SMTP)
        mail["Subject"] = one_line(self.subject.get(languages[0]))
        mail["Date"] = format_datetime(sent)
        mail["Message-ID"] = f"<{self.kind}.{self.name}@kpi-warehouse.invalid>"
        mail["X-Unsent"] = "1"
        mail.set_content(self.text(site, languages))
        mail.add_alternative(self.html(site, languages), subtype="html")
        page = list(mail.iter_parts())[-1]
        assert isinstance(page, EmailMessage)
        for name, drawing in self.pictures.items():
            page.add_related(drawing.png, "image", "png", cid=f"<{name}>", filename=name)
        mail.set_boundary(f"kpi-{self.kind}-{self.name}")
        if page.is_multipart():
            page.set_boundary(f"kpi-{self.kind}-{self.name}-page")
        return mail.as_bytes()

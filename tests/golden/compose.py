"""Compose documents from our own articles with labels in any spelling, and what is in them."""

import random
from dataclasses import dataclass, field

from golden.articles import ARABIC, ENGLISH, Part

PUBLISHED = (
    "تاريخ النشر: 27th, December 2023 GMT",
    "تاريخ النشر : ٢٧ ديسمبر ٢٠٢٣",
    "تأريخ النشر： 27/12/2023",
    "نُشر في: الأربعاء 27 ديسمبر 2023",
    "نشر في 27 كانون الأول 2023",
    "تـاريخ النـشر:\n27-12-2023",
    "التاريخ\n2023-12-27",
    "تم النشر بتاريخ 27 دجنبر 2023",
)
ORIGIN = (
    "المصدر: {}",
    "المصدر : {}",
    "الْمَصْدَر： {}",
    "مصدر الخبر؛ {}",
    "المصــدر:{}",
    "المصدر:\n{}",
    "المصدر / {}",
)
ORIGINS = ("بوابة الشرق", "صحيفة الميدان", "رويترز", "وكالة أنباء الضفة")
KEYWORDS = (
    "كلمات دلالية: {}",
    "كلمات دلاليّة : {}",
    "الكلمات المفتاحية: {}",
    "كلمات مفتاحية:\n{}",
    "وسوم: {}",
    "الكلمات الدلالية： {}",
)
RELATED = (
    "إقرأ أيضاً:",
    "اقرأ أيضا",
    "اقرأ أيضًا:",
    "إقــرأ أيضاً :",
    "اقرا ايضا：",
    "أخبار ذات صلة",
    "مواضيع ذات صلة:",
    "إقرأ أيضاً..",
)

PUBLISHED_EN = (
    "Published: 27th, December 2023 GMT",
    "PUBLISHED ON: December 27, 2023",
    "Date: 27 Dec 2023",
    "Publication date\n2023-12-27",
    "Posted on 27 December 2023",
)
ORIGIN_EN = ("Source: {}", "SOURCE : {}", "Source：{}", "Source:\n{}")
ORIGINS_EN = ("Harbour Times", "Reuters", "The Valley Post")
KEYWORDS_EN = ("Keywords: {}", "Tags: {}", "KEY WORDS : {}", "Tags:\n{}")
RELATED_EN = ("Read also:", "Related articles", "READ MORE:", "See also:", "Related stories:")

POINTERS = {
    "ar": "افتتاح معرض الكتاب الدولي بمشاركة مئة ناشر",
    "en": "Minister opens the new harbour museum",
}


@dataclass
class Wanted:
    title: str
    paragraphs: list[str]
    dated: bool = False
    origin: str | None = None
    keywords: str | None = None
    related: list[str] = field(default_factory=list)


def compose(seed: int, *, most: int = 4, subheads: bool = False) -> tuple[str, list[Wanted]]:
    """Return a document and the articles in it; the first one names the others as related."""
    draw = random.Random(f"document/{seed}")
    english = draw.random() < 0.35
    parts = draw.sample(ENGLISH if english else ARABIC, draw.randint(1, most))
    repeated = draw.random() < 0.5
    gap = draw.choice(("\n", "\n", "\n\n"))
    words = (
        (PUBLISHED_EN, ORIGIN_EN, ORIGINS_EN, KEYWORDS_EN, RELATED_EN)
        if english
        else (PUBLISHED, ORIGIN, ORIGINS, KEYWORDS, RELATED)
    )
    blocks: list[str] = []
    wanted: list[Wanted] = []
    for number, part in enumerate(parts):
        if number and (number == 1 or repeated):
            blocks.append(draw.choice(words[4]))
        lines, found = _article(draw, part, words, labelled=draw.random() < 0.6, subheads=subheads)
        blocks += lines
        wanted.append(found)
    if len(wanted) > 1:
        wanted[0].related = list(
            dict.fromkeys([*wanted[0].related, *(w.title for w in wanted[1:])])
        )
    return gap.join(blocks), wanted


def _article(
    draw: random.Random,
    part: Part,
    words: tuple[tuple[str, ...], ...],
    *,
    labelled: bool,
    subheads: bool,
) -> tuple[list[str], Wanted]:
    published, origin, origins, keywords, related = words
    wanted = Wanted(part.title, list(part.paragraphs))
    lines = [part.title]
    if draw.random() < 0.15:
        lines.append(part.title)
    if labelled and draw.random() < 0.8:
        lines.append(draw.choice(published))
        wanted.dated = True
    paragraphs = list(part.paragraphs)
    if subheads and part.subheads:
        paragraphs[1:1] = [part.subheads[0]]
        paragraphs[3:3] = [part.subheads[1]]
        wanted.paragraphs = list(paragraphs)
    if draw.random() < 0.2:
        pointer = POINTERS[part.language]
        header = draw.choice([r for r in related if r.rstrip().endswith((":", "：", ".."))])
        paragraphs.insert(2, f"{header} {pointer}")
        wanted.related.append(pointer)
    lines += paragraphs
    if labelled and draw.random() < 0.8:
        wanted.origin = draw.choice(origins)
        lines.append(draw.choice(origin).format(wanted.origin))
    if labelled and draw.random() < 0.8:
        wanted.keywords = (
            " ".join(part.title.split()[:5])
            if draw.random() < 0.5
            else "، ".join(part.title.split()[:4])
        )
        lines.append(draw.choice(keywords).format(wanted.keywords))
    return lines, wanted

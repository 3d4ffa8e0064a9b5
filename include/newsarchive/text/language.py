"""Tell the language of a text: by its script where that is enough, else by a model."""

import functools
import re
from collections import Counter
from typing import Any

_SAMPLE = 3_000
_ENOUGH = 40
"""Letters below which a text says less of its language than the page does."""

# Scripts that one language of newspapers writes; (first, last code point, language, others that a
# hint may name).
_SCRIPTS: tuple[tuple[str, str, str, str], ...] = (
    ("\u0370", "\u03ff", "el", ""),
    ("\u0530", "\u058f", "hy", ""),
    ("\u0590", "\u05ff", "he", "yi"),
    ("\u0980", "\u09ff", "bn", "as"),
    ("\u0a00", "\u0a7f", "pa", ""),
    ("\u0a80", "\u0aff", "gu", ""),
    ("\u0b00", "\u0b7f", "or", ""),
    ("\u0b80", "\u0bff", "ta", ""),
    ("\u0c00", "\u0c7f", "te", ""),
    ("\u0c80", "\u0cff", "kn", ""),
    ("\u0d00", "\u0d7f", "ml", ""),
    ("\u0d80", "\u0dff", "si", ""),
    ("\u0e00", "\u0e7f", "th", ""),
    ("\u0e80", "\u0eff", "lo", ""),
    ("\u0f00", "\u0fff", "bo", "dz"),
    ("\u1000", "\u109f", "my", ""),
    ("\u10a0", "\u10ff", "ka", ""),
    ("\u1200", "\u137f", "am", "ti"),
    ("\u1780", "\u17ff", "km", ""),
    ("\uac00", "\ud7a3", "ko", ""),
)
# Letters that Arabic does not have, and words that the languages written with them cannot do
# without.
_URDU = re.compile("[ٹڈڑںےھ]")
_PASHTO = re.compile("[ښځڅډړڼېۍ]")
_KURDISH = re.compile("[ێۆڕڵەڤ]")
_UYGHUR = re.compile("[ېۈۇڭ]")
_PERSIAN = re.compile("[پچژگکی]")
_PERSIAN_WORDS = re.compile(r"\b(?:است|این|اين|که|را|می|برای|شده|های|كه|مي|از)\b")

# The commonest words: they confirm the page's own word, without the model.
_COMMON_WORDS = """
en: the of and to in a is that for on with was as it by at from has be are said he his this have not
    you your we our they their or but an which who more can will
fr: de la le et les des en un une du que dans est pour qui sur au par il a plus
es: de la que el en y a los del las un por con no una su para es al lo se
pt: de a o que e do da em um para com não uma os no se na por mais as dos
it: di che e il la per un in è a non del si una con i le da della sono al
de: der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als er es bei nach
nl: de van het een en in is dat op te met voor zijn die niet aan er om ook als
tr: ve bir bu için ile da de olarak çok daha olan gibi sonra kadar ise dedi en ne göre
id: yang dan di dengan untuk dari ini itu pada dalam tidak akan juga ke oleh adalah telah bisa
pl: i w z na się że do nie jest o od za po jak to przez przy dla oraz który
sv: och i att det som en på är av för med till den har inte om ett men var sig
ru: и в на что не с по из для как это от о за его был к но до при
"""
_COMMON: dict[str, frozenset[str]] = {
    code: frozenset(words.split())
    for code, _, words in (
        entry.partition(":") for entry in re.split(r"\n(?=\w)", _COMMON_WORDS.strip())
    )
}
_COMMON_SHARE = 0.2
_COMMON_SAMPLE = 1_500  # characters of a text that are enough for that
_WORD = re.compile(r"[^\W\d_]+")
_NOT_LATIN = bytes(b for b in range(128) if not chr(b).isalpha())

# ISO 639-3 codes of the model, and old or regional codes of pages, as ISO 639-1.
_TO_639_1 = {
    "arz": "ar", "arb": "ar", "ara": "ar", "ary": "ar", "apc": "ar", "acm": "ar", "ckb":
    "ku", "kmr": "ku", "kur": "ku", "pes": "fa", "prs": "fa", "fas": "fa", "per": "fa",
    "iw": "he", "heb": "he", "in": "id", "ind": "id", "ji": "yi", "nb": "no", "nor": "no",
    "cmn": "zh", "zho": "zh", "chi": "zh", "yue": "zh", "eng": "en", "fra": "fr", "fre":
    "fr", "deu": "de", "ger": "de", "spa": "es", "por": "pt", "ita": "it", "tur": "tr",
    "rus": "ru", "urd": "ur", "pnb": "pa", "azb": "az", "jpn": "ja", "kor": "ko", "nld":
    "nl", "dut": "nl", "ell": "el", "gre": "el", "sh": "sr", "fil": "tl", "swh": "sw",
    "swa": "sw", "hin": "hi", "ben": "bn", "pus": "ps", "som": "so", "amh": "am", "mo":
    "ro", "jw": "jv",
}  # fmt: skip


def code_of(tag: str | None) -> str | None:
    """Return the ISO 639-1 code of a tag as pages write it (`ar-EG`, `ara`); None for others.

    Args:
        tag: BCP 47, a locale name, or an ISO 639 code; letter case and white space do not matter.
    """
    if not tag:
        return None
    head = re.split(r"[-_,;\s]", tag.strip().lower(), maxsplit=1)[0]
    head = _TO_639_1.get(head, head)
    return head if len(head) == 2 and head.isascii() and head.isalpha() and head != "xx" else None


def language_of(text: str, hint: str | None = None) -> str | None:
    """Return the language of a text, ISO 639-1; the hint where the text does not say.

    Args:
        text: an article or a headline; the first few thousand characters are read.
        hint: what the page or the source says of itself; it decides among languages of one script
            that look alike, and
            for texts of a few words.
    """
    hint = code_of(hint)
    sample = text[:_SAMPLE]
    latin = len(sample.encode("ascii", "ignore").translate(None, _NOT_LATIN))
    if 2 * latin > len(sample):  # most texts: no need to look at each letter
        scripts = Counter(latin=latin)
    else:
        scripts = Counter()
        for char, times in Counter(sample).items():
            if char.isalpha():
                scripts[_script(char)] += times
    if not scripts:
        return hint
    script, count = scripts.most_common(1)[0]
    kana = scripts["kana"]
    if script in ("kana", "han") and kana * 20 > scripts["han"] + kana:
        return "ja"
    if script == "han":
        return "zh"
    if script == "arabic":
        return _of_arabic_script(sample, count, hint)
    for _, _, language, others in _SCRIPTS:
        if language == script:
            return hint if hint and hint in others.split() else language
    if hint and count < _ENOUGH:
        return hint
    if hint in _COMMON and _is_common(sample[:_COMMON_SAMPLE], hint):
        return hint
    return _by_model(sample, hint)


def _script(char: str) -> str:
    if char < "\u0250":
        return "latin"
    if "\u0600" <= char <= "\u06ff" or "\ufb50" <= char <= "\ufdff" or "\ufe70" <= char <= "\ufeff":
        return "arabic"
    if "\u4e00" <= char <= "\u9fff" or "\u3400" <= char <= "\u4dbf":
        return "han"
    if "\u3040" <= char <= "\u30ff":
        return "kana"
    if "\u0400" <= char <= "\u052f":
        return "cyrillic"
    for first, last, language, _ in _SCRIPTS:
        if first <= char <= last:
            return language
    return "latin" if "\u1e00" <= char <= "\u1eff" else "other"


def _of_arabic_script(sample: str, count: int, hint: str | None) -> str | None:
    marks = {
        "ur": len(_URDU.findall(sample)),
        "ps": len(_PASHTO.findall(sample)),
        "ku": len(_KURDISH.findall(sample)),
        "ug": len(_UYGHUR.findall(sample)),
    }
    best = max(marks, key=lambda k: marks[k])
    if marks[best] > 0.02 * count:
        return hint if hint in ("sd", "ks") else best
    if (
        len(_PERSIAN.findall(sample)) > 0.03 * count
        or len(_PERSIAN_WORDS.findall(sample)) > 0.012 * count
    ):
        return "fa"
    return hint if count < _ENOUGH and hint in ("fa", "ur", "ps", "ku", "ug", "sd") else "ar"


def _is_common(sample: str, code: str) -> bool:
    words = _WORD.findall(sample.lower())
    common = _COMMON[code]
    return len(words) >= 20 and sum(map(common.__contains__, words)) >= _COMMON_SHARE * len(words)


def _by_model(sample: str, hint: str | None) -> str | None:
    # The model's words are NFC and lower case tells headlines in capitals from German.
    code, sure = load_model().classify(sample.lower() if sample.isupper() else sample)
    code = code_of(code)
    if code is None or (hint and code != hint and sure < 0.9):
        return hint or code
    return code


@functools.cache
def load_model() -> Any:  # py3langid has no types
    """Return the detector; to load it takes half a second and 30 MiB, once a process."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped,unused-ignore]

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

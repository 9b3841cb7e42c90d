"""Matches log lines with filter patterns as CloudWatch Logs does.

Gap: the emulator ignores case, asks for all of the terms that begin with '?', takes a
phrase apart at its spaces, and matches every line with a pattern for JSON. So the commands
of a playbook print other lines than on AWS. Delete this file when it does none of that.

The page is https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html.
What is not known here is an error: patterns for lines that are split at spaces, elements of
lists, IS and EXISTS.
"""

import json
import re

from ministack.services import cloudwatch_logs

TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|(\w+))(?=\s|$)')
TOKEN = re.compile(r'\s*(\(|\)|&&|\|\||!=|<=|>=|[=<>]|\$(?:\.\w+)+|"(?:[^"\\]|\\.)*"|%[^%]+%|[\w.*+-]+)')
NUMBERS = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def unquoted(text):
    return re.sub(r"\\(.)", r"\1", text)


def terms(pattern):
    """The matcher of a pattern of terms, all of them or any."""
    found, at = {"": [], "?": [], "-": []}, 0
    while at < len(pattern.rstrip()):
        term = TERM.match(pattern, at)
        if term is None:
            raise ValueError(f"filter pattern: {pattern[at:]!r} is not a term; what has other characters needs quotes")
        sign, phrase, regex, word = term.groups()
        found[sign].append(re.compile(regex or re.escape(word if phrase is None else unquoted(phrase))))
        at = term.end()
    if found["?"] and (found[""] or found["-"]):
        raise ValueError("filter pattern: '?' cannot be combined with other terms")
    return lambda line: (
        all(term.search(line) for term in found[""])
        and not any(term.search(line) for term in found["-"])
        and (not found["?"] or any(term.search(line) for term in found["?"]))
    )


def value(document, selector):
    for name in selector.split(".")[1:]:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def equal(have, want):
    """Whether a value is the wanted text, in which a star stands for any characters."""
    if isinstance(have, bool) or not isinstance(have, (str, int, float)):
        return False
    if want.startswith("%"):
        return isinstance(have, str) and re.search(want[1:-1], have) is not None
    want = unquoted(want[1:-1]) if want.startswith('"') else want
    if not isinstance(have, str) and number(want) is not None:
        return have == number(want)
    return re.fullmatch(".*".join(map(re.escape, want.split("*"))), str(have), re.DOTALL) is not None


class Expression:
    """The matcher of a pattern for JSON: selectors that are compared, with && and ||."""

    def __init__(self, text):
        self.tokens, at = [], 0
        while at < len(text.rstrip()):
            token = TOKEN.match(text, at)
            if token is None:
                raise ValueError(f"filter pattern: {text[at:]!r} is not known")
            self.tokens.append(token[1])
            at = token.end()
        self.matches = self.joined("||", any, lambda: self.joined("&&", all, self.one))
        if self.tokens:
            raise ValueError(f"filter pattern: {self.tokens} is left")

    def next(self):
        if not self.tokens:
            raise ValueError("filter pattern: it ends too early")
        return self.tokens.pop(0)

    def joined(self, sign, how, part):
        parts = [part()]
        while self.tokens and self.tokens[0] == sign:
            self.next()
            parts.append(part())
        return lambda document: how(match(document) for match in parts)

    def one(self):
        selector = self.next()
        if selector == "(":
            inner = self.joined("||", any, lambda: self.joined("&&", all, self.one))
            if self.next() != ")":
                raise ValueError("filter pattern: a bracket is not closed")
            return inner
        sign, want = self.next(), self.next()
        if not selector.startswith("$."):
            raise ValueError(f"filter pattern: {selector!r} is not a selector")
        if sign in NUMBERS:
            limit = float(want)
            # A number in quotes is a text.
            return lambda document: (
                isinstance(value(document, selector), (int, float)) and NUMBERS[sign](value(document, selector), limit)
            )
        if sign not in ("=", "!="):
            raise ValueError(f"filter pattern: {sign!r} is not known")
        return lambda document: (
            value(document, selector) is not None and equal(value(document, selector), want) == (sign == "=")
        )


def compiled(pattern):
    """_compile_filter_pattern, by AWS's rules."""
    pattern = (pattern or "").strip()
    if pattern.startswith("["):
        raise ValueError("filter pattern: lines that are split at spaces are not known")
    if not pattern.startswith("{"):
        return terms(pattern)
    expression = Expression(pattern.removeprefix("{").removesuffix("}").strip())

    def matches(line):
        try:
            return expression.matches(json.loads(line))
        except ValueError:
            return False

    return matches


def install():
    """Changes the emulator in this process."""
    cloudwatch_logs._compile_filter_pattern = compiled

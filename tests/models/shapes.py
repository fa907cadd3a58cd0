"""Values against the shapes of a service model: names, types, enumerations, bounds, patterns, required members."""

import base64
import binascii
import re
from collections import Counter

NUMBERS = {"integer", "long", "float", "double"}
TYPES = {
    "structure": dict, "map": dict, "list": list, "boolean": bool, "string": str, "character": str, "blob": str,
    "integer": int, "long": int, "float": (int, float), "double": (int, float), "timestamp": (int, float),
}


class Values:
    """Collects what is wrong. `on_wire` says how a member is called there, from its name and its shape."""

    def __init__(self, bounded_lists=True):
        # ECR's own answers break the bounds of lists, which its model shares with requests: an empty ListImages.
        self.bounded_lists = bounded_lists
        self.wrong = []
        self.unread_patterns = Counter()
        self.on_wire = lambda name, shape: name

    def say(self, path, text):
        self.wrong.append((path, text))

    def check(self, path, shape, value):
        kind = shape.type_name
        wrong_bool = isinstance(value, bool) and kind != "boolean"
        if wrong_bool or not isinstance(value, TYPES[kind]):
            self.say(path, f"{shown(value)} is not of type {kind}")
            return
        self.size(path, shape, value)
        inside = {"structure": self.structure, "map": self.map, "list": self.list}.get(kind, self.scalar)
        inside(path, shape, value)

    def structure(self, path, shape, value):
        members = {self.on_wire(name, member): member for name, member in shape.members.items()}
        for name in shape.required_members:
            if self.on_wire(name, shape.members[name]) not in value:
                self.say(path, f"required member {name} is missing")
        for name, item in value.items():
            if name not in members:
                self.say(f"{path}.{name}", "the model has no such member")
            else:
                self.check(f"{path}.{name}", members[name], item)
        if shape.is_tagged_union and len(value) != 1:
            self.say(path, f"one member of a union, not {sorted(value)}")

    def map(self, path, shape, value):
        for key, item in value.items():
            self.check(f"{path} key", shape.key, key)
            self.check(f"{path}[{key}]", shape.value, item)

    def list(self, path, shape, value):
        for item in value:
            self.check(f"{path}[]", shape.member, item)

    def scalar(self, path, shape, value):
        if "enum" in shape.metadata and value not in shape.metadata["enum"]:
            self.say(path, f"{shown(value)} is none of {', '.join(shape.metadata['enum'])}")
        if "pattern" in shape.metadata and isinstance(value, str):
            self.pattern(path, shape.metadata["pattern"], value)
        if shape.type_name == "blob":
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error:
                self.say(path, f"{shown(value)} is not base64")

    def pattern(self, path, pattern, value):
        # Classes of Unicode, which Python has not, as the next wider ones that it has.
        readable = pattern.replace(r"\p{L}", r"\w").replace(r"\p{N}", r"\d").replace(r"\p{Z}", r"\s")
        try:
            found = re.fullmatch(readable, value)
        except re.error:
            self.unread_patterns[pattern] += 1
            return
        if not found:
            self.say(path, f"{shown(value)} does not match {pattern}")

    def size(self, path, shape, value):
        if shape.type_name in ("structure", "boolean", "timestamp", "blob"):
            return
        if shape.type_name == "list" and not self.bounded_lists:
            return
        size = value if shape.type_name in NUMBERS else len(value)
        low, high = shape.metadata.get("min", size), shape.metadata.get("max", size)
        if not low <= size <= high:
            self.say(path, f"{shown(value)} is out of the bounds of {low} to {high}")


def shown(value):
    """What a report shows of it: records hold tokens and whole documents."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

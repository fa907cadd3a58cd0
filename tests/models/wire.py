"""From bytes on the wire to values, strictly: botocore's own parsers pass over elements and fields that they do not
know. The protocols are AWS's JSON 1.1, REST with JSON, and Query with its answers in XML."""

import re
from datetime import datetime
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def read_text(kind, text):
    """A scalar that was written as text; unreadable ones stay text, whose type is then wrong."""
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return float(text)
    except ValueError:
        return text
    if kind == "boolean":
        return {"true": True, "false": False}.get(text, text)
    if kind == "timestamp" and TIME.fullmatch(text):
        return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    return text


def wire_name(name, shape):
    return shape.serialization.get("name", name)


# Query requests


def form_fields(text):
    return dict(parse_qsl(text, keep_blank_values=True))


def read_form(shape, fields):
    """The value of an input shape. Takes out of `fields` what it reads; the rest is nobody's."""
    value = {}
    for name, member in shape.members.items() if shape else ():
        read_field(value, name, member, wire_name(name, member), fields)
    return value


def read_field(value, name, shape, key, fields):
    inside = [field for field in fields if field.startswith(key + ".")]
    if shape.type_name == "structure" and inside:
        value[name] = {}
        for inner, member in shape.members.items():
            read_field(value[name], inner, member, f"{key}.{wire_name(inner, member)}", fields)
    elif shape.type_name == "list" and (inside or key in fields):
        fields.pop(key, None)  # an empty list is an empty text
        value[name] = read_items(shape, key, fields)
    elif shape.type_name == "map" and inside:
        value[name] = read_entries(shape, key, fields)
    elif key in fields:
        value[name] = read_text(shape.type_name, fields.pop(key))


def read_items(shape, key, fields):
    flat = shape.serialization.get("flattened")
    stem = key if flat else f"{key}.{shape.member.serialization.get('name', 'member')}"
    items, count = [], 1
    while any(field == f"{stem}.{count}" or field.startswith(f"{stem}.{count}.") for field in fields):
        item = {}
        read_field(item, "item", shape.member, f"{stem}.{count}", fields)
        items.append(item.get("item"))
        count += 1
    return items


def read_entries(shape, key, fields):
    stem = key if shape.serialization.get("flattened") else f"{key}.entry"
    entries, count = {}, 1
    while f"{stem}.{count}.key" in fields:
        item = {}
        read_field(item, "item", shape.value, f"{stem}.{count}.value", fields)
        entries[fields.pop(f"{stem}.{count}.key")] = item.get("item")
        count += 1
    return entries


# XML answers


def bare(element):
    return element.tag.rpartition("}")[2]


def read_xml(path, shape, element, say):
    """The value of an element. Elements without a place in the shape are told to `say(path, text)`."""
    if shape.type_name == "structure":
        return read_members(path, shape, element, say)
    if shape.type_name == "list":
        wanted = shape.member.serialization.get("name", "member")
        for child in element:
            if bare(child) != wanted:
                say(f"{path}.{bare(child)}", f"a list has elements {wanted}")
        return [read_xml(f"{path}[]", shape.member, child, say) for child in element if bare(child) == wanted]
    if shape.type_name == "map":
        entries = {}
        for child in element:
            parts = {bare(part): part for part in child}
            if bare(child) != "entry" or set(parts) != {"key", "value"}:
                say(f"{path}.{bare(child)}", "a map has entries of key and value")
            else:
                entries[parts["key"].text] = read_xml(f"{path}[]", shape.value, parts["value"], say)
        return entries
    for child in element:
        say(f"{path}.{bare(child)}", f"an element inside of a {shape.type_name}")
    return read_text(shape.type_name, element.text or "")


def read_members(path, shape, element, say):
    members = {wire_name(name, member): (name, member) for name, member in shape.members.items()}
    value = {}
    for child in element:
        inner = f"{path}.{bare(child)}"
        name, member = members.get(bare(child), (None, None))
        flat = member is not None and member.type_name == "list" and member.serialization.get("flattened")
        if member is None:
            say(inner, "the model has no such element")
        elif flat:
            value.setdefault(name, []).append(read_xml(f"{inner}[]", member.member, child, say))
        elif name in value:
            say(inner, "is there twice")
        else:
            value[name] = read_xml(inner, member, child, say)
    return value


def read_answer(path, model, operation, text, say):
    """The value of a Query answer, out of its two envelopes."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as why:
        say(path, f"is not XML: {why}")
        return {}
    space = model.metadata.get("xmlNamespace")
    if root.tag != f"{{{space}}}{operation.name}Response":
        say(path, f"{root.tag} is not {operation.name}Response of {space}")
    shape = operation.output_shape
    wrapper = shape.serialization.get("resultWrapper") if shape else None
    value = {}
    for child in root:
        if bare(child) == wrapper:
            value = read_xml(path, shape, child, say)
        elif bare(child) != "ResponseMetadata":
            say(f"{path}.{bare(child)}", f"a {operation.name}Response has no such element")
    return value


def read_fault(path, text, say):
    """Code and members of a refused Query call."""
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as why:
        say(path, f"is not XML: {why}")
        return None, {}
    error = next((child for child in root if bare(child) == "Error"), None)
    if bare(root) != "ErrorResponse" or error is None:
        say(path, "is no ErrorResponse with an Error")
        return None, {}
    members = {bare(child): child.text or "" for child in error}
    if members.pop("Type", None) not in ("Sender", "Receiver"):
        say(f"{path}.Type", "is neither Sender nor Receiver")
    return members.pop("Code", None), members


# REST


def route(model, method, path):
    """The operation at a path and the labels in it; the longest literal path wins."""
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        template = http["requestUri"].split("?")[0]
        parts = re.split(r"\{(\w+)\+?\}", template)
        pattern = "".join(f"(?P<{part}>[^/]+)" if odd % 2 else re.escape(part) for odd, part in enumerate(parts))
        match = re.fullmatch(pattern + "/?", urlsplit(path).path)
        if match and http["method"] == method:
            labels = {label: unquote(text) for label, text in match.groupdict().items()}
            found.append((len(template), name, labels))
    return max(found, default=(0, None, {}), key=lambda route: route[0])[1:]


def read_rest(operation, path, labels, body, say):
    """The value of an input: what is in the path, in the query and in the body, under the names of members."""
    shape = operation.input_shape
    members = shape.members if shape else {}
    fields = parse_qsl(urlsplit(path).query, keep_blank_values=True)
    query = dict(fields)
    value = {}
    for name, member in members.items():
        place = {"uri": labels, "querystring": query}.get(member.serialization.get("location"), {})
        if wire_name(name, member) in place:
            text = place.pop(wire_name(name, member))
            # A list is a field that comes again and again.
            items = [item for field, item in fields if field == wire_name(name, member)]
            value[wire_name(name, member)] = items if member.type_name == "list" else read_text(member.type_name, text)
    for name in query:
        say(f"?{name}", "the model has no such field of the query")
    for name in body:
        if name in value:
            say(f".{name}", "is in the body and elsewhere")
    return {**value, **body}

"""Holds recorded AWS calls and their answers against the service models that botocore ships.

Reads the file that `dockless sandbox start --record FILE` writes, one JSON object a line, and prints every violation:
operations and members that the model does not have, missing required members, wrong types, values outside of
enumerations, patterns and bounds. Exits with 1 if there are any, and prints how many calls were checked.
"""

import json
import re
import sys
from collections import Counter

import botocore.session

TEXTS = {"string", "blob", "character"}

# Services whose name in IAM is not botocore's.
NAMES = {"elasticloadbalancing": "elbv2"}


class Checker:
    def __init__(self):
        self.session = botocore.session.get_session()
        self.models = {}
        self.violations = []
        self.checked = Counter()

    def model(self, service):
        if service not in self.models:
            self.models[service] = self.session.get_service_model(NAMES.get(service, service))
        return self.models[service]

    def check(self, call):
        service, operation = call["action"].split(":", 1)
        model = self.model(service)
        where = f"{service}:{operation}"
        if operation not in model.operation_names:
            refused = call["status"] >= 400
            if not refused:
                self.violations.append(f"{where}: the model has no such operation")
            return
        shapes = model.operation_model(operation)
        self.checked[where] += 1
        if call["status"] >= 400:
            self.error(where, shapes, call)
            return
        if isinstance(call["answer"], dict):
            if shapes.input_shape:
                self.value(f"{where} request", shapes.input_shape, call["request"])
            if shapes.output_shape:
                self.value(f"{where} answer", shapes.output_shape, call["answer"])

    def error(self, where, shapes, call):
        anywhere = {
            "AccessDeniedException", "AccessDenied", "ThrottlingException", "UnknownOperationException",
            "SerializationException", "MissingAuthenticationTokenException", "ValidationError", "ValidationException",
            "InvalidAction",
        }
        known = {shape.name for shape in shapes.error_shapes} | anywhere
        known |= {shape.error_code for shape in shapes.error_shapes}
        if call["answer"].get("__type") not in known:
            self.violations.append(f"{where}: the model does not have the error {call['answer']}")

    def value(self, path, shape, value):
        kind = shape.type_name
        right = {
            "structure": dict, "map": dict, "list": list, "boolean": bool, "integer": int, "long": int,
            "timestamp": (int, float), "float": (int, float), "double": (int, float), **{text: str for text in TEXTS},
        }[kind]
        wrong_bool = isinstance(value, bool) and kind != "boolean"
        if not isinstance(value, right) or wrong_bool:
            self.violations.append(f"{path}: {value!r} is not of type {kind}")
            return
        getattr(self, kind if kind in ("structure", "map", "list") else "scalar")(path, shape, value)

    def structure(self, path, shape, value):
        for name in shape.required_members:
            if name not in value:
                self.violations.append(f"{path}: required member {name} is missing")
        for name, member in value.items():
            if name not in shape.members:
                self.violations.append(f"{path}: the model has no member {name}")
            else:
                self.value(f"{path}.{name}", shape.members[name], member)

    def map(self, path, shape, value):
        for key, item in value.items():
            self.value(f"{path}[{key!r}]", shape.value, item)

    def list(self, path, shape, value):
        for place, item in enumerate(value):
            self.value(f"{path}[{place}]", shape.member, item)

    def scalar(self, path, shape, value):
        meta = shape.metadata
        if "enum" in meta and value not in meta["enum"]:
            self.violations.append(f"{path}: {value!r} is none of {meta['enum']}")
        if isinstance(value, str) and "pattern" in meta and not re.search(meta["pattern"], value):
            self.violations.append(f"{path}: {value!r} does not match {meta['pattern']}")
        size = len(value) if isinstance(value, str) else value
        if shape.type_name in TEXTS | {"integer", "long"}:
            if size < meta.get("min", size) or size > meta.get("max", size):
                self.violations.append(f"{path}: {value!r} is out of bounds")


def main():
    checker = Checker()
    with open(sys.argv[1]) as lines:
        for line in lines:
            checker.check(json.loads(line))
    for violation in checker.violations:
        print(violation)
    print(f"{sum(checker.checked.values())} calls of {len(checker.checked)} operations checked")
    sys.exit(1 if checker.violations else 0)


if __name__ == "__main__":
    main()

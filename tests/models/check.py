"""Holds recorded AWS calls against the service models that botocore ships.

    check.py FILE|DIR...

Reads what `dockless sandbox start --record FILE` writes, and the tests' stand-ins for AWS likewise: one call a line.
Every request of dockless must be as the model has it, refused or not, whoever answered; so must every answer of the
sandbox, and every request that the sandbox let pass. Prints each violation once, what was checked and what was not;
exits with 1 if there are violations, or nothing to check.
"""

import json
import os
import sys
from collections import Counter
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import botocore.session

import wire
from shapes import Values

# Known by the target prefix (JSON), the version (Query) or the signature (REST) of a call.
SERVICES = (
    "ecs", "ecr", "ecr-public", "sts", "iam", "elbv2", "events", "scheduler", "logs", "cloudwatch", "codedeploy",
    "cloudformation", "application-autoscaling", "secretsmanager", "ssm",
)

# Errors that every service has, modelled or not: "Common Errors" of each service's API reference.
COMMON_ERRORS = {
    "AccessDenied", "AccessDeniedException", "ExpiredToken", "ExpiredTokenException", "InternalFailure",
    "InvalidAction", "InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken",
    "MissingAuthenticationTokenException", "SerializationException", "ServiceUnavailable", "SignatureDoesNotMatch",
    "Throttling", "ThrottlingException", "UnknownOperationException", "UnrecognizedClientException", "ValidationError",
    "ValidationException",
}

EMPTY_IN_MINISTACK = [
    f"ecs:RegisterTaskDefinition request.{member}"
    for member in ("ephemeralStorage", "proxyConfiguration", "runtimePlatform", "ipcMode", "pidMode")
]

# What breaks the models on purpose, by test and member: nothing else may.
ON_PURPOSE = {
    # Members that AWS does not have, yet, nulls, which it does not send, and text that it would refuse: documents go
    # through dockless as they are.
    "aws.calls.body_is_lossless_*": ["*.newestFeature"],
    "deploy.lossless.*": [
        "*.newestFeature", "*.zz", "*.zuerst", "*.newMember", "*.environment.source", "*.logConfiguration.futureOptions",
        "*.tags.extra", "*.tags.value", "*.healthCheck", "*.placementConstraints",
    ],
    # A label in a path that has to be escaped, which no name of AWS's needs.
    "aws.services.rest_service_is_named_by_its_path.*": ["scheduler:GetSchedule request.Name"],
    "deploy.images.a_variable_full_of_syntax_*": ["*.tags.value"],
    "deploy.orb_defects.orb_loses_members_*": ["*.memberOfTomorrow", "*.tags.value"],
    "deploy.orb_defects.orb_breaks_tags_*": ["*.tags.value"],
    # They stay in the sandbox as they are, too, and null is as good as nothing.
    "sandbox.ecs.stories.*": ["*.unknown*"],
    "sandbox.schedules.timetable_survives_*": ["*.Unknown"],
    "sandbox.ecs.stories.services.capacity_providers_*": ["ecs:CreateService request.launchType"],
    # Ministack describes what was not set as null or as empty text, and is sent what it said.
    "deploy.stack.*": EMPTY_IN_MINISTACK,
    "examples.*": EMPTY_IN_MINISTACK,
    # So does moto with schedules.
    "permissions.scheduled_tasks_*": [f"*.{name}" for name in ("ActionAfterCompletion", "EndDate", "KmsKeyArn", "StartDate")],
}


@cache
def models():
    session = botocore.session.get_session()
    return [session.get_service_model(name) for name in SERVICES]


def protocols(model):
    """CloudWatch speaks several."""
    return model.metadata.get("protocols") or [model.metadata["protocol"]]


class Check:
    def __init__(self, on_purpose=ON_PURPOSE):
        of = lambda protocol: [model for model in models() if protocol in protocols(model)]
        self.targets = {model.metadata["targetPrefix"]: model for model in of("json")}
        self.versions = {model.api_version: model for model in of("query")}
        self.rest = {model.signing_name: model for model in of("rest-json")}
        self.on_purpose = on_purpose
        self.requests, self.answers, self.skipped = Counter(), Counter(), Counter()
        self.violations = {}
        self.unread_patterns = Counter()

    # One call

    def check(self, call, where):
        self.where = where
        self.call = call
        self.ours = is_ours(call)
        self.sandbox = call.get("server", "sandbox") == "sandbox"
        self.passed = call["status"] is not None and call["status"] < 400
        found = self.find(call)
        if found is None:
            return
        self.protocol, model, name, read = found
        path = f"{model.service_name}:{name}"
        if name not in model.operation_names:
            self.unknown(path)
            return
        operation = model.operation_model(name)
        self.request(path, model, operation, read)
        self.answer(path, model, operation)

    def find(self, call):
        """Protocol, model, operation, and how to read the input; None if it is no call of AWS."""
        target, body = call.get("target"), call["request"]
        if target:
            prefix, _, name = target.partition(".")
            if prefix not in self.targets:
                self.unknown(target)
                return None
            return "json", self.targets[prefix], name, self.read_json
        fields = wire.form_fields(body) if isinstance(body, str) else {}
        if "Action" in fields:
            model = self.versions.get(fields.get("Version"))
            if model is None:
                self.unknown(f"{fields['Action']} of {fields.get('Version')}")
                return None
            return "query", model, fields["Action"], self.read_query
        if call.get("service") in self.rest:
            model = self.rest[call["service"]]
            name, labels = wire.route(model, call["method"], call["path"])
            name = name or f"{call['method']} {call['path']}"
            return "rest-json", model, name, lambda *more: self.read_rest(labels, *more)
        self.skipped["requests to other than AWS's APIs (an instance's metadata, a CI system's tokens)"] += 1
        return None

    def unknown(self, path):
        """Nobody at AWS answers that: dockless must not ask for it, nor the sandbox let it pass."""
        if self.ours or (self.sandbox and self.passed):
            self.violation(path, "no model has such an operation")
        else:
            self.skipped["calls of operations that do not exist, made by tests and refused"] += 1

    # Requests

    def request(self, path, model, operation, read):
        if not self.ours and not (self.sandbox and self.passed):
            self.skipped["requests of tests that were refused or went to another server"] += 1
            return
        values = self.values()
        value = read(f"{path} request", model, operation, values)
        if value is None:
            return
        if operation.input_shape:
            values.check(f"{path} request", operation.input_shape, value)
        elif value:
            values.say(f"{path} request", "the operation takes nothing")
        if self.ours:
            self.headers(f"{path} request", model, operation, values)
            self.requests[path] += 1
        self.take(values)

    def headers(self, path, model, operation, values):
        signed = self.call.get("service")
        if signed is None and operation.auth_type != "none":
            values.say(path, "is not signed")
        if signed is not None and signed not in (model.signing_name, model.endpoint_prefix):
            values.say(path, f"is signed for {signed}")
        if self.protocol == "json":
            wanted = f"application/x-amz-json-{model.metadata['jsonVersion']}"
            if self.call.get("content_type") != wanted:
                values.say(path, f"is {self.call.get('content_type')}, not {wanted}")

    def read_json(self, path, model, operation, values):
        body = self.call["request"]
        if body == "":
            return {}
        if isinstance(body, str) and self.call["status"] is None:
            self.skipped["requests that were cut off"] += 1
            return None
        return body

    def read_query(self, path, model, operation, values):
        fields = wire.form_fields(self.call["request"])
        del fields["Action"], fields["Version"]
        value = wire.read_form(operation.input_shape, fields)
        for name in fields:
            values.say(f"{path}.{name}", "the model has no such member")
        return value

    def read_rest(self, labels, path, model, operation, values):
        body = self.call["request"]
        if body not in ("", None) and not isinstance(body, dict):
            values.say(path, "the body is no document")
        say = lambda inner, text: values.say(path + inner, text)
        return wire.read_rest(operation, self.call["path"], labels, body or {}, say)

    # Answers

    def answer(self, path, model, operation):
        if self.call["status"] is None:
            self.skipped["answers that were cut off"] += 1
            return
        if not self.sandbox:
            self.skipped[f"answers of other servers ({self.call['server']})"] += 1
            return
        values = self.values(bounded_lists=False)
        if self.passed:
            self.success(f"{path} answer", model, operation, values)
        else:
            self.refusal(f"{path} refusal", model, operation, values)
        self.answers[path] += 1
        self.take(values)

    def success(self, path, model, operation, values):
        said, shape = self.call["answer"], operation.output_shape
        if self.protocol == "query":
            said = wire.read_answer(path, model, operation, said, values.say)
        if shape:
            values.check(path, shape, said or {})
        elif said:
            values.say(path, "the operation answers nothing")

    def refusal(self, path, model, operation, values):
        said = self.call["answer"]
        if self.protocol == "query":
            code, members = wire.read_fault(path, said, values.say)
        elif isinstance(said, dict):
            members = {name: item for name, item in said.items() if name not in ("__type", "code")}
            code = said.get("__type") or said.get("code") or self.call.get("error_type")
        else:
            values.say(path, "is no document")
            return
        code = code and code.split("#")[-1].split(":")[0]
        shape = next((shape for shape in operation.error_shapes if code in (shape.name, shape.error_code)), None)
        if shape is not None:
            self.modelled(path, model, shape, members, values)
        elif code not in COMMON_ERRORS:
            values.say(path, f"the model does not have the error {code}")
        elif not set(members) <= {"message", "Message"}:
            values.say(path, f"{code} has no members {', '.join(members)}")

    def modelled(self, path, model, shape, members, values):
        # Errors of Events and Logs are modelled without the message that all have, and Query spells it its own way.
        if self.protocol == "query" or not {"message", "Message"} & set(shape.members):
            members = {name: item for name, item in members.items() if name not in ("message", "Message")}
        values.check(f"{path} {shape.name}", shape, members)
        status = shape.metadata.get("error", {}).get("httpStatusCode")
        if status not in (None, self.call["status"]):
            values.say(f"{path} {shape.name}", f"comes with {status}, not with {self.call['status']}")

    # What was found

    def values(self, **how):
        values = Values(**how)
        if self.protocol == "rest-json":
            values.on_wire = wire.wire_name
        return values

    def take(self, values):
        self.unread_patterns += values.unread_patterns
        for path, text in values.wrong:
            self.violation(path, text)

    def violation(self, path, text):
        if self.is_meant(path.replace("[]", "")):
            self.skipped["values that break the models on purpose"] += 1
        else:
            who = "dockless" if self.ours else "sandbox" if self.sandbox else self.call["server"]
            self.violations.setdefault((path, text), []).append(f"{self.where} ({who})")

    def is_meant(self, path):
        tests = [members for test, members in self.on_purpose.items() if fnmatch(self.where, test)]
        return any(fnmatch(path, member) for members in tests for member in members)

    def report(self):
        for (path, text), places in sorted(self.violations.items()):
            more = f" and {len(places) - 1} more" if len(places) > 1 else ""
            print(f"{path}: {text}\n    {places[0]}{more}")
        counts = [(self.requests, "requests of dockless"), (self.answers, "answers of the sandbox")]
        for counter, what in counts:
            print(f"{sum(counter.values())} {what}, of {len(counter)} operations, held against AWS's models")
        for what, count in sorted(self.skipped.items()):
            print(f"not checked: {count} {what}")
        if self.unread_patterns:
            print(f"not checked: patterns that Python does not read: {', '.join(self.unread_patterns)}")
        print(f"{len(self.violations)} violations")


def is_ours(call):
    """The SDK names the application; what it sends on its own account while it finds credentials is ours too."""
    agent = call.get("user_agent") or ""
    return "dockless" in agent or "aws-sdk-rust" in agent


def files(places):
    for place in map(Path, places):
        yield from sorted(place.glob("*.jsonl")) if place.is_dir() else [place]


def main(places):
    check = Check()
    for file in files(places):
        with open(file, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    call = json.loads(line)
                except ValueError:
                    check.skipped["lines that a killed sandbox left torn"] += 1
                    continue
                check.check(call, f"{os.path.basename(file)}:{number}")
    check.report()
    return 1 if check.violations or not check.answers + check.requests else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

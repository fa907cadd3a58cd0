"""The check finds what it is there to find, and nothing else: each test breaks one thing in a sound call."""

import unittest
from copy import deepcopy

from check import Check

ECS = "AmazonEC2ContainerServiceV20141113"
OURS = "aws-sdk-rust/1.3 os/linux app/dockless-0.1.0"
SPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def call(operation, request, answer, **more):
    return {
        "method": "POST", "path": "/", "target": f"{ECS}.{operation}", "service": "ecs", "user_agent": OURS,
        "content_type": "application/x-amz-json-1.1", "request": request, "status": 200, "answer": answer, **more,
    }


def described():
    service = {"serviceName": "web", "createdAt": 1700000000.5, "launchType": "FARGATE", "desiredCount": 2}
    return call("DescribeServices", {"cluster": "main", "services": ["web"]}, {"services": [service], "failures": []})


def form(request, answer, status=200):
    return {
        "method": "POST", "path": "/", "target": None, "service": "sts", "user_agent": OURS,
        "content_type": "application/x-www-form-urlencoded", "request": request, "status": status, "answer": answer,
    }


def assumed(more="", expires="2030-01-01T00:00:00Z"):
    keys = "<AccessKeyId>ASIA0123456789ABCDEF</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
    keys += f"<SessionToken>t</SessionToken><Expiration>{expires}</Expiration>{more}"
    result = f"<AssumeRoleResult><Credentials>{keys}</Credentials></AssumeRoleResult>"
    answer = f'<AssumeRoleResponse xmlns="{SPACE}">{result}<ResponseMetadata/></AssumeRoleResponse>'
    request = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fci"
    request += "&RoleSessionName=ci-1&DurationSeconds=900&Tags.member.1.Key=a&Tags.member.1.Value=b"
    return form(request, answer)


def scheduled():
    target = {"Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/main", "RoleArn": "arn:aws:iam::123456789012:role/r"}
    body = {"ScheduleExpression": "rate(5 minutes)", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target}
    return {
        "method": "PUT", "path": "/schedules/nightly", "target": None, "service": "scheduler", "user_agent": OURS,
        "content_type": "application/json", "request": body, "status": 200,
        "answer": {"ScheduleArn": "arn:aws:scheduler:us-east-1:123456789012:schedule/default/nightly"},
    }


class Sound(unittest.TestCase):
    def wrong(self, *calls):
        check = Check()
        for number, one in enumerate(calls):
            check.check(one, f"a.test.jsonl:{number}")
        self.last = check
        return [f"{path}: {text}" for path, text in check.violations]

    def broken(self, sound, change):
        """What is found once `change` has been made."""
        broken = deepcopy(sound)
        change(broken)
        return " | ".join(self.wrong(broken))

    def test_sound_calls_pass(self):
        self.assertEqual(self.wrong(described(), assumed(), scheduled()), [])
        self.assertEqual(sum(self.last.requests.values()), 3)
        self.assertEqual(sum(self.last.answers.values()), 3)

    def test_member_of_a_wrong_name(self):
        found = self.broken(described(), lambda c: c["request"].update(clusterName="main"))
        self.assertEqual(found, "ecs:DescribeServices request.clusterName: the model has no such member")
        found = self.broken(described(), lambda c: c["answer"]["services"][0].update(name="web"))
        self.assertEqual(found, "ecs:DescribeServices answer.services[].name: the model has no such member")

    def test_timestamp_as_text(self):
        found = self.broken(described(), lambda c: c["answer"]["services"][0].update(createdAt="2030-01-01T00:00:00Z"))
        self.assertIn("createdAt: '2030-01-01T00:00:00Z' is not of type timestamp", found)

    def test_required_member_that_is_missing(self):
        found = self.broken(described(), lambda c: c["request"].pop("services"))
        self.assertEqual(found, "ecs:DescribeServices request: required member services is missing")

    def test_wrong_value_of_an_enumeration(self):
        found = self.broken(described(), lambda c: c["answer"]["services"][0].update(launchType="fargate"))
        self.assertIn("launchType: 'fargate' is none of EC2, FARGATE", found)

    def test_wrong_types(self):
        for value in (True, "2", 2.5, None):
            found = self.broken(described(), lambda c: c["answer"]["services"][0].update(desiredCount=value))
            self.assertIn(f"desiredCount: {value!r} is not of type integer", found)

    def test_bounds_and_patterns(self):
        sound = call("PutImage", {"repositoryName": "team/web", "imageManifest": "{}"}, {})
        sound.update(target="AmazonEC2ContainerRegistry_V20150921.PutImage", service="ecr")
        self.assertEqual(self.wrong(sound), [])
        self.assertIn("does not match", self.broken(sound, lambda c: c["request"].update(repositoryName="Team")))
        self.assertIn("bounds of 2 to 256", self.broken(sound, lambda c: c["request"].update(repositoryName="w")))

    def test_operation_or_service_that_does_not_exist(self):
        found = self.broken(described(), lambda c: c.update(target=f"{ECS}.DescribeService"))
        self.assertEqual(found, "ecs:DescribeService: no model has such an operation")
        self.assertIn("no model", self.broken(described(), lambda c: c.update(target="Ecs.DescribeServices")))

    def test_refused_request_of_ours_is_checked_all_the_same(self):
        refusal = {"__type": "ClientException", "message": "no"}
        sound = call("DescribeServices", {"services": ["web"]}, refusal, status=400)
        self.assertEqual(self.wrong(sound), [])
        self.assertIn("request.x", self.broken(sound, lambda c: c["request"].update(x=1)))
        self.assertEqual(self.broken(sound, lambda c: (c["request"].update(x=1), c.update(user_agent="curl"))), "")

    def test_bad_request_of_others_must_not_pass(self):
        found = self.broken(described(), lambda c: (c["request"].update(x=1), c.update(user_agent="curl")))
        self.assertIn("request.x", found)

    def test_answers_of_other_servers_are_counted_only(self):
        self.assertEqual(self.broken(described(), lambda c: (c["answer"].update(x=1), c.update(server="moto"))), "")
        self.assertIn("answers of other servers (moto)", self.last.skipped)

    def test_error_that_is_not_modelled_or_misspelt(self):
        sound = call("DescribeServices", {"services": ["w"]}, {"__type": "ClientException", "message": "n"}, status=400)
        unknown = lambda c: c["answer"].update(__type="NoSuchService")
        self.assertIn("does not have the error NoSuchService", self.broken(sound, unknown))
        capital = lambda c: c.update(answer={"__type": "ClientException", "Message": "no"})
        self.assertIn("Message: the model has no such member", self.broken(sound, capital))
        common = lambda c: c.update(answer={"__type": "ThrottlingException", "message": "Rate exceeded"})
        self.assertEqual(self.broken(sound, common), "")

    def test_headers_of_ours(self):
        self.assertIn("is signed for ecr", self.broken(described(), lambda c: c.update(service="ecr")))
        self.assertIn("is not signed", self.broken(described(), lambda c: c.update(service=None)))
        self.assertIn("not application/x-amz-json-1.1", self.broken(described(), lambda c: c.update(content_type="a/b")))

    def test_form_with_a_field_that_does_not_exist(self):
        found = self.broken(assumed(), lambda c: c.update(request=c["request"] + "&Tags.member.1.Name=a"))
        self.assertEqual(found, "sts:AssumeRole request.Tags.member.1.Name: the model has no such member")
        found = self.broken(assumed(), lambda c: c.update(request=c["request"].replace("=900", "=soon")))
        self.assertIn("DurationSeconds: 'soon' is not of type integer", found)

    def test_element_that_does_not_exist(self):
        self.assertEqual(
            self.wrong(assumed("<Expiry>1</Expiry>")),
            ["sts:AssumeRole answer.Credentials.Expiry: the model has no such element"],
        )

    def test_time_in_xml(self):
        self.assertIn("is not of type timestamp", "".join(self.wrong(assumed(expires="1700000000"))))

    def test_envelope_of_xml(self):
        self.assertIn("is not AssumeRoleResponse", self.broken(assumed(), lambda c: c.update(answer="<x/>")))
        self.assertIn("is not XML", self.broken(assumed(), lambda c: c.update(answer="<x>")))

    def test_refusal_in_xml(self):
        error = "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>m</Message></Error></ErrorResponse>"
        refused = lambda code: {**assumed(), "status": 400, "answer": error.format(code)}
        self.assertEqual(self.wrong(refused("AccessDenied")), [])
        self.assertIn("does not have the error Nonsense", "".join(self.wrong(refused("Nonsense"))))

    def test_rest(self):
        self.assertIn("required member Target", self.broken(scheduled(), lambda c: c["request"].pop("Target")))
        found = self.broken(scheduled(), lambda c: c.update(path="/schedules/nightly?group=x"))
        self.assertIn("?group: the model has no such field of the query", found)
        self.assertIn("no model has", self.broken(scheduled(), lambda c: c.update(path="/schedule/nightly")))

    def test_what_is_meant_is_counted(self):
        check = Check({"a.*": ["*.services.name"]})
        odd = deepcopy(described())
        odd["answer"]["services"][0]["name"] = "web"
        check.check(odd, "a.test.jsonl:1")
        self.assertEqual(check.violations, {})
        check.check(odd, "b.test.jsonl:1")
        self.assertEqual(len(check.violations), 1)

    def test_what_is_not_aws_is_counted(self):
        token = {**described(), "target": None, "service": None, "method": "GET", "path": "/token", "request": ""}
        self.assertEqual(self.wrong(token), [])
        self.assertEqual(sum(self.last.skipped.values()), 1)


if __name__ == "__main__":
    unittest.main()

"""What tasks leave behind, by boto3: lines in CloudWatch Logs and the health of targets.

The sandbox gives tasks of an image tagged `chatty` two lines to write, and lets their targets answer with 502.
"""

import time

import boto3
from botocore.exceptions import ClientError

ecs, logs, elb = (boto3.client(name) for name in ("ecs", "logs", "elbv2"))
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/chatty/0123456789abcdef"


def refused(code, call, **inputs):
    try:
        call(**inputs)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} was expected")


def by_hand():
    logs.create_log_group(logGroupName="/by/hand")
    refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName="/by/hand")
    logs.create_log_stream(logGroupName="/by/hand", logStreamName="one")
    now = int(time.time() * 1000)
    events = [{"timestamp": now + at, "message": f"line {at}"} for at in range(5)]
    logs.put_log_events(logGroupName="/by/hand", logStreamName="one", logEvents=events)
    stream = {"logGroupName": "/by/hand", "logStreamName": "one"}
    last = logs.get_log_events(**stream, limit=2)
    assert [event["message"] for event in last["events"]] == ["line 3", "line 4"], last
    before = logs.get_log_events(**stream, limit=2, nextToken=last["nextBackwardToken"])
    assert [event["message"] for event in before["events"]] == ["line 1", "line 2"], before
    again = logs.get_log_events(**stream, nextToken=last["nextForwardToken"])
    assert again["nextForwardToken"] == last["nextForwardToken"] and not again["events"], again
    found = logs.filter_log_events(logGroupName="/by/hand", filterPattern='"line 2"')
    assert len(found["events"]) == 1, found
    message = refused("ResourceNotFoundException", logs.get_log_events, logGroupName="/none", logStreamName="x")
    assert message == "The specified log group does not exist.", message
    refused("ResourceNotFoundException", logs.get_log_events, logGroupName="/by/hand", logStreamName="x")
    assert logs.describe_log_groups(logGroupNamePrefix="/by")["logGroups"][0]["logGroupName"] == "/by/hand"
    assert logs.describe_log_streams(logGroupName="/by/hand")["logStreams"][0]["lastEventTimestamp"] == now + 4


def by_tasks():
    ecs.create_cluster(clusterName="traces")
    options = {"awslogs-group": "/ecs/chatty", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "app"}
    container = {
        "name": "web", "image": "host.example/web:chatty", "portMappings": [{"containerPort": 80}],
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    ecs.register_task_definition(
        family="chatty", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        executionRoleArn="arn:aws:iam::123456789012:role/execution",
        containerDefinitions=[container],
    )
    refused("TargetGroupNotFound", elb.describe_target_health, TargetGroupArn=GROUP)
    ecs.create_service(
        cluster="traces", serviceName="chatty", taskDefinition="chatty", desiredCount=1, launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}}, healthCheckGracePeriodSeconds=600,
        loadBalancers=[{"targetGroupArn": GROUP, "containerName": "web", "containerPort": 80}],
    )
    group = elb.describe_target_groups(TargetGroupArns=[GROUP])["TargetGroups"][0]
    assert (group["TargetGroupName"], group["TargetType"]) == ("chatty", "ip"), group
    balancer = elb.describe_load_balancers(LoadBalancerArns=group["LoadBalancerArns"])["LoadBalancers"][0]
    assert balancer["State"]["Code"] == "active", balancer
    seen = set()
    for _ in range(100):
        rows = elb.describe_target_health(TargetGroupArn=GROUP)["TargetHealthDescriptions"]
        seen |= {(row["TargetHealth"]["State"], row["TargetHealth"].get("Reason")) for row in rows}
        if ("unhealthy", "Target.ResponseCodeMismatch") in seen:
            break
        time.sleep(0.1)
    assert ("unhealthy", "Target.ResponseCodeMismatch") in seen, seen
    task = ecs.list_tasks(cluster="traces", serviceName="chatty")["taskArns"][0].rsplit("/", 1)[1]
    found = logs.get_log_events(logGroupName="/ecs/chatty", logStreamName=f"app/web/{task}", startFromHead=True)
    lines = [event["message"] for event in found["events"]]
    assert lines == ["listening on 80", "cannot reach the database"], lines
    ecs.delete_service(cluster="traces", service="chatty", force=True)


by_hand()
by_tasks()

"""Rules of EventBridge and schedules of EventBridge Scheduler by boto3: made, listed, changed, refused, and obeyed."""

import datetime
import time

import boto3
from botocore.exceptions import ClientError

ecs, events, scheduler = (boto3.client(name) for name in ("ecs", "events", "scheduler"))
ROLE = "arn:aws:iam::123456789012:role/starter"
NETWORK = {"awsvpcConfiguration": {"Subnets": ["subnet-1"], "AssignPublicIp": "ENABLED"}}


def refused(code, message, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        said = error.response["Error"]
        assert (said["Code"], message in said["Message"]) == (code, True), said
    else:
        raise AssertionError(f"{arguments} was taken")


def started(by, count):
    for _ in range(200):
        tasks = ecs.list_tasks(cluster="demo", startedBy=by)["taskArns"]
        tasks += ecs.list_tasks(cluster="demo", startedBy=by, desiredStatus="STOPPED")["taskArns"]
        if len(set(tasks)) >= count:
            return ecs.describe_tasks(cluster="demo", tasks=sorted(set(tasks)))["tasks"]
        time.sleep(0.05)
    raise AssertionError(f"{by} started {tasks}")


def rules(cluster, definition):
    missing = "ResourceNotFoundException"
    refused(missing, "Rule nightly does not exist on EventBus default.", events.describe_rule, Name="nightly")
    refused("ValidationException", "Parameter ScheduleExpression is not valid.", events.put_rule, Name="nightly",
            ScheduleExpression="rate(1 minutes)")
    refused("ValidationException", "EventPattern or ScheduleExpression", events.put_rule, Name="nightly")
    arn = events.put_rule(Name="nightly", ScheduleExpression="rate(1 minute)", Tags=[{"Key": "a", "Value": "b"}])["RuleArn"]
    target = {"Id": "job", "Arn": cluster, "RoleArn": ROLE, "EcsParameters": {
        "TaskDefinitionArn": definition, "TaskCount": 2, "LaunchType": "FARGATE", "NetworkConfiguration": NETWORK}}
    without = {name: value for name, value in target.items() if name != "RoleArn"}
    refused("ValidationException", "RoleArn is required for target", events.put_targets, Rule="nightly", Targets=[without])
    refused(missing, "Event bus other does not exist.", events.put_targets, Rule="nightly", EventBusName="other",
            Targets=[target])
    answer = events.put_targets(Rule="nightly", Targets=[target, {"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:1:q"}])
    assert answer["FailedEntryCount"] == 0, answer
    broken = {**target, "Id": "broken", "EcsParameters": {"TaskDefinitionArn": "job"}}
    answer = events.put_targets(Rule="nightly", Targets=[broken])
    assert answer["FailedEntryCount"] == 1 and answer["FailedEntries"][0]["TargetId"] == "broken", answer

    tasks = started("events-rule/nightly", 2)
    assert {task["group"] for task in tasks} == {"family:job"}, tasks
    first = events.list_targets_by_rule(Rule="nightly", Limit=1)
    rest = events.list_targets_by_rule(Rule="nightly", NextToken=first["NextToken"])
    assert [first["Targets"][0], rest["Targets"][0]["Id"]] == [target, "queue"] and "NextToken" not in rest
    assert events.list_rule_names_by_target(TargetArn=cluster)["RuleNames"] == ["nightly"]
    assert events.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    events.disable_rule(Name="nightly")
    assert events.list_rules(NamePrefix="night")["Rules"][0]["State"] == "DISABLED"
    refused("ValidationException", "since it has targets", events.delete_rule, Name="nightly")
    assert events.remove_targets(Rule="nightly", Ids=["job", "queue"])["FailedEntryCount"] == 0
    events.delete_rule(Name="nightly")
    events.create_event_bus(Name="other", Description="of others")
    refused("ValidationException", "only on the default event bus", events.put_rule, Name="x", EventBusName="other",
            ScheduleExpression="rate(1 hour)")
    assert [bus["Name"] for bus in events.list_event_buses()["EventBuses"]] == ["default", "other"]
    events.delete_event_bus(Name="other")


def schedules(cluster, definition):
    refused("ResourceNotFoundException", "Schedule once does not exist.", scheduler.get_schedule, Name="once")
    scheduler.create_schedule_group(Name="batch", Tags=[{"Key": "a", "Value": "b"}])
    target = {"Arn": cluster, "RoleArn": ROLE, "Input": '{"cpu": "256"}', "EcsParameters": {
        "TaskDefinitionArn": definition, "LaunchType": "FARGATE", "NetworkConfiguration": NETWORK}}
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=1)
    once = {"Name": "once", "GroupName": "batch", "FlexibleTimeWindow": {"Mode": "OFF"}, "Target": target,
            "ScheduleExpression": f"at({soon:%Y-%m-%dT%H:%M:%S})", "ActionAfterCompletion": "DELETE"}
    refused("ValidationException", "Invalid Schedule Expression rate(30 seconds).", scheduler.create_schedule,
            **{**once, "ScheduleExpression": "rate(30 seconds)"})
    scheduler.create_schedule(**once)
    refused("ConflictException", "already exists", scheduler.create_schedule, **once)
    (task,) = started("chronos-schedule/once", 1)
    assert task["overrides"]["cpu"] == "256", task
    refused("ResourceNotFoundException", "once", scheduler.get_schedule, Name="once", GroupName="batch")

    weekly = {"Name": "weekly", "FlexibleTimeWindow": {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}, "Target": target,
              "ScheduleExpression": "cron(0 8 ? * MON *)", "Description": "every week",
              "ScheduleExpressionTimezone": "Europe/Berlin", "StartDate": soon}
    scheduler.create_schedule(**weekly)
    shown = scheduler.get_schedule(Name="weekly")
    assert (shown["State"], shown["ActionAfterCompletion"]) == ("ENABLED", "NONE"), shown
    assert abs(shown["StartDate"] - soon) < datetime.timedelta(seconds=1), shown
    replaced = {name: weekly[name] for name in ("Name", "FlexibleTimeWindow", "Target", "ScheduleExpression")}
    scheduler.update_schedule(**replaced)
    shown = scheduler.get_schedule(Name="weekly")
    assert shown["ScheduleExpressionTimezone"] == "UTC" and "Description" not in shown and "StartDate" not in shown, shown
    assert [schedule["Name"] for schedule in scheduler.list_schedules(GroupName="default")["Schedules"]] == ["weekly"]
    group = scheduler.get_schedule_group(Name="batch")
    assert scheduler.list_tags_for_resource(ResourceArn=group["Arn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    scheduler.untag_resource(ResourceArn=group["Arn"], TagKeys=["a"])
    scheduler.delete_schedule_group(Name="batch")
    scheduler.delete_schedule(Name="weekly")
    assert [group["Name"] for group in scheduler.list_schedule_groups()["ScheduleGroups"]] == ["default"]


def main():
    cluster = ecs.create_cluster(clusterName="demo")["cluster"]["clusterArn"]
    definition = ecs.register_task_definition(
        family="job", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
        containerDefinitions=[{"name": "job", "image": "public.ecr.aws/x/job:1", "essential": True}],
    )["taskDefinition"]["taskDefinitionArn"]
    rules(cluster, definition)
    schedules(cluster, definition)


main()

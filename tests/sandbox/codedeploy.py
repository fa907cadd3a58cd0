"""Blue/green deployments by CodeDeploy, by boto3 and botocore's own waiter: one that succeeds, one that fails and is
rolled back, one that is stopped. The AppSpec is in YAML, as people keep it.

Images tagged `bad` are expected to have the fate of exiting with 3.
"""

import hashlib
import time

import boto3
from botocore.exceptions import ClientError, WaiterError

ecs = boto3.client("ecs")
codedeploy = boto3.client("codedeploy")
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
NAMES = {"applicationName": "demo-app", "deploymentGroupName": "demo-group"}
BLUE = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/blue/0123456789abcdef"
APPSPEC = """version: 0.0
Resources:
  - TargetService:
      Type: AWS::ECS::Service
      Properties:
        TaskDefinition: "{definition}"
        LoadBalancerInfo:
          ContainerName: "app"
          ContainerPort: 8080
        PlatformVersion: "1.4.0"
"""


def register(tag):
    container = {"name": "app", "image": f"public.ecr.aws/demo/app:{tag}", "essential": True,
                 "portMappings": [{"containerPort": 8080}]}
    definition = ecs.register_task_definition(
        family="app", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
        containerDefinitions=[container])
    return definition["taskDefinition"]["taskDefinitionArn"]


def deploy(definition, **more):
    content = APPSPEC.format(definition=definition)
    held = {"content": content, "sha256": hashlib.sha256(content.encode()).hexdigest()}
    revision = {"revisionType": "AppSpecContent", "appSpecContent": held}
    return codedeploy.create_deployment(**NAMES, revision=revision, **more)["deploymentId"]


def wait(deployment):
    waiter = codedeploy.get_waiter("deployment_successful")
    waiter.config.delay, waiter.config.max_attempts = 0.1, 400
    waiter.wait(deploymentId=deployment)


def get(deployment):
    return codedeploy.get_deployment(deploymentId=deployment)["deploymentInfo"]


def service():
    return ecs.describe_services(cluster="blue-green", services=["app"])["services"][0]


def started(deployment):
    while get(deployment)["status"] == "Created":
        time.sleep(0.02)


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
    else:
        raise AssertionError(f"{code} was expected")


def create():
    ecs.create_cluster(clusterName="blue-green")
    balancer = {"targetGroupArn": BLUE, "containerName": "app", "containerPort": 8080}
    ecs.create_service(cluster="blue-green", serviceName="app", taskDefinition=register("v1"), desiredCount=2,
                       launchType="FARGATE", networkConfiguration=NETWORK, loadBalancers=[balancer],
                       deploymentController={"type": "CODE_DEPLOY"})
    codedeploy.create_application(applicationName="demo-app", computePlatform="ECS")
    pair = {"targetGroups": [{"name": "blue"}, {"name": "green"}], "prodTrafficRoute": {"listenerArns": ["arn:prod"]},
            "testTrafficRoute": {"listenerArns": ["arn:test"]}}
    codedeploy.create_deployment_group(
        **NAMES, serviceRoleArn="arn:aws:iam::123456789012:role/codedeploy",
        deploymentConfigName="CodeDeployDefault.ECSCanary10Percent5Minutes",
        deploymentStyle={"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
        blueGreenDeploymentConfiguration={
            "terminateBlueInstancesOnDeploymentSuccess": {"action": "TERMINATE", "terminationWaitTimeInMinutes": 1},
            "deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0}},
        loadBalancerInfo={"targetGroupPairInfoList": [pair]},
        ecsServices=[{"clusterName": "blue-green", "serviceName": "app"}])
    codedeploy.update_deployment_group(
        applicationName="demo-app", currentDeploymentGroupName="demo-group",
        autoRollbackConfiguration={"enabled": True, "events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST"]})


def success():
    second = register("v2")
    refused("InvalidParameterException", ecs.update_service, cluster="blue-green", service="app",
            taskDefinition=second)
    deployment = deploy(second, deploymentConfigName="CodeDeployDefault.ECSAllAtOnce", description="the second")
    refused("DeploymentLimitExceededException", deploy, definition=second)
    wait(deployment)
    shown = service()
    assert shown["taskDefinition"] == second and shown["taskSets"][0]["externalId"] == deployment, shown
    ids = codedeploy.list_deployment_targets(deploymentId=deployment)["targetIds"]
    assert ids == ["blue-green:app"], ids
    targets = codedeploy.batch_get_deployment_targets(deploymentId=deployment, targetIds=ids)["deploymentTargets"]
    events = {event["lifecycleEventName"]: event["status"] for event in targets[0]["ecsTarget"]["lifecycleEvents"]}
    assert len(events) == 8 and set(events.values()) == {"Succeeded"}, events
    revision = get(deployment)["revision"]
    assert "content" not in revision["appSpecContent"], revision
    whole = codedeploy.get_application_revision(applicationName="demo-app", revision=revision)
    assert second in whole["revision"]["appSpecContent"]["content"], whole
    return second


def failure(second):
    deployment = deploy(register("bad"))
    try:
        wait(deployment)
    except WaiterError as error:
        assert 'matched expected path: "Failed"' in str(error), error
    failed = get(deployment)
    assert failed["errorInformation"]["message"], failed
    wait(failed["rollbackInfo"]["rollbackDeploymentId"])
    assert service()["taskDefinition"] == second


def stop():
    deployment = deploy(register("v3"))
    started(deployment)
    target = codedeploy.get_deployment_target(deploymentId=deployment, targetId="blue-green:app")
    assert target["deploymentTarget"]["deploymentTargetType"] == "ECSTarget", target
    refused("DeploymentIsNotInReadyStateException", codedeploy.continue_deployment, deploymentId=deployment,
            deploymentWaitType="READY_WAIT")
    codedeploy.stop_deployment(deploymentId=deployment, autoRollbackEnabled=True)
    stopped = get(deployment)
    assert stopped["status"] == "Stopped", stopped
    wait(stopped["rollbackInfo"]["rollbackDeploymentId"])


def look_around():
    assert codedeploy.list_applications()["applications"] == ["demo-app"]
    codedeploy.get_application(applicationName="demo-app")
    codedeploy.batch_get_applications(applicationNames=["demo-app"])
    assert codedeploy.list_deployment_groups(applicationName="demo-app")["deploymentGroups"] == ["demo-group"]
    codedeploy.get_deployment_group(**NAMES)
    codedeploy.batch_get_deployment_groups(applicationName="demo-app", deploymentGroupNames=["demo-group", "other"])
    all_of_them = codedeploy.list_deployments(**NAMES)["deployments"]
    assert len(all_of_them) == 5, all_of_them
    assert len(codedeploy.list_deployments(**NAMES, includeOnlyStatuses=["Failed", "Stopped"])["deployments"]) == 2
    assert len(codedeploy.batch_get_deployments(deploymentIds=all_of_them)["deploymentsInfo"]) == 5
    for name in codedeploy.list_deployment_configs()["deploymentConfigsList"]:
        codedeploy.get_deployment_config(deploymentConfigName=name)
    sets = ecs.describe_task_sets(cluster="blue-green", service="app", include=["TAGS"])["taskSets"]
    assert [one["status"] for one in sets][0] == "PRIMARY", sets


def main():
    create()
    second = success()
    failure(second)
    stop()
    look_around()
    codedeploy.delete_deployment_group(**NAMES)
    codedeploy.delete_application(applicationName="demo-app")
    refused("ApplicationDoesNotExistException", codedeploy.get_application, applicationName="demo-app")
    ecs.delete_service(cluster="blue-green", service="app", force=True)


if __name__ == "__main__":
    main()

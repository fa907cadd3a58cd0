"""A service's life by boto3 and botocore's waiters: created, updated, broken and rolled back; and a one-off task.

Images tagged `bad` are expected to have the fate of exiting with 3.
"""

import os
import time

import boto3

from story import image

ecr, ecs = boto3.client("ecr"), boto3.client("ecs")
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def push(*tags):
    ecr.create_repository(repositoryName="web")
    for tag in tags:
        ecr.put_image(repositoryName="web", imageTag=tag, imageManifest=image("web", tag.encode()))


def register(tag):
    container = {"name": "web", "image": f"{os.environ['AWS_ECR_ACCOUNT_URL']}/web:{tag}", "essential": True}
    definition = ecs.register_task_definition(
        family="web", requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
        containerDefinitions=[container])
    return definition["taskDefinition"]["taskDefinitionArn"]


def outcome():
    for _ in range(400):
        newest = ecs.list_service_deployments(cluster="demo", service="web")["serviceDeployments"][0]
        if newest["status"] in ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"):
            return newest["status"]
        time.sleep(0.05)
    raise AssertionError(f"still {newest['status']}")


def wait(name, **arguments):
    waiter = ecs.get_waiter(name)
    waiter.config.delay, waiter.config.max_attempts = 0.1, 200
    waiter.wait(cluster="demo", **arguments)


def service():
    return ecs.describe_services(cluster="demo", services=["web"])["services"][0]


def stopped_reason(definition):
    """Why the first task of a definition stopped."""
    stopped = ecs.list_tasks(cluster="demo", serviceName="web", desiredStatus="STOPPED")["taskArns"]
    tasks = ecs.describe_tasks(cluster="demo", tasks=stopped)["tasks"]
    return next(task["stoppedReason"] for task in tasks if task["taskDefinitionArn"] == definition)


def main():
    push("v1", "v2", "bad")
    ecs.create_cluster(clusterName="demo")
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    first = register("v1")
    ecs.create_service(cluster="demo", serviceName="web", taskDefinition=first, desiredCount=2, launchType="FARGATE",
                       networkConfiguration=NETWORK, deploymentConfiguration=breaker)
    wait("services_stable", services=["web"])
    assert outcome() == "SUCCESSFUL"

    second = register("v2")
    ecs.update_service(cluster="demo", service="web", taskDefinition=second)
    assert outcome() == "SUCCESSFUL"
    tasks = ecs.describe_tasks(cluster="demo", tasks=ecs.list_tasks(cluster="demo", serviceName="web")["taskArns"])
    assert {task["taskDefinitionArn"] for task in tasks["tasks"]} == {second}

    ecs.update_service(cluster="demo", service="web", taskDefinition=register("bad"))
    assert outcome() == "ROLLBACK_SUCCESSFUL"
    assert service()["taskDefinition"] == second, service()
    newest = ecs.list_service_deployments(cluster="demo", service="web")["serviceDeployments"][0]
    ecs.describe_service_deployments(serviceDeploymentArns=[newest["serviceDeploymentArn"]])

    absent = register("absent")
    ecs.update_service(cluster="demo", service="web", taskDefinition=absent)
    assert outcome() == "ROLLBACK_SUCCESSFUL"
    assert service()["taskDefinition"] == second, service()
    reason = stopped_reason(absent)
    assert reason.startswith("CannotPullContainerError: ") and reason.endswith("/web:absent: not found"), reason

    for tag, expected in (("v1", 0), ("bad", 3)):
        started = ecs.run_task(cluster="demo", taskDefinition=register(tag), launchType="FARGATE",
                               networkConfiguration=NETWORK)["tasks"][0]["taskArn"]
        wait("tasks_stopped", tasks=[started])
        ended = ecs.describe_tasks(cluster="demo", tasks=[started])["tasks"][0]
        assert ended["containers"][0]["exitCode"] == expected, ended

    ecs.delete_service(cluster="demo", service="web", force=True)
    wait("services_inactive", services=["web"])


if __name__ == "__main__":
    main()
